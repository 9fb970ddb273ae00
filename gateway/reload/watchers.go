// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"log/slog"
	"sync"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// watchers watch the sources of one generation.
type watchers struct {
	dirty   *dirty
	cancel  context.CancelFunc
	running *sync.WaitGroup
}

// start watches the sources of the generation in force. What changed since they were loaded is told, too.
func (w *watchers) start(ctx context.Context, m *Manager) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.dirty, w.running = newDirty(len(m.gen.Sources)), &sync.WaitGroup{}
	dirty := w.dirty
	for i, s := range m.gen.Sources {
		if !s.Watch {
			continue
		}
		w.running.Go(func() { m.watch(ctx, s, s.Source, func() { dirty.mark(change{source: i}) }) })
		if s.Rules != nil {
			w.running.Go(func() { m.watch(ctx, s, s.Rules, func() { dirty.mark(change{source: i, onlyRules: true}) }) })
		}
	}
}

// stop returns when no source is watched any more. What was marked is forgotten: who watches next is told again.
func (w *watchers) stop() {
	w.cancel()
	w.running.Wait()
}

// watch marks a source whenever what of it is to be watched may have changed. What cannot be watched is loaded now and then.
func (m *Manager) watch(ctx context.Context, s assemble.Source, watched any, changed func()) {
	if w, ok := watched.(schema.Watcher); ok {
		err := w.Watch(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		m.config.Log.Warn("a source cannot be watched; it is loaded every so often instead",
			slog.String("source", s.Name()), slog.Duration("every", pollInterval), slog.Any("error", err))
	}
	every(ctx, changed)
}
