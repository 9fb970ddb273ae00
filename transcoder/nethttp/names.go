// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"net/http"
	"strings"
)

// common are the field names of nearly every request and answer, so that most need no
// conversion.
var common = []string{
	"accept", "accept-encoding", "accept-language", "access-control-allow-origin", "authorization", "cache-control", "connection",
	"connect-protocol-version", "content-encoding", "content-length", "content-type", "cookie", "date", "etag",
	"grpc-accept-encoding", "grpc-encoding", "grpc-message", "grpc-status", "grpc-status-details-bin", "grpc-timeout", "host",
	"if-none-match", "origin", "referer", "te", "traceparent", "tracestate", "user-agent", "vary", "x-content-type-options",
	"x-dragoman-reason", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "x-user-agent",
}

var lowerNames, canonicalNames = nameTables() //nolint:gochecknoglobals // tables

func nameTables() (lower, canonical map[string]string) {
	lower, canonical = make(map[string]string, len(common)), make(map[string]string, len(common))
	for _, name := range common {
		c := http.CanonicalHeaderKey(name)
		lower[c], canonical[name] = name, c
	}
	return lower, canonical
}

func lowerName(canonical string) string {
	if name, ok := lowerNames[canonical]; ok {
		return name
	}
	return strings.ToLower(canonical)
}

func canonicalName(lower string) string {
	if name, ok := canonicalNames[lower]; ok {
		return name
	}
	return http.CanonicalHeaderKey(lower)
}
