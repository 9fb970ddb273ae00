// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	"github.com/dragoman-gateway/dragoman/gateway/local"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/switches"
)

// schemas loads what is served and watches it, and the configuration with it.
type schemas struct {
	parts    *parts
	shared   assemble.Parts
	assembly atomic.Pointer[assemble.Assembly] // of what is in force
	manager  *reload.Manager
	stamp    [sha256.Size]byte // of the configuration that was read last, and of the files that it is right with
	// applied are told of each configuration that comes into force; they are set before there is one.
	applied []func(*config.Config)
}

func newSchemas(lc fx.Lifecycle, p *parts, pool *backend.Pool, g *gateway.Gateway, own *local.Services, seen *watchers) *schemas {
	s := &schemas{parts: p}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	p.reloaded = append(p.reloaded, func(e reload.Event) { seen.loaded(&e) })
	s.applied = append(s.applied, func(cfg *config.Config) { seen.apply(cfg, g) })
	lc.Append(fx.Hook{
		OnStart: func(start context.Context) error {
			board, err := switches.Open(p.options.Config.Admin.DataDir)
			if err != nil {
				cancel()
				return err
			}
			s.shared = assemble.Parts{
				Switches: board, Pool: pool, Keep: assemble.NewKeep(ctx), Log: p.options.Log, Observers: seen.observers(), Local: own,
			}
			g.SetTracing(seen.tracing)
			first, err := s.generation(p.options.Config) //nolint:contextcheck // what is kept lives longer than the start
			if err != nil {
				cancel()
				return err
			}
			cfg := reload.Config{Generation: *first, Swap: g.Swap, Notify: s.notify, Log: p.options.Log, Changed: s.inForce}
			if p.options.Reread != nil {
				s.stamp = stampOf(p.options.Config)
				cfg.Next = s.next
				cfg.WatchConfig = func(ctx context.Context, changed func()) error {
					return reload.WatchFiles(ctx, func() []string { return s.files(p.config()) }, changed)
				}
			}
			s.manager = reload.New(cfg)
			s.manager.Start(ctx)
			p.started.Load, err = s.manager.Load(start)
			seen.loaded(&p.started.Load)
			if err != nil {
				cancel()
				s.manager.End()
				s.shared.Keep.Wait()
				return err
			}
			p.current.Store(p.options.Config)
			p.started.Reflects = func(ctx context.Context, name string) (serves, known bool) { return s.now().Reflects(ctx, name) }
			p.started.Backends, p.started.InFlight = func() []assemble.BackendState { return s.now().Backends() }, g.InFlight
			p.started.Backend = func(name string) *backend.Backend { return s.now().Backend(name) }
			p.started.Overviews = func() []backend.Overview { return s.now().Overviews() }
			p.started.Authorization = func() []authz.State { return s.now().Authorization() }
			p.started.BrokenAnswers = func() []validate.State { return s.now().BrokenAnswers() }
			p.started.Cache = func() *cache.Cache { return s.now().Cache() }
			p.started.Reload, p.started.Config, p.started.StopTime = s.manager.Signal, p.config, p.stopTimeout
			running.Go(func() { s.manager.Run(ctx) })
			return nil
		},
		OnStop: func(context.Context) error {
			cancel()
			running.Wait()
			s.manager.End()
			s.shared.Keep.Wait()
			return nil
		},
	})
	return s
}

// notify tells everybody of a reload.
func (s *schemas) notify(e reload.Event) {
	for _, do := range s.parts.reloaded {
		do(e)
	}
	if s.parts.options.OnReload != nil {
		s.parts.options.OnReload(e)
	}
}

// Reload reloads, as reload.Manager does.
func (s *schemas) Reload(ctx context.Context, r reload.Request) (reload.Event, error) {
	return s.manager.Reload(ctx, r)
}

// History tells the last reloads.
func (s *schemas) History() []reload.Event { return s.manager.History() }

// Sources tells how the sources fare.
func (s *schemas) Sources() []reload.SourceReport { return s.manager.Sources() }

// now is the assembly in force.
func (s *schemas) now() *assemble.Assembly { return s.assembly.Load() }

// generation opens what a configuration names.
func (s *schemas) generation(cfg *config.Config) (*reload.Generation, error) {
	a, err := assemble.New(cfg, s.shared)
	if err != nil {
		return nil, err
	}
	s.assembly.CompareAndSwap(nil, a)
	return &reload.Generation{
		Config: cfg, Sources: a.Sources(), Build: a.Build, Run: a.Run, Close: a.Close, InForce: func() { s.assembly.Store(a) },
		Lead: func(service, method string) string {
			to, isOff, _ := a.Traffic(service, method)
			return fmt.Sprint(isOff, to.Backends())
		},
	}, nil
}

// next reads the configuration and opens what it names.
func (s *schemas) next(all bool) (*reload.Generation, error) {
	cfg, err := s.parts.options.Reread()
	if err != nil {
		return nil, err
	}
	stamp := stampOf(cfg)
	if !all && stamp == s.stamp {
		return nil, nil //nolint:nilnil // nothing is new
	}
	if wrong := Check(cfg); len(wrong) > 0 {
		return nil, &config.Problems{List: wrong}
	}
	g, err := s.generation(cfg)
	if err == nil {
		s.stamp = stamp
	}
	return g, err
}

// inForce tells everybody of the configuration that came into force.
func (s *schemas) inForce(cfg *config.Config) {
	s.parts.current.Store(cfg)
	for _, do := range s.applied {
		do(cfg)
	}
	if s.parts.options.OnConfig != nil {
		s.parts.options.OnConfig(cfg)
	}
}

// files are those whose change is a change of the configuration: its own, and those that are read when it is put in force. Others are
// watched by whoever reads them.
func (s *schemas) files(cfg *config.Config) []string {
	files := []string{cfg.File}
	for i := range cfg.Backends {
		if t := cfg.Backends[i].TLS; t != nil {
			files = append(files, t.CA, t.Cert, t.Key)
		}
	}
	return slices.DeleteFunc(files, func(f string) bool { return f == "" })
}

// stampOf tells one configuration from another: by its text, by what its variables hold, and by the files that are read with it.
func stampOf(cfg *config.Config) [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte(cfg.Fingerprint()))
	for i := range cfg.Backends {
		t := cfg.Backends[i].TLS
		if t == nil {
			continue
		}
		for _, path := range []string{t.CA, t.Cert, t.Key} {
			data, err := os.ReadFile(path) //nolint:gosec // the operator names it
			if err != nil {
				data = nil // whoever needs it says so
			}
			sum := sha256.Sum256(data)
			h.Write(sum[:])
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}
