// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// logs is the handler of the gateway's own log. What it gives its lines to beside the first one is known when that has started, and loggers that
// were made before give theirs to it as well.
type logs struct {
	shared *atomic.Pointer[slog.Handler] // what all of them end in
	// own makes the handler of this logger of that.
	own func(slog.Handler) slog.Handler

	made atomic.Pointer[madeOf]
}

// madeOf is a handler and what it was made of.
type madeOf struct {
	from *slog.Handler
	is   slog.Handler
}

var _ slog.Handler = (*logs)(nil)

func newLogs(first slog.Handler) *logs {
	l := &logs{shared: &atomic.Pointer[slog.Handler]{}, own: func(h slog.Handler) slog.Handler { return h }}
	l.shared.Store(&first)
	return l
}

// to has what the lines end in replaced by what is made of it.
func (l *logs) to(make func(slog.Handler) slog.Handler) {
	next := make(*l.shared.Load())
	l.shared.Store(&next)
}

// handler returns where the lines of this logger go now.
func (l *logs) handler() slog.Handler {
	from := l.shared.Load()
	if m := l.made.Load(); m != nil && m.from == from {
		return m.is
	}
	m := &madeOf{from: from, is: l.own(*from)}
	l.made.Store(m)
	return m.is
}

// Enabled implements slog.Handler.
func (l *logs) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l *logs) Handle(ctx context.Context, r slog.Record) error { return l.handler().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (l *logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logs{shared: l.shared, own: func(h slog.Handler) slog.Handler { return l.own(h).WithAttrs(attrs) }}
}

// WithGroup implements slog.Handler.
func (l *logs) WithGroup(name string) slog.Handler {
	return &logs{shared: l.shared, own: func(h slog.Handler) slog.Handler { return l.own(h).WithGroup(name) }}
}
