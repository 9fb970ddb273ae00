// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"net/http"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// Unrouted tells of the paths of a Mux's methods which of them no route of POST serves, those of the methods that have rules of their own.
// There plain JSON is for nobody but Connect; elsewhere it is a call of REST, with the errors and the options of REST. The routes must be
// set.
func Unrouted(mux *transcoder.Mux) func(path string) bool {
	unrouted := map[string]bool{}
	var match httprule.Match
	for _, m := range mux.Methods() {
		if mux.Routes() == nil || mux.Routes().Match(&match, http.MethodPost, m.Path) != httprule.Found {
			unrouted[m.Path] = true
		}
	}
	return func(path string) bool { return unrouted[path] }
}
