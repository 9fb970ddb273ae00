// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package segments provides how patterns of names with parts match them: of services in the configuration, of routes in filters.
package segments

// Any stands for any number of parts, also none.
const Any = "**"

// Match tells whether a pattern, in segments, matches all parts of a name. takes tells whether one segment that is not [Any] takes one part.
func Match(pattern, parts []string, takes func(segment, part string) bool) bool {
	at, part := 0, 0
	retryAt, retryPart := -1, 0 // behind the last Any, and the part that it would take next
	for part < len(parts) {
		switch {
		case at < len(pattern) && pattern[at] == Any:
			at++
			retryAt, retryPart = at, part
		case at < len(pattern) && takes(pattern[at], parts[part]):
			at++
			part++
		case retryAt >= 0:
			retryPart++
			at, part = retryAt, retryPart
		default:
			return false
		}
	}
	for at < len(pattern) && pattern[at] == Any {
		at++
	}
	return at == len(pattern)
}
