// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
	"github.com/dragoman-gateway/dragoman/gateway/local"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Loaded is what a configuration would serve, for looking at. Close gives back what it holds.
type Loaded struct {
	reload.Event

	// Schemas are those of the sources that were loaded, in the order of the configuration.
	Schemas []*schema.Schema
	// Declared returns where the rule of a route is written.
	Declared func(*httprule.Binding) schema.Position
	// OpenAPI makes the document of the services that include takes; nil takes all.
	OpenAPI func(include func(service string) bool) (*openapi.Document, error)
	// Explain tells what would become of a request.
	Explain func(context.Context, *explain.Request) *explain.Explanation
	// PolicyOf tells what a method is held to, and which setting said so; false where it is not there.
	PolicyOf func(*transcoder.Method) (assemble.PolicyView, bool)
	// Skipped are the sources that were not loaded because that needs a backend.
	Skipped []string

	close func()
}

// Close gives back what was opened.
func (l *Loaded) Close() { l.close() }

// Load loads the sources of a configuration and builds its routes, as Start does, without serving. No backend is connected to, but
// for those that are asked by reflection, and that only if online is set. The error is a *schema.LoadError where sources or
// routes are at fault.
func Load(ctx context.Context, cfg *config.Config, log *slog.Logger, online bool) (*Loaded, error) {
	loaded := &Loaded{}
	some := *cfg
	some.Schemas.Sources, some.Backends = nil, nil
	var asked []string
	for _, s := range cfg.Schemas.Sources {
		switch {
		case s.Reflection == nil:
		case online:
			asked = append(asked, s.Reflection.Backend)
		default:
			loaded.Skipped = append(loaded.Skipped, s.Name)
			continue
		}
		some.Schemas.Sources = append(some.Schemas.Sources, s)
	}
	for _, b := range cfg.Backends {
		if slices.Contains(asked, b.Name) {
			some.Backends = append(some.Backends, b)
		}
	}
	own, err := local.New(gateway.New(log)) // looked at, and not called
	if err != nil {
		return nil, err
	}
	assembly, err := assemble.New(&some, assemble.Parts{ //nolint:contextcheck // nothing of it runs: it is only looked at
		Pool: backend.NewPool(log), Log: log, Local: own, Partial: len(loaded.Skipped) > 0, Unopened: cfg.Backends,
	})
	if err != nil {
		return nil, err
	}
	var snapshot *gateway.Snapshot
	manager := reload.New(reload.Config{
		Swap: func(s *gateway.Snapshot) { snapshot = s }, Log: log,
		Generation: reload.Generation{Config: &some, Sources: assembly.Sources(), Build: func(loads []assemble.Loaded) (*gateway.Snapshot, []schema.Diagnostic, error) { //nolint:contextcheck // nothing of it runs
			for _, l := range loads {
				loaded.Schemas = append(loaded.Schemas, l.Schema)
			}
			return assembly.Build(loads)
		}},
	})
	if loaded.Event, err = manager.Load(ctx); err != nil {
		assembly.Close()
		return nil, err
	}
	loaded.Declared, loaded.OpenAPI, loaded.Explain = assembly.Declared, assembly.OpenAPI, assembly.Explain
	loaded.PolicyOf = assembly.PolicyOf
	loaded.close = func() {
		snapshot.Release()
		assembly.Close()
	}
	return loaded, nil
}

// Check tells what is wrong with the files that a configuration names beside schemas: certificates.
func Check(cfg *config.Config) []config.Problem {
	var problems []config.Problem
	add := func(path string, err error) {
		if err != nil {
			problems = append(problems, cfg.Problem(path, err.Error(), ""))
		}
	}
	for i := range cfg.Listeners {
		add(fmt.Sprintf("listeners[%d].tls", i), cfg.Listeners[i].Check())
	}
	for i := range cfg.Backends {
		for setting, err := range cfg.Backends[i].Check() {
			add(fmt.Sprintf("backends[%q].%s", cfg.Backends[i].Name, setting), err)
		}
	}
	return problems
}

// Invalid tells whether an error of Start or Load means that configuration or schemas are wrong, and not the machine.
func Invalid(err error) bool {
	_, ok := errors.AsType[*schema.LoadError](err)
	return ok
}
