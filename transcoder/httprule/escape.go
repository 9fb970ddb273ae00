// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"strings"
)

// pathClass sorts the bytes of an escaped path for the scanner.
type pathClass uint8

const (
	pathData pathClass = iota
	pathSlash
	pathPercent
	pathBad
)

// pathClasses refuses what RFC 3986 never allows raw in a path and what parsers along the way are known to read
// differently: control bytes, space, '#', '?', '\' (which browsers turn into '/') and everything outside ASCII.
var pathClasses = func() (classes [256]pathClass) {
	for b := range classes {
		switch {
		case b <= ' ', b >= 0x7f, b == '#', b == '?', b == '\\':
			classes[b] = pathBad
		case b == '/':
			classes[b] = pathSlash
		case b == '%':
			classes[b] = pathPercent
		default:
			classes[b] = pathData
		}
	}
	return classes
}()

// escapeBytes is the length of an escape such as %2F.
const escapeBytes = 3

const upperHex = "0123456789ABCDEF"

// isUnreserved reports the characters of RFC 3986 section 2.3, which mean the same encoded and raw.
func isUnreserved(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return b == '-' || b == '.' || b == '_' || b == '~'
}

// isReserved reports the gen-delims and sub-delims of RFC 3986 section 2.2.
func isReserved(b byte) bool {
	return strings.IndexByte(":/?#[]@!$&'()*+,;=", b) >= 0
}

// isPathChar reports whether b may stand raw in a path segment: pchar of RFC 3986 section 3.3 without '%'.
func isPathChar(b byte) bool {
	return isUnreserved(b) || strings.IndexByte("!$&'()*+,;=:@", b) >= 0
}

// unhex gives the value of one hexadecimal digit, or 0xff.
func unhex(b byte) byte {
	switch {
	case '0' <= b && b <= '9':
		return b - '0'
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10
	}
	return 0xff
}

// escapeAt decodes the escape that starts with the '%' at s[i].
func escapeAt(s string, i int) (b byte, ok bool) {
	if i+2 >= len(s) {
		return 0, false
	}
	hi, lo := unhex(s[i+1]), unhex(s[i+2])
	if hi > 15 || lo > 15 {
		return 0, false
	}
	return hi<<4 | lo, true
}

// appendNormal appends s with escaped unreserved characters decoded and the hexadecimal digits of the
// other escapes in upper case (RFC 3986 sections 6.2.2.1 and 6.2.2.2). Every escape in s must be well formed.
func appendNormal(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			dst = append(dst, s[i])
			continue
		}
		b, _ := escapeAt(s, i)
		i += 2
		if isUnreserved(b) {
			dst = append(dst, b)
			continue
		}
		dst = append(dst, '%', upperHex[b>>4], upperHex[b&15])
	}
	return dst
}

// normal is appendNormal for a string; it returns s itself where nothing changes.
func normal(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(appendNormal(nil, s))
}

// Unescape says which escapes are decoded in the value of a variable that covers several segments. Variables
// of one segment are always decoded wholly.
type Unescape uint8

const (
	// UnescapeExceptSlash decodes all but %2F and %2f, which stay as written. This is what google/api/http.proto says.
	UnescapeExceptSlash Unescape = iota
	// UnescapeExceptReserved decodes all but the reserved characters of RFC 3986 section 2.2, as Envoy does by default.
	UnescapeExceptReserved
	// UnescapeAll decodes everything, as fully_decode_reserved_expansion asks for.
	UnescapeAll
)

// appendUnescaped appends s decoded once. Every escape in s must be well formed.
func appendUnescaped(dst []byte, s string, mode Unescape) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			dst = append(dst, s[i])
			continue
		}
		b, _ := escapeAt(s, i)
		keep := mode == UnescapeExceptSlash && b == '/' || mode == UnescapeExceptReserved && isReserved(b)
		if keep {
			dst = append(dst, s[i:i+3]...)
		} else {
			dst = append(dst, b)
		}
		i += 2
	}
	return dst
}
