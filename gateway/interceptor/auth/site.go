// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// proofs are fields that a page cannot set on a call to another site without being asked by a preflight, which only origins that
// cors has pass. Clients of gRPC-Web and Connect send theirs anyway.
var proofs = [...]string{"x-requested-with", "x-grpc-web", "connect-protocol-version"}

// checkSite refuses a call whose credentials a browser may have added for a page of another site (threats F3, F4).
//
// https://www.w3.org/TR/2025/WD-fetch-metadata-20250401/#sec-fetch-site-header
func (p *Policy) checkSite(c *transcoder.Call, provider Provider) error {
	s, ok := provider.(Sender)
	if !ok {
		return nil
	}
	sending := s.SentBy(c)
	if sending == SentByProgram {
		return nil
	}
	h := c.Request.Header
	site, origin := h.Get("sec-fetch-site"), h.Get("origin")
	if h.Count("sec-fetch-site") > 1 || h.Count("origin") > 1 {
		return crossSite()
	}
	trusted := origin != "" && (ownOrigin(origin, site, c) || p.config.AllowsOrigin != nil && p.config.AllowsOrigin(origin))
	switch {
	case origin != "" && !trusted:
		return crossSite()
	case trusted, site == "same-origin", site == "none":
		return nil
	case site != "":
		return crossSite()
	case sending == SentByAny:
		return nil // nothing says that it is a browser
	case c.Protocol == "websocket":
		return crossSite() // browsers always tell the origin of a WebSocket
	}
	for _, name := range proofs {
		if h.Has(name) {
			return nil
		}
	}
	return crossSite()
}

func crossSite() error {
	return status.Errorf(codes.PermissionDenied, status.ReasonCrossSite, "the credentials are ones that browsers send by themselves, and nothing says that the call comes from a page of this site; send the header x-requested-with, or have the origin of the page in cors.allow_origins with allow_credentials")
}

// ownOrigin tells whether a page comes from where it calls. Behind a proxy that ends TLS, the scheme is not the one that the browser
// has used; there its own word counts, which no page can change.
func ownOrigin(origin, site string, c *transcoder.Call) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || host == "" || !strings.EqualFold(host, c.Request.Authority) && !strings.EqualFold(host, c.Host) {
		return false
	}
	return scheme == c.Request.Scheme || site == "same-origin"
}
