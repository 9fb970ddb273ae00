// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"net/http"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// Unrouted tells of requests to the methods of a Mux, as their listener has them, for which of them no route of POST stands: for the methods that
// have rules of their own. There plain JSON is for nobody but Connect; elsewhere it is a call of REST, with the errors and the options of
// REST. The routes must be set.
func Unrouted(mux *transcoder.Mux) func(r *transcoder.Request) bool {
	found := map[*transcoder.Mux]map[string]bool{mux: unrouted(mux)}
	for _, view := range mux.Views() {
		found[view] = unrouted(view)
	}
	return func(r *transcoder.Request) bool { return found[mux.At(r.Listener)][r.Path] }
}

// unrouted returns the paths.
func unrouted(mux *transcoder.Mux) map[string]bool {
	paths := map[string]bool{}
	var match httprule.Match
	for _, m := range mux.Methods() {
		if mux.Method(m.Path) != m {
			continue // it is another listener's
		}
		if mux.Routes() == nil || mux.Routes().Match(&match, http.MethodPost, m.Path) != httprule.Found {
			paths[m.Path] = true
		}
	}
	return paths
}
