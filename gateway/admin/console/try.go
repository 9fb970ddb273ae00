// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
)

// TryRoot is the path below which the API can be called from the console: what follows it is the path of the API. Pages may call nothing but
// their own origin, and calls go this way through all of the gateway, with every policy, and not through its listeners.
const TryRoot = "/try/"

// tokenField carries the token of the admin API, which is none of the API's business.
const tokenField = "X-Dragoman-Admin-Token"

// authorityField names the host that a call of the console is for, where the API is told apart by hosts: pages cannot set Host.
const authorityField = "X-Dragoman-Try-Authority"

// answersPolicy keeps what the API answers from acting as a page of the console, should a browser ever show it as one.
const answersPolicy = "sandbox; default-src 'none'; frame-ancestors 'none'"

// TryConfig says what calls of the console meet.
type TryConfig struct {
	// Serve serves a call, as it does those of listeners.
	Serve func(transcoder.Exchange)
	// Listener is the name of the listener by which calls seem to have come: what it answers itself, they are answered too.
	Listener string
	// Authority is the host that calls are for unless they say another; "" leaves that of the admin listener.
	Authority string
	// Limits are what calls are held to: those of the listener.
	Limits transcoder.Limits
}

// Try returns what serves TryRoot. It stands behind what keeps strangers from the admin API.
func Try(cfg TryConfig) http.Handler {
	calls := nethttp.Handler(nethttp.Config{Listener: cfg.Listener, Limits: cfg.Limits, Probe: true}, cfg.Serve)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !byScript(r.Header) {
			http.Error(w, "calls of the API by the admin listener are made by scripts of the console, and are no pages", http.StatusForbidden)
			return
		}
		target, ok := strings.CutPrefix(r.RequestURI, strings.TrimSuffix(TryRoot, "/"))
		if !ok || !strings.HasPrefix(target, "/") {
			http.NotFound(w, r)
			return
		}
		// The admin listener bounds how long requests and answers take; these have the bounds of calls.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{}) // a writer without deadlines has none to lift
		_ = control.SetWriteDeadline(time.Time{})
		w.Header().Set("Content-Security-Policy", answersPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")

		call := r.WithContext(r.Context())
		call.RequestURI = target
		call.Header = headerOf(r.Header)
		if host := r.Header.Get(authorityField); host != "" {
			call.Host = host
		} else if cfg.Authority != "" {
			call.Host = cfg.Authority
		}
		calls.ServeHTTP(w, call)
	})
}

// byScript tells whether a request is one that a script of a page makes for itself, or comes from no page at all. A browser that is led here
// by a link, a frame or a tag would take the answer for a part of the console.
func byScript(h http.Header) bool {
	switch h.Get("Sec-Fetch-Dest") {
	case "", "empty", "websocket":
		return h.Get("Sec-Fetch-Mode") != "navigate"
	default:
		return false
	}
}

// tokenProtocol begins the subprotocol in which the token comes where pages can set no fields.
const tokenProtocol = "dragoman.admin."

// headerOf returns what the call carries: without what the browser says of the console's page, and without what is for the admin listener.
func headerOf(h http.Header) http.Header {
	own := make(http.Header, len(h))
	for name, values := range h {
		switch {
		case name == "Sec-Websocket-Protocol":
			if left := subprotocols(values); left != "" {
				own[name] = []string{left}
			}
		case name == "Origin", name == "Referer", name == "Cookie", name == tokenField, name == authorityField, strings.HasPrefix(name, "Sec-Fetch-"):
		default:
			own[name] = values
		}
	}
	return own
}

// subprotocols returns a list of them without the token of the admin API.
func subprotocols(fields []string) string {
	var left []string
	for item := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		if item = strings.TrimSpace(item); item != "" && !strings.HasPrefix(item, tokenProtocol) {
			left = append(left, item)
		}
	}
	return strings.Join(left, ", ")
}
