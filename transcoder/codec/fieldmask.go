// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

// appendMaskPath appends a path of a field mask in lowerCamelCase; false if it would not be the same when it came back.
func appendMaskPath(dst, path []byte) ([]byte, bool) {
	if !isPath(path) {
		return dst, false
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case isUpper(c):
			return dst, false
		case c != '_':
			dst = append(dst, c)
		default:
			i++
			if i == len(path) || !isLower(path[i]) {
				return dst, false
			}
			dst = append(dst, path[i]-'a'+'A')
		}
	}
	return dst, true
}

// appendSnakePath appends a path of a field mask in snake_case; false if it is not one. Underscores stand for themselves
// if they are allowed: in the text of a URL they are, in JSON not.
func appendSnakePath(dst, path []byte, underscores bool) ([]byte, bool) {
	start := len(dst)
	for _, c := range path {
		switch {
		case c == '_' && !underscores:
			return dst, false
		case isUpper(c):
			dst = append(dst, '_', c-'A'+'a')
		default:
			dst = append(dst, c)
		}
	}
	return dst, isPath(dst[start:])
}

// isPath tells whether s is identifiers with dots between them.
func isPath(s []byte) bool {
	first := true
	for _, c := range s {
		switch {
		case c == '.':
			if first {
				return false
			}
			first = true
			continue
		case c == '_' || isLower(c) || isUpper(c):
		case isDigit(c) && !first:
		default:
			return false
		}
		first = false
	}
	return !first
}
