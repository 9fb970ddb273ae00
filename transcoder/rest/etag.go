// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// An entity tag is a quoted opaque text, weak with W/ before it.
//
// https://www.rfc-editor.org/rfc/rfc9110.html#section-8.8.3

// contentTag returns the strong entity tag of a body: 128 bits of its SHA-256 (T202).
func contentTag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// The values of etag fields that are no entity tags themselves are put into one so that they can be told from those that are: behind
// plainMark as they are, or behind encodedMark in base64.
const (
	plainMark   = "~"
	encodedMark = "~~"
)

// tagOf returns the entity tag for the value of an etag field; "" for none.
func tagOf(value string) string {
	switch {
	case value == "":
		return ""
	case isTag(value) && !strings.HasPrefix(strings.TrimPrefix(value, "W/"), `"`+plainMark):
		return value
	case isOpaque(value) && !strings.HasPrefix(value, plainMark):
		return `"` + plainMark + value + `"`
	default:
		return `"` + encodedMark + base64.RawURLEncoding.EncodeToString([]byte(value)) + `"`
	}
}

// valueOf returns the value of the etag field for an entity tag that tagOf made.
func valueOf(tag string) (string, bool) {
	if !isTag(tag) {
		return "", false
	}
	opaque := strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	if encoded, ok := strings.CutPrefix(opaque, encodedMark); ok {
		value, err := base64.RawURLEncoding.DecodeString(encoded)
		return string(value), err == nil
	}
	if plain, ok := strings.CutPrefix(opaque, plainMark); ok {
		return plain, true
	}
	return tag, true
}

// isTag tells whether s is one entity tag.
func isTag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	return len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' && isOpaque(s[1:len(s)-1])
}

// isOpaque tells whether s may stand inside the quotes.
func isOpaque(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '"' || s[i] > '~' {
			return false
		}
	}
	return true
}
