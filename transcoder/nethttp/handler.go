// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"net/http"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// DefaultWriteStall is how long a client may take nothing of an answer.
const DefaultWriteStall = 30 * time.Second

// Config is what an Exchange needs to know.
type Config struct {
	// Listener is the name that requests carry.
	Listener string
	// WriteStall is how long a client may take nothing of an answer before it counts as gone; 0 means DefaultWriteStall.
	WriteStall time.Duration
	// Limits are what every request is held to.
	Limits transcoder.Limits
}

// Handler returns an http.Handler that serves every request with serve, each in the goroutine that
// net/http gives it. It uses the request's target as it was sent, so no http.ServeMux may stand before it (T26).
func Handler(cfg Config, serve func(transcoder.Exchange)) http.Handler {
	if cfg.WriteStall <= 0 {
		cfg.WriteStall = DefaultWriteStall
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := newExchange(w, r, &cfg)
		defer e.close()
		serve(e)
	})
}
