// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Serve serves the request, and tells its connection that it did.
func (s *stream) Serve() {
	c := s.conn
	defer c.running.Done()
	defer c.served(s)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.panicked()
		if p != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
			c.config.Log.Error("serving a request panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	c.config.Serve(s)
}
