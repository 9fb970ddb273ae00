// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/fx"
	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/admin"
	"github.com/dragoman-gateway/dragoman/gateway/admin/api"
	"github.com/dragoman-gateway/dragoman/gateway/admin/console"
	"github.com/dragoman-gateway/dragoman/gateway/admin/replay"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/switches"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
)

// adminName is what requests to the admin listener carry as the name of their listener.
const adminName = "(admin)"

// control is the admin listener and the admin API, which is a gateway of its own: with one snapshot, that nothing replaces, and whose calls
// are in no log and no figure of those that clients make.
type control struct {
	parts   *parts
	seen    *watchers
	gateway *gateway.Gateway
	server  *admin.Server
	api     *api.API
}

func newAdmin(lc fx.Lifecycle, p *parts, g *gateway.Gateway, loaded *schemas, pool *backend.Pool, seen *watchers) *control {
	c := &control{parts: p, seen: seen, gateway: gateway.New(p.options.Log)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	c.api = api.New(c.config(g, loaded))
	p.reloaded = append(p.reloaded, c.api.Reloaded)
	lc.Append(fx.Hook{
		OnStart: func(start context.Context) error {
			if err := c.open(start, g, loaded); err != nil {
				cancel()
				return err
			}
			p.started.Admin = c.server.Addr()
			pool.Avoid(transcoder.AddrPort(c.server.Addr()))
			running.Go(func() { c.api.Run(ctx) })
			c.server.Start()
			return nil
		},
		OnStop: func(context.Context) error {
			c.gateway.EndStreams()
			err := c.server.Close()
			c.gateway.Close()
			cancel()
			running.Wait()
			return err
		},
	})
	return c
}

// config is what the admin API tells of.
func (c *control) config(g *gateway.Gateway, loaded *schemas) api.Config {
	p := c.parts
	return api.Config{
		Version: p.options.Version, Started: time.Now(), Gateway: g, Assembly: loaded.now, Reloads: loaded, Reread: p.options.Reread, Check: Check,
		Ready: func() map[string]error { return ready(p, g) }, Listeners: p.apiListeners, Connections: c.seen.connections,
		Certificates: c.seen.certificates, Address: func() string { return c.server.Addr().String() },
		Switches: func() *switches.Board { return loaded.shared.Switches }, Feed: p.started.Feed, History: p.started.History,
		Capture: c.seen.capture, Replay: replay.New(replay.Config{Serve: g.Serve, Mux: func() *transcoder.Mux { return muxOf(g) }, Limits: p.limitsOf}),
		Logs: p.options.Logs, Level: p.options.Level, Log: p.options.Log,
	}
}

// services registers the services of the admin API.
func (c *control) services(r grpc.ServiceRegistrar) {
	c.api.Register(r)
}

// mounts are what the admin listener has beside the admin API.
func (c *control) mounts(g *gateway.Gateway) ([]admin.Mount, error) {
	pages, err := console.New()
	if err != nil {
		return nil, err
	}
	try := console.TryConfig{Serve: g.Serve}
	if listeners := c.parts.options.Config.Listeners; len(listeners) > 0 {
		try.Listener, try.Limits = listeners[0].Name, listeners[0].Limits()
	}
	mounts := admin.Pprof()
	if m := c.seen.metrics; m != nil {
		mounts = append(mounts, admin.Mount{Path: c.seen.path(c.parts), Handler: m.Handler(c.parts.options.Log)})
	}
	return append(mounts,
		admin.Mount{Path: console.Root, Handler: pages, Open: true, AsSent: true},
		admin.Mount{Path: console.TryRoot, Handler: console.Try(try), Slow: true, AsSent: true},
	), nil
}

// open opens the listener.
func (c *control) open(ctx context.Context, g *gateway.Gateway, loaded *schemas) error {
	cfg := &c.parts.options.Config.Admin
	token, err := tokenOf(cfg)
	if err != nil {
		return err
	}
	services := api.NewServices()
	c.services(services)
	own, err := services.Schema()
	if err != nil {
		return err
	}
	var admit interceptor.Admitter
	if cfg.ReadOnly {
		admit = api.ReadOnly{}
	}
	snapshot, err := assemble.Own(own, services, admit)
	if err != nil {
		return fmt.Errorf("admin API: %w", err)
	}
	c.gateway.Swap(snapshot)
	mounts, err := c.mounts(g)
	if err != nil {
		return err
	}
	c.server, err = admin.Listen(ctx, admin.Config{
		Address: cfg.Address, Token: token, Ready: func() map[string]error { return ready(c.parts, g) },
		Backends: func() any { return loaded.now().Overviews() },
		API:      nethttp.Handler(nethttp.Config{Listener: adminName}, c.gateway.Serve), Mounts: mounts, Home: console.Root,
	}, c.parts.options.Log)
	return err
}

// mostToken is how many bytes a file with a token may have.
const mostToken = 4 << 10

// tokenOf returns the token of the admin listener, from the configuration or from a file; "" for none.
func tokenOf(cfg *config.Admin) (string, error) {
	if cfg.TokenFile == "" {
		return cfg.Token, nil
	}
	info, err := os.Stat(cfg.TokenFile)
	if err == nil && info.Size() > mostToken {
		err = fmt.Errorf("it has %d bytes; it may have %d", info.Size(), mostToken)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(cfg.TokenFile)
	}
	token := strings.TrimSpace(string(data))
	if err == nil {
		err = admin.CheckToken(token)
	}
	if err != nil {
		return "", fmt.Errorf("admin.token_file: %s: %w", cfg.TokenFile, err)
	}
	return token, nil
}

// apiListeners are the listeners that are open, for the admin API.
func (p *parts) apiListeners() []api.Listener {
	var all []api.Listener
	if open := p.listening.Load(); open != nil {
		for _, l := range *open {
			all = append(all, api.Listener{Name: l.Name, Address: l.Addr.String(), Protocols: l.Protocols, TLS: l.TLS})
		}
	}
	return all
}

// muxOf returns what finds methods by what is in force; nil before anything is.
func muxOf(g *gateway.Gateway) *transcoder.Mux {
	if s := g.Snapshot(); s != nil {
		return s.Mux
	}
	return nil
}

// limitsOf returns what requests of a listener are held to.
func (p *parts) limitsOf(listener string) transcoder.Limits {
	for i := range p.options.Config.Listeners {
		if p.options.Config.Listeners[i].Name == listener {
			return p.options.Config.Listeners[i].Limits()
		}
	}
	return transcoder.Limits{}
}

// ready tells what keeps the gateway from serving.
func ready(p *parts, g *gateway.Gateway) map[string]error {
	checks := map[string]error{"schemas": nil, "draining": nil}
	if g.Snapshot() == nil {
		checks["schemas"] = errors.New("nothing is loaded")
	}
	if p.draining.Load() {
		checks["draining"] = errors.New("the gateway is shutting down")
	}
	return checks
}
