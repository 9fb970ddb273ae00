// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"net/http/pprof"
)

// Pprof returns the pages of net/http/pprof. They are for those who may use the admin API, and never on a listener for calls (threat I4).
//
// The import of that package puts them into http.DefaultServeMux as well, which nothing of the gateway serves.
func Pprof() []Mount {
	return []Mount{
		{Path: "/debug/pprof/", Handler: http.HandlerFunc(pprof.Index)},
		{Path: "/debug/pprof/profile", Handler: http.HandlerFunc(pprof.Profile), Slow: true},
		{Path: "/debug/pprof/trace", Handler: http.HandlerFunc(pprof.Trace), Slow: true},
		{Path: "/debug/pprof/symbol", Handler: http.HandlerFunc(pprof.Symbol)},
	}
}
