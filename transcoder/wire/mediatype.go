// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "strings"

// MediaType returns the type of a Content-Type, in lower case and without parameters.
func MediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// Charset returns the charset parameter of a Content-Type in lower case, or "".
func Charset(contentType string) string {
	_, params, _ := strings.Cut(contentType, ";")
	for param := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(param), "=")
		if ok && strings.EqualFold(name, "charset") {
			return strings.ToLower(strings.Trim(value, "\""))
		}
	}
	return ""
}
