// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/admin/api"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// dialTime is how long Dial waits for backends, all at a time: as long as a connection takes that nothing answers, and an answer of a registry before.
const dialTime = 10 * time.Second

// Dial connects to the backends of a configuration, and returns a warning for each to which no call could go. A backend of which every endpoint
// has failed once is not waited for.
func Dial(ctx context.Context, cfg *config.Config, log *slog.Logger) ([]schema.Diagnostic, error) {
	backends, release, err := backend.NewPool(log).Acquire(cfg.Backends)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	for _, b := range backends {
		if err := b.Place(); err != nil {
			return nil, err
		}
	}
	warnings := make([]*schema.Diagnostic, len(cfg.Backends))
	var waiting sync.WaitGroup
	for i := range cfg.Backends {
		b := backends[cfg.Backends[i].Name]
		waiting.Go(func() {
			if wrong := dial(ctx, b, cfg); wrong != nil {
				at := cfg.Problem(fmt.Sprintf("backends[%q]", b.Name()), "", "")
				if at.Line > 0 {
					wrong.Spans = []schema.Span{{Position: schema.Position{File: at.File, Line: at.Line, Column: at.Column}, Primary: true}}
				}
				warnings[i] = wrong
			}
		})
	}
	waiting.Wait()
	var all []schema.Diagnostic
	for _, w := range warnings {
		if w != nil {
			all = append(all, *w)
		}
	}
	return all, nil
}

// dial waits until calls can go to a backend, and returns what is wrong when they cannot.
func dial(ctx context.Context, b *backend.Backend, cfg *config.Config) *schema.Diagnostic {
	for {
		changed := b.Channel().Changed()
		if b.Ready() {
			return nil
		}
		if o := b.Overview(); ctx.Err() != nil || failed(&o) {
			api.AddPlaces(&o, cfg)
			d := api.NoEndpoint(&o, false)
			return &d
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// failed says whether a backend has been tried, its source and all its endpoints.
func failed(o *backend.Overview) bool {
	if len(o.Endpoints) == 0 {
		return o.Source.Error != ""
	}
	return !slices.ContainsFunc(o.Endpoints, func(e backend.EndpointState) bool {
		return e.Error == "" && (e.State == "idle" || e.State == "connecting")
	})
}
