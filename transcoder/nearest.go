// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"net/http"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// Nearest returns what a call without a method most likely meant, of all that its client can call: the route, as
// "GET /v1/users/{id}", or for who names methods, the path of one; "" where nothing is like it. It is made for people, and takes time in
// proportion to the table, up to a bound.
func (x *Mux) Nearest(c *Call) string {
	view, near, best := x.At(c.Request.Listener), httprule.NewNear(c.Request.Path), ""
	// A POST of REST may have meant a method's own path, and WebSocket takes both.
	byRoute := c.Protocol == "rest" || c.Protocol == "websocket"
	byName := c.Protocol != "rest" || c.Request.Method == http.MethodPost
	if byRoute && view.Routes() != nil {
		for _, b := range view.Routes().Bindings() {
			if c.Protocol == "websocket" && !opensWebSocket(b.HTTPMethod) {
				continue
			}
			if view.Method("/"+string(b.Method.Parent().FullName())+"/"+string(b.Method.Name())) == nil {
				continue // hidden, and so not there (threat H6)
			}
			if near.Closer(b.Template, b.HTTPMethod == c.Request.Method || b.HTTPMethod == httprule.AnyMethod) {
				best = b.String()
			}
		}
	}
	if byName {
		for _, m := range view.Methods() {
			if view.Method(m.Path) == m && near.CloserName(m.Path) {
				best = m.Path
			}
		}
	}
	return best
}

// opensWebSocket tells whether a WebSocket can be opened on the routes of a method, though it is always GET itself: browsers know no other.
func opensWebSocket(method string) bool {
	return method == http.MethodGet || method == http.MethodPost || method == httprule.AnyMethod
}
