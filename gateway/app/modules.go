// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/local"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
)

// parts is what the modules share beside what fx gives them.
type parts struct {
	options  Options
	failed   chan error
	reloaded []func(reload.Event) // are told of every reload after the first load; set before Start
	draining atomic.Bool
	started  Started
	current  atomic.Pointer[config.Config] // the configuration in force; nil before there is one
	// listening are the listeners that are open; nil before all are.
	listening atomic.Pointer[[]Listener]
	logs      *logs
}

// config is the configuration in force.
func (p *parts) config() *config.Config {
	if c := p.current.Load(); c != nil {
		return c
	}
	return p.options.Config
}

// farewell is how long streams that are ended have to say so.
const farewell = time.Second

// stopTimeout is how long a stop may take, by the configuration in force: the delay, the drain, and a moment to close what is left.
func (p *parts) stopTimeout() time.Duration {
	const closing = 5 * time.Second
	s := p.config().Shutdown
	return s.Delay + s.Drain + closing
}

func (p *parts) fail(err error) {
	select {
	case p.failed <- err:
	default: // one reason to stop is enough
	}
}

// modules are the parts of the process, each with what it starts and stops. fx starts them in the order of their
// dependencies and stops them in the reverse: sockets open last and close first.
func modules(p *parts) fx.Option {
	return fx.Options(
		fx.Supply(p),
		fx.Module("telemetry", fx.Provide(newTelemetry)),
		fx.Module("backend", fx.Provide(newPool)),
		fx.Module("gateway", fx.Provide(newGateway)),
		fx.Module("local", fx.Provide(local.New)),
		fx.Module("schemas", fx.Provide(newSchemas)),
		fx.Module("admin", fx.Provide(newAdmin)),
		fx.Module("transport", fx.Provide(newEntrance)),
	)
}

func newPool(p *parts) *backend.Pool { return backend.NewPool(p.options.Log) }

func newGateway(lc fx.Lifecycle, p *parts, seen *watchers, _ *backend.Pool) *gateway.Gateway {
	g := gateway.New(p.options.Log)
	if seen.capture != nil {
		g.SetCapturer(seen.capture)
	}
	lc.Append(fx.StopHook(g.Close))
	return g
}

// entrance is the listeners for calls.
type entrance struct {
	gateway *gateway.Gateway
	local   *local.Services
	seen    *watchers
	servers []*transport.Server
	log     *slog.Logger
}

func newEntrance(lc fx.Lifecycle, p *parts, g *gateway.Gateway, own *local.Services, seen *watchers, loaded *schemas, _ *control) *entrance {
	e := &entrance{gateway: g, local: own, seen: seen, log: p.options.Log}
	loaded.applied = append(loaded.applied, e.apply)
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return e.open(ctx, p, g) },
		OnStop:  func(ctx context.Context) error { return e.drain(ctx, p) },
	})
	return e
}

// open opens all sockets before the first one serves, so that a port that is taken is told before a call is lost.
func (e *entrance) open(ctx context.Context, p *parts, g *gateway.Gateway) error {
	given, err := givenSockets(p.options.Sockets, p.options.Config.Listeners)
	if err != nil {
		return err
	}
	var errs []error
	for _, cfg := range p.options.Config.Listeners {
		server, err := transport.ListenOn(ctx, cfg, given[cfg.Name], g.Serve, p.options.Log)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		e.servers = append(e.servers, server)
		p.started.Listeners = append(p.started.Listeners, Listener{Name: cfg.Name, Addr: server.Addr(), TLS: cfg.TLS != nil, Protocols: server.Config().Protocols})
	}
	if err := errors.Join(errs...); err != nil {
		for _, server := range e.servers {
			err = errors.Join(err, server.Close())
		}
		return err
	}
	meeting := acme.NewMeeting()
	for _, server := range e.servers {
		server.Meet(meeting)
	}
	p.listening.Store(&p.started.Listeners)
	e.seen.servers.Store(&e.servers)
	for _, server := range e.servers {
		server.Start(p.fail) //nolint:contextcheck // connections live longer than the start
	}
	return nil
}

// apply puts in force what a configuration says of the listeners that are open, as far as that can be done while they are.
func (e *entrance) apply(cfg *config.Config) {
	servers := e.seen.servers.Load()
	if servers == nil {
		return // they are opened with the configuration that the process begins with
	}
	for _, server := range *servers {
		i := slices.IndexFunc(cfg.Listeners, func(l transport.Config) bool { return l.Name == server.Config().Name })
		if i < 0 {
			continue
		}
		if err := server.Apply(cfg.Listeners[i]); err != nil {
			e.log.Error("a listener goes on as it was", slog.Any("error", err))
		}
	}
}

// drain makes the gateway unready, waits until load balancers have seen that, and then for the calls that are under way.
func (e *entrance) drain(ctx context.Context, p *parts) error {
	p.draining.Store(true)
	e.tellWatchers(ctx)
	if delay := p.config().Shutdown.Delay; delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	e.local.EndWatches() // who watches knows, and waits for nothing else
	// Streams that do not end by themselves are told so, and have a moment to say it to their clients (T146).
	limit := p.config().Shutdown.Drain
	var late atomic.Bool
	timer := time.AfterFunc(limit, func() {
		late.Store(true)
		e.gateway.EndStreams()
	})
	defer timer.Stop()
	ctx, cancel := context.WithTimeout(ctx, limit+farewell)
	defer cancel()
	errs := make([]error, len(e.servers))
	var drains sync.WaitGroup
	for i, server := range e.servers {
		drains.Go(func() { errs[i] = server.Drain(ctx) })
	}
	drains.Wait()
	e.waitForSockets(ctx)
	if late.Load() {
		errs = append(errs, context.DeadlineExceeded)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

// tellWatchers tells those who watch the health of the gateway that it is to be left, before connections are told to go (fault 23). Who
// does not take the answer is not waited for.
func (e *entrance) tellWatchers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	e.local.Drain(ctx)
}

// waitForSockets waits for the calls that net/http knows no more of: those over WebSocket.
func (e *entrance) waitForSockets(ctx context.Context) {
	const look = 5 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for e.gateway.InFlight() > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
