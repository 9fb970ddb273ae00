// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	"go.uber.org/fx"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// watchers are what is told of every call. They live as long as the process, so that a reload forgets nothing.
type watchers struct {
	feed    *telemetry.Feed
	history *telemetry.History
	access  *telemetry.AccessLog // nil where none is wanted
}

func newTelemetry(lc fx.Lifecycle, p *parts) (*watchers, error) {
	feed, err := telemetry.NewFeed(telemetry.DefaultRecent)
	if err != nil {
		return nil, err
	}
	w := &watchers{feed: feed, history: telemetry.NewHistory()}
	p.started.Feed, p.started.History = w.feed, w.history
	if p.options.AccessLog == nil {
		return w, nil
	}
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			format := telemetry.JSON
			if p.options.AccessFormat == "text" {
				format = telemetry.Text
			}
			w.access = telemetry.NewAccessLog(p.options.AccessLog, format)
			return nil
		},
		OnStop: func(context.Context) error {
			w.access.Close()
			return nil
		},
	})
	return w, nil
}

// observers returns who is told of calls, once all have started.
func (w *watchers) observers() []gateway.Observer {
	sinks := []telemetry.Sink{w.feed, w.history}
	if w.access != nil {
		sinks = append(sinks, w.access)
	}
	return []gateway.Observer{telemetry.NewRecorder(sinks...)}
}
