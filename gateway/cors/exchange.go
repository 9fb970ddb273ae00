// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cors

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Preflight tells whether a request is a browser's question whether a page may send another one. It is answered before anybody asks
// who is calling: it carries no credentials (T44).
func Preflight(r *transcoder.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Has("origin") && r.Header.Has("access-control-request-method")
}

// Answer writes the answer to a preflight. methods are those that the path takes.
func (p *Policy) Answer(ex transcoder.Exchange, methods []string) (status int, err error) {
	r := ex.Request()
	out := &transcoder.Out{Status: http.StatusNoContent, End: transcoder.EndClean}
	out.Header.Add("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	origin := r.Header.Get("origin")
	if p != nil && r.Header.Count("origin") == 1 && p.allows(origin) && slices.Contains(methods, r.Header.Get("access-control-request-method")) {
		out.Header.Add("access-control-allow-origin", p.shown(origin))
		out.Header.Add("access-control-allow-methods", strings.Join(methods, ", "))
		out.Header.Add("access-control-allow-headers", p.allow)
		out.Header.Add("access-control-max-age", p.maxAge)
		if p.credentials {
			out.Header.Add("access-control-allow-credentials", "true")
		}
	}
	return out.Status, ex.Write(out)
}

// shown is what the answer says is allowed: the origin itself, unless all are and no answer depends on it.
func (p *Policy) shown(origin string) string {
	if p.any {
		return "*"
	}
	return origin
}

// Wrap returns an Exchange whose answers, errors among them, tell the browser whether the page may read them. A nil Policy, and a
// request that is not from a page, leave them as they are.
func (p *Policy) Wrap(ex transcoder.Exchange) transcoder.Exchange {
	if p == nil {
		return ex
	}
	r := ex.Request()
	origin := r.Header.Get("origin")
	return &exchange{Exchange: ex, policy: p, origin: origin, allowed: r.Header.Count("origin") == 1 && p.allows(origin)}
}

type exchange struct {
	transcoder.Exchange
	policy  *Policy
	origin  string
	allowed bool
}

// Upgrade passes on: who may open a WebSocket is decided before.
func (e *exchange) Upgrade(subprotocol string, header wire.Header, limit int64) (transcoder.Socket, error) {
	u, ok := e.Exchange.(transcoder.Upgrader)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return u.Upgrade(subprotocol, header, limit)
}

func (e *exchange) Write(out *transcoder.Out) error {
	if out.Status != 0 {
		e.head(out)
	}
	return e.Exchange.Write(out)
}

// head adds the fields. Exactly the names that the answer carries are exposed: with credentials no wildcard would do (T208).
func (e *exchange) head(out *transcoder.Out) {
	out.Header.Add("vary", "Origin") // also where all are allowed: a page may become one of some
	if !e.allowed {
		return
	}
	out.Header.Add("access-control-allow-origin", e.policy.shown(e.origin))
	if e.policy.credentials {
		out.Header.Add("access-control-allow-credentials", "true")
	}
	names := slices.Clone(e.policy.expose)
	for _, f := range out.Header {
		if !safelisted(f.Name) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	if len(names) > 0 {
		out.Header.Add("access-control-expose-headers", strings.Join(names, ", "))
	}
}

// safelisted tells whether pages may read a field in any case, or must not at all.
//
// https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
func safelisted(name string) bool {
	switch name {
	case "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
		"vary", "set-cookie", "set-cookie2", "trailer", "alt-svc":
		return true
	}
	return strings.HasPrefix(name, "access-control-")
}
