// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"context"
	"log/slog"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// ordering are the parts of certmagic that log each step of an order. What comes of one is told by the journal.
var ordering = []string{"obtain", "renew", "acme_client", "handshake"}

// core brings what certmagic logs to a handler of slog: what it does is for those who debug, and its doubts are warnings.
type core struct {
	handler slog.Handler
	fields  []zapcore.Field
}

func newLogger(h slog.Handler) *zap.Logger { return zap.New(&core{handler: h}) }

// Enabled implements zapcore.Core.
func (c *core) Enabled(level zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), levelOf(level))
}

func levelOf(level zapcore.Level) slog.Level {
	if level >= zapcore.WarnLevel {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// With implements zapcore.Core. It is called at each handshake, so nothing is written yet.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	all := make([]zapcore.Field, 0, len(c.fields)+len(fields))
	return &core{handler: c.handler, fields: append(append(all, c.fields...), fields...)}
}

// Check implements zapcore.Core.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(c.entryLevel(&e)) {
		return checked.AddCore(e, c)
	}
	return checked
}

// entryLevel is the level of a line, where what comes of an order is told elsewhere.
func (c *core) entryLevel(e *zapcore.Entry) zapcore.Level {
	if e.Level < zapcore.WarnLevel {
		return zapcore.DebugLevel
	}
	if e.Message == "tls-alpn challenge" { // who connects can have it said as often as they like
		return zapcore.DebugLevel
	}
	for _, part := range ordering {
		if strings.Contains(e.LoggerName, part) {
			return zapcore.DebugLevel
		}
	}
	return e.Level
}

// Write implements zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range c.fields {
		f.AddTo(values)
	}
	for _, f := range fields {
		f.AddTo(values)
	}
	r := slog.NewRecord(e.Time, levelOf(c.entryLevel(&e)), "acme: "+e.Message, 0)
	for name, v := range values.Fields {
		r.AddAttrs(slog.Any(name, v))
	}
	return c.handler.Handle(context.Background(), r)
}

// Sync implements zapcore.Core.
func (c *core) Sync() error { return nil }
