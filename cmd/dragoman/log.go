// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// logStart tells where calls are served, and what is doubtful in what was loaded.
func logStart(log *slog.Logger, info *app.Started) {
	logDoubts(log, info.Load.Diagnostics)
	var listeners []any
	for _, l := range info.Listeners {
		listeners = append(listeners, slog.String(l.Name, l.Addr.String()))
	}
	mux := info.Load.Snapshot.Mux
	log.Info("serving", slog.String("version", version()), slog.Group("listeners", listeners...), slog.String("admin", info.Admin.String()),
		slog.Int("methods", methodsOf(mux)), slog.Int("routes", len(mux.Routes().Bindings())))
}

// logReload tells what a reload changed, or why it was refused: each mistake is a line of its own.
func logReload(log *slog.Logger, e *reload.Event) {
	since := slog.String("since", e.Since.UTC().Format(time.RFC3339))
	if e.Err == nil {
		if e.Since.Before(e.Time) {
			return // nothing is new
		}
		logDoubts(log, e.Diagnostics)
		log.Info("reloaded", slog.Any("sources", e.Sources), slog.Any("added", e.Added), slog.Any("removed", e.Removed),
			slog.Int64("duration_ms", e.Took.Milliseconds()))
		return
	}
	if wrong, ok := errors.AsType[*schema.LoadError](e.Err); ok {
		for _, d := range wrong.Diagnostics {
			log.Error("mistake in the schemas", slog.String("problem", d.String()), slog.Any("help", d.Help))
		}
		log.Error("the reload was refused; what was loaded before is still served", slog.Any("sources", e.Sources), since)
		return
	}
	log.Error("the reload was refused; what was loaded before is still served", slog.Any("sources", e.Sources), since, slog.Any("error", e.Err))
}

func logDoubts(log *slog.Logger, diagnostics []schema.Diagnostic) {
	for _, d := range diagnostics {
		log.Warn("doubtful in the schemas", slog.String("problem", d.String()), slog.Any("help", d.Help))
	}
}
