// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
)

// NoneMatch tells whether an If-None-Match field names the tag, compared weakly, or is "*".
//
// https://www.rfc-editor.org/rfc/rfc9110.html#section-13.1.2
func NoneMatch(field, tag string) bool {
	if strings.TrimSpace(field) == "*" {
		return true
	}
	tag = strings.TrimPrefix(tag, "W/")
	for field != "" {
		field = strings.TrimLeft(field, " \t,")
		field = strings.TrimPrefix(field, "W/")
		if !strings.HasPrefix(field, `"`) {
			return false // not a list of tags
		}
		end := strings.IndexByte(field[1:], '"')
		if end < 0 {
			return false
		}
		if field[:end+2] == tag {
			return true
		}
		field = strings.TrimLeft(field[end+2:], " \t")
		if field != "" && field[0] != ',' {
			return false
		}
	}
	return false
}
