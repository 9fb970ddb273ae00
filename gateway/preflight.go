// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/http"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// preflightProtocol is what a preflight is called in logs: it is a question about a call and none itself.
const preflightProtocol = "cors"

// cors returns the policy of a call that was opened; nil where pages of other origins may not read its answer.
func (s *Snapshot) cors(c *transcoder.Call) *cors.Policy {
	if c.Method == nil {
		return s.CORS
	}
	return s.routes[c.Method.ID].CORS
}

// preflight answers a preflight, before authentication and limits: it carries no credentials (T44, T208). It is false where the policy has
// nothing to say; a rule for OPTIONS may then have.
func (s *Snapshot) preflight(c *transcoder.Call, ex transcoder.Exchange, panicked func(*transcoder.Call, any) error) bool {
	policy, methods := s.asked(c.Request)
	if policy == nil {
		return false
	}
	c.Protocol = preflightProtocol
	c.HTTPStatus, _ = policy.Answer(ex, methods) // the client may have gone: there is nobody else to tell
	c.FirstByte = time.Now()
	c.End = c.FirstByte
	for _, o := range s.Observers {
		observe(o, c, panicked)
	}
	return true
}

// asked returns the policy of the method that a preflight asks about, and the HTTP methods that its path takes.
func (s *Snapshot) asked(r *transcoder.Request) (*cors.Policy, []string) {
	mux := s.Mux.At(r.Listener)
	m := mux.Method(r.Path)
	if m == nil {
		m = mux.Unknown(r.Path, true, true)
	}
	if m != nil {
		methods := []string{http.MethodPost}
		if m.NoSideEffects {
			methods = []string{http.MethodGet, http.MethodPost} // Connect
		}
		return s.routes[m.ID].CORS, methods
	}
	table := mux.Routes()
	if table == nil {
		return s.CORS, nil
	}
	var match httprule.Match
	method := r.Header.Get("access-control-request-method")
	if table.Match(&match, method, r.Path) != httprule.Found {
		return s.CORS, nil
	}
	b := match.Binding()
	policy := s.CORS
	if m := mux.Method("/" + string(b.Method.Parent().FullName()) + "/" + string(b.Method.Name())); m != nil {
		policy = s.routes[m.ID].CORS
	}
	methods := []string{method}
	if table.Match(&match, http.MethodOptions, r.Path) == httprule.OptionsOnly {
		methods = match.Allowed()
	}
	return policy, methods
}
