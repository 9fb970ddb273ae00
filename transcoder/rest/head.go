// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// head reads what the fields of a request say: timeouts and metadata.
func head(c *transcoder.Call, prefixed bool) error {
	for i := range timeouts {
		t := &timeouts[i]
		v := c.Request.Header.Get(t.name)
		if v == "" {
			continue
		}
		d, err := t.parse(v)
		if err != nil {
			return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
		}
		if !c.HasTimeout || d < c.Timeout {
			c.Timeout, c.HasTimeout = d, true // T174: the smallest counts
		}
	}
	var err error
	if prefixed {
		c.Metadata, err = appendPrefixed(c.Metadata, c.Request.Header)
	} else {
		c.Metadata, err = wire.AppendMetadata(c.Metadata, c.Request.Header, dropped)
	}
	if err != nil {
		return status.Errorf(codes.InvalidArgument, status.ReasonBadHeader, "%s", err)
	}
	return nil
}

// timeouts are the fields in which a client may say how long it waits (T173).
var timeouts = [...]struct {
	name  string
	parse func(string) (time.Duration, error)
}{
	{"grpc-timeout", wire.ParseGRPCTimeout},
	{"connect-timeout-ms", wire.ParseConnectTimeout},
	{"x-server-timeout", wire.ParseServerTimeout},
}

// dropped are fields that are about HTTP, the browser or the way, and no metadata of the call. Cookies are dropped unless a policy
// allows them (T163).
func dropped(name string) bool {
	switch name {
	case "accept", "accept-charset", "accept-encoding", "cache-control", "content-encoding", "content-language", "cookie", "dnt", "forwarded",
		"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-event-id", "max-forwards",
		"origin", "pragma", "priority", "range", "referer", "save-data", "upgrade-insecure-requests", "via", "x-real-ip", "x-server-timeout":
		return true
	}
	return strings.HasPrefix(name, "sec-") || strings.HasPrefix(name, "x-forwarded-") || strings.HasPrefix(name, "access-control-") ||
		strings.HasPrefix(name, "grpcgateway-")
}

// droppedAnswer are names under which a backend's metadata never becomes a field of a REST answer (T167, threat B15).
func droppedAnswer(name string) bool {
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
