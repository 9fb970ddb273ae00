// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

// handler gives lines of slog to another handler and to a logger of OpenTelemetry. What is written is for the other one to decide: a level that is
// changed while the gateway runs is one level.
type handler struct {
	next  slog.Handler
	to    log.Logger
	attrs []attribute.KeyValue
	group string // with a dot at its end; "" outside of groups
}

var _ slog.Handler = (*handler)(nil)

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var line log.Record
	line.SetTimestamp(r.Time)
	line.SetObservedTimestamp(time.Now())
	line.SetBody(attribute.StringValue(clip(r.Message)))
	severity(&line, r.Level)
	line.AddAttributes(h.attrs...)
	var own []attribute.KeyValue
	r.Attrs(func(a slog.Attr) bool {
		own = appendAttr(own, h.group, a)
		return true
	})
	line.AddAttributes(own...)
	h.to.Emit(ctx, line)
	return h.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.next = h.next.WithAttrs(attrs)
	with.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		with.attrs = appendAttr(with.attrs, h.group, a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.next, with.group = h.next.WithGroup(name), h.group+name+"."
	return &with
}

// appendAttr appends an attribute; groups become parts of names.
func appendAttr(to []attribute.KeyValue, group string, a slog.Attr) []attribute.KeyValue {
	v := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return to
	}
	key := group + a.Key
	switch v.Kind() {
	case slog.KindGroup:
		if a.Key != "" {
			group = key + "."
		}
		for _, inner := range v.Group() {
			to = appendAttr(to, group, inner)
		}
		return to
	case slog.KindBool:
		return append(to, attribute.Bool(key, v.Bool()))
	case slog.KindInt64:
		return append(to, attribute.Int64(key, v.Int64()))
	case slog.KindFloat64:
		return append(to, attribute.Float64(key, v.Float64()))
	case slog.KindTime:
		return append(to, attribute.String(key, v.Time().UTC().Format(time.RFC3339Nano)))
	default:
		return append(to, attribute.String(key, clip(v.String())))
	}
}
