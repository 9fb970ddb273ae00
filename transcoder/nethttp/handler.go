// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"context"
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
	// AltSvc is the field of that name that answers carry; "" for none.
	AltSvc string
	// Limits are what every request is held to.
	Limits transcoder.Limits
	// Probe marks all requests as those of an operator.
	Probe bool

	altSvc []string // the values of the field, shared by all answers
}

type endKey struct{}

// WithEnd returns the context of a connection whose answers are the last from a time on: in HTTP/1.1 they have "Connection: close", and in
// HTTP/2 a GOAWAY follows, after which what is under way goes on. It is for ConnContext of http.Server.
func WithEnd(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, endKey{}, at)
}

// ending tells that the end of a connection has come.
func ending(ctx context.Context) bool {
	at, ok := ctx.Value(endKey{}).(time.Time)
	return ok && !time.Now().Before(at)
}

// Handler returns an http.Handler that serves every request with serve, each in the goroutine that
// net/http gives it. It uses the request's target as it was sent, so no http.ServeMux may stand before it (T26).
func Handler(cfg Config, serve func(transcoder.Exchange)) http.Handler {
	if cfg.WriteStall <= 0 {
		cfg.WriteStall = DefaultWriteStall
	}
	if cfg.AltSvc != "" {
		cfg.altSvc = []string{cfg.AltSvc}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := newExchange(w, r, &cfg)
		defer e.close()
		serve(e)
	})
}
