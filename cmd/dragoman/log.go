// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/memory"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
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

// logResources tells what the process may use, or that nobody knows.
func logResources(ctx context.Context, log *slog.Logger, limit *memory.Limit) {
	level := slog.LevelInfo
	if limit.Unknown != nil {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "resources of the process", slog.Any("limits", limit))
}

// logReload tells what a reload changed, or why it was refused: each mistake is a line of its own.
func logReload(log *slog.Logger, e *reload.Event) {
	since := slog.String("since", e.Since.UTC().Format(time.RFC3339))
	if e.Err == nil {
		if !e.Applied {
			if e.Trigger != reload.Schemas && e.Trigger != reload.ConfigFile {
				log.Info("reloaded; nothing is new", slog.String("trigger", string(e.Trigger)))
			}
			return
		}
		logDoubts(log, e.Diagnostics)
		for _, c := range e.Changes {
			log.Info("a setting changed", slog.String("setting", c.Path), slog.String("before", c.Before), slog.String("after", c.After), slog.String("effect", string(c.Effect)))
		}
		log.Info("reloaded", slog.String("trigger", string(e.Trigger)), slog.Any("sources", e.Sources), slog.Any("added", e.Added), slog.Any("removed", e.Removed),
			slog.Int("changed", len(e.Changed)), slog.Int("settings", len(e.Changes)), slog.Int("breaking", compare.Breaking(e.Schema)), slog.Int64("duration_ms", e.Took.Milliseconds()))
		return
	}
	if wrong, ok := errors.AsType[*config.Problems](e.Err); ok {
		for _, p := range wrong.List {
			log.Error("mistake in the configuration", slog.String("problem", p.String()))
		}
		log.Error("the reload was refused; what was loaded before is still served", slog.String("trigger", string(e.Trigger)), since)
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
