// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scanText gives the position of the first byte from p on that ends the plain part of a JSON string, and whether there
// are bytes beyond ASCII before it.
func scanText(in []byte, p int) (end int, wide bool) {
	acc := uint64(0)
	for len(in)-p >= 8 {
		w := binary.LittleEndian.Uint64(in[p:])
		if m := marked(w); m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			acc |= w & (1<<n - 1)
			return p + n/8, acc&high != 0
		}
		acc |= w
		p += 8
	}
	for ; p < len(in); p++ {
		c := in[p]
		if c < ' ' || c == '"' || c == '\\' {
			break
		}
		acc |= uint64(c)
	}
	return p, acc&high != 0
}

// str reads the string at p and gives its text, which is good until the next call, and the position after it.
func (d *decoder) str(p int) ([]byte, int) {
	if d.at(p) != '"' {
		return nil, d.wrongType(p, "a string")
	}
	end, wide := scanText(d.in, p+1)
	if d.at(end) != '"' {
		return d.longString(p)
	}
	s := d.in[p+1 : end]
	if wide && !utf8.Valid(s) {
		return nil, d.fail(KindUTF8, p, "the string is not UTF-8")
	}
	return s, end + 1
}

// longString is str for strings with escapes, and for those that do not end well.
func (d *decoder) longString(p int) ([]byte, int) {
	start := p
	d.text = d.text[:0]
	anyWide := false
	for p++; ; {
		end, wide := scanText(d.in, p)
		anyWide = anyWide || wide
		d.text = append(d.text, d.in[p:end]...)
		if end >= len(d.in) {
			return nil, d.fail(KindSyntax, end, "the JSON ends within a string")
		}
		switch d.in[end] {
		case '"':
			if anyWide && !utf8.Valid(d.text) {
				return nil, d.fail(KindUTF8, start, "the string is not UTF-8")
			}
			return d.text, end + 1
		case '\\':
			if p = d.escape(end); p < 0 {
				return nil, p
			}
		default:
			return nil, d.fail(KindSyntax, end, "a string holds a control character that is not escaped")
		}
	}
}

// escape appends to the text what the escape at p stands for, and gives the position after it.
func (d *decoder) escape(p int) int {
	switch c := d.at(p + 1); c {
	case '"', '\\', '/':
		d.text = append(d.text, c)
	case 'b':
		d.text = append(d.text, '\b')
	case 'f':
		d.text = append(d.text, '\f')
	case 'n':
		d.text = append(d.text, '\n')
	case 'r':
		d.text = append(d.text, '\r')
	case 't':
		d.text = append(d.text, '\t')
	case 'u':
		return d.unicode(p)
	default:
		return d.fail(KindSyntax, p, "a string holds an unknown escape")
	}
	return p + 2
}

func (d *decoder) unicode(p int) int {
	r, ok := d.hex(p)
	if !ok {
		return d.fail(KindSyntax, p, `a string holds a \u that is not followed by four hexadecimal digits`)
	}
	p += 6
	if utf16.IsSurrogate(r) {
		second, ok := d.hex(p)
		if r = utf16.DecodeRune(r, second); !ok || r == utf8.RuneError {
			return d.fail(KindUTF8, p-6, "a string holds half of a surrogate pair")
		}
		p += 6
	}
	d.text = utf8.AppendRune(d.text, r)
	return p
}

// hex reads the four digits of the \u at p.
func (d *decoder) hex(p int) (rune, bool) {
	if len(d.in)-p < 6 || d.in[p] != '\\' || d.in[p+1] != 'u' {
		return 0, false
	}
	r := rune(0)
	for _, c := range d.in[p+2 : p+6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendDecoded appends the bytes of base64 text in either alphabet, padded or not.
func appendDecoded(dst, s []byte) ([]byte, bool) {
	if bytes.IndexByte(s, '\n') >= 0 || bytes.IndexByte(s, '\r') >= 0 {
		return dst, false // the standard library would pass over them
	}
	padded := len(s)%4 == 0
	url := bytes.IndexByte(s, '-') >= 0 || bytes.IndexByte(s, '_') >= 0
	enc := base64.StdEncoding
	switch {
	case padded && url:
		enc = base64.URLEncoding
	case url:
		enc = base64.RawURLEncoding
	case !padded:
		enc = base64.RawStdEncoding
	}
	out, err := enc.AppendDecode(dst, s)
	return out, err == nil
}
