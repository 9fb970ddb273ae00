// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package percent provides the percent-encoding of gRPC's messages, which both its servers and its clients need.
package percent

const upperHex = "0123456789ABCDEF"

// Append appends a grpc-message: bytes outside 0x20 to 0x7E, and the percent sign,
// are written as %XX, so no control byte ever reaches a header (threat B16).
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md#responses, "Percent-Encoded".
func Append(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c <= '~' && c != '%' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&0xF])
	}
	return dst
}

// Decode reads a grpc-message. Broken escapes stay as they stand: the
// specification asks that decoders never lose a message over them (T151).
func Decode(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := Unhex(s[i+1])
			lo, ok2 := Unhex(s[i+2])
			if ok1 && ok2 {
				if out == nil {
					out = append(make([]byte, 0, len(s)), s[:i]...)
				}
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		if out != nil {
			out = append(out, s[i])
		}
	}
	if out == nil {
		return s
	}
	return string(out)
}

// Unhex returns the value of a hexadecimal digit of either case, and whether c is one.
func Unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	default:
		return 0, false
	}
}
