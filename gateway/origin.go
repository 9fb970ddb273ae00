// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// checkOrigin refuses a WebSocket that a page of another origin opens, unless the method lets that origin call: browsers ask nobody
// before they open one, and send cookies along (T144, threat F4).
func (s *Snapshot) checkOrigin(c *transcoder.Call) error {
	if c.Protocol != "websocket" || !c.Request.Header.Has("origin") {
		return nil
	}
	origin := c.Request.Header.Get("origin")
	if c.Request.Header.Count("origin") == 1 && (s.cors(c).Allows(origin) || sameOrigin(origin, c.Request)) {
		return nil
	}
	return status.Errorf(codes.PermissionDenied, status.ReasonOriginNotAllowed, "pages of this origin may not open a WebSocket here; cors.allow_origins has those that may")
}

// sameOrigin tells whether a page comes from where it calls.
func sameOrigin(origin string, r *transcoder.Request) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	return ok && scheme == r.Scheme && r.Authority != "" && strings.EqualFold(host, r.Authority)
}
