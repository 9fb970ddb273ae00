// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

const (
	// paddingAbove3 is spaces in all bytes but the lowest three.
	paddingAbove3 = 0x2020202020000000

	low  = 0x0101010101010101
	high = 0x8080808080808080
)

// marked sets the high bit of each byte of w that a JSON string cannot hold as it is: quote, backslash and controls.
// Borrows may also set it above the first such byte, never below; bytes of 0x80 and more are not looked at.
func marked(w uint64) uint64 {
	quote := (w ^ low*'"') - low
	slash := (w ^ low*'\\') - low
	control := w - low*' '
	return (quote | slash | control) &^ w & high
}

// plainText tells whether s is ASCII that needs no escape in a JSON string.
func plainText(s []byte) bool {
	n := len(s)
	if n < 8 {
		var w uint64
		switch {
		case n >= 4:
			w = uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint32(s[n-4:]))<<32
		case n > 0:
			w = uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16 | paddingAbove3
		default:
			return true
		}
		return (marked(w)|w)&high == 0
	}
	acc := uint64(0)
	for i := 0; i+8 <= n; i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		acc |= marked(w) | w
	}
	w := binary.LittleEndian.Uint64(s[n-8:])
	return (acc|marked(w)|w)&high == 0
}

// AppendString appends s as a JSON string. What is not UTF-8 in it is replaced.
func AppendString(dst []byte, s string) []byte {
	out, ok := appendText(dst, []byte(s))
	if !ok {
		out, _ = appendText(dst, []byte(strings.ToValidUTF8(s, "\uFFFD")))
	}
	return out
}

// appendText appends s as a JSON string, if it is UTF-8. Only what JSON demands is escaped.
func appendText(dst, s []byte) ([]byte, bool) {
	if plainText(s) {
		n := len(dst)
		dst = roomy(dst, len(s)+2)[:n+len(s)+2]
		dst[n] = '"'
		copy(dst[n+1:], s)
		dst[len(dst)-1] = '"'
		return dst, true
	}
	return appendEscaped(dst, s)
}

func appendEscaped(dst, s []byte) ([]byte, bool) {
	if !utf8.Valid(s) {
		return dst, false
	}
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[done:i]...)
		done = i + 1
		dst = append(dst, '\\')
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\b':
			dst = append(dst, 'b')
		case '\f':
			dst = append(dst, 'f')
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			dst = append(dst, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"'), true
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends a name of the schema, which is UTF-8, as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = appendEscaped(dst, []byte(s))
	return dst
}
