// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "strings"

// NotFromBrowser tells whether a lower-case name of a request's field is about HTTP, the browser or the way, and no metadata of the
// call. Cookies are among them unless a policy allows them (T163).
func NotFromBrowser(name string) bool {
	switch name {
	case "accept", "accept-charset", "accept-encoding", "cache-control", "content-encoding", "content-language", "cookie", "dnt", "forwarded",
		"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-event-id", "max-forwards",
		"origin", "pragma", "priority", "range", "referer", "save-data", "upgrade-insecure-requests", "via", "x-real-ip", "x-server-timeout":
		return true
	}
	return strings.HasPrefix(name, "sec-") || strings.HasPrefix(name, "x-forwarded-") || strings.HasPrefix(name, "access-control-") ||
		strings.HasPrefix(name, "grpcgateway-")
}

// NotForBrowser tells whether a backend's metadata of a lower-case name never becomes a field of an answer that a browser may have
// asked for (T167, threat B15).
func NotForBrowser(name string) bool {
	switch name {
	case "age", "allow", "cache-control", "clear-site-data", "cookie", "etag", "expires", "forwarded", "link", "location", "nel", "origin",
		"permissions-policy", "pragma", "public-key-pins", "referrer-policy", "refresh", "report-to", "reporting-endpoints", "set-cookie", "set-cookie2",
		"sourcemap", "status", "strict-transport-security", "vary", "via", "warning", "www-authenticate", "x-content-type-options",
		"x-frame-options", "x-request-id", "x-sendfile", "x-xss-protection":
		return true
	}
	return strings.HasPrefix(name, "access-control-") || strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "cross-origin-") ||
		strings.HasPrefix(name, "sec-") || strings.HasPrefix(name, "x-accel-") || strings.HasPrefix(name, "x-forwarded-")
}
