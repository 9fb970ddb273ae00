// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/admin/api"
	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// protoFolder is where the schemas of this repository lie, seen from here.
const protoFolder = "../../../../proto"

// patience is how long a test waits for what must come. Nothing takes that long unless something is broken.
const patience = 30 * time.Second

// gateway is a gateway as a process has it.
type gateway struct {
	address string   // host:port
	others  []string // those of further listeners
	admin   string   // that of the admin listener
	log     *logLines
	access  *logLines // its access log, in JSON
}

// params say which gateway to start.
type params struct {
	schemas  string   // the folder of the schemas, below protoFolder
	backends []string // their addresses
	tls      *transport.TLS
	policy   config.Policy // of all methods
	edit     func(*config.Config)
	file     string // the configuration, which is reread when it changes; all of the above is ignored then
}

// startGateway runs the product, started as its command starts it, until the test ends.
func startGateway(t *testing.T, p *params) *gateway {
	t.Helper()
	if p.file != "" {
		read := func() (*config.Config, error) { return config.Load(p.file, config.Options{}) }
		cfg, err := read()
		if err != nil {
			t.Fatal(err)
		}
		return runGateway(t, cfg, read)
	}
	b := backend.Config{Name: "test"}
	for _, address := range p.backends {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
		if err != nil {
			t.Fatal(err)
		}
		b.Endpoints = append(b.Endpoints, e)
	}
	cfg := &config.Config{
		Listeners: []transport.Config{{Name: "main", Address: "127.0.0.1:0", TLS: p.tls}},
		Schemas: config.Schemas{Sources: []config.Source{{Name: "protos", Protos: &config.Protos{
			Dirs: []string{protoFolder + "/" + p.schemas}, ImportPaths: []config.ImportPath{{Dir: protoFolder}},
		}}}},
		Backends: []backend.Config{b},
		Defaults: p.policy,
		Services: []config.Service{{Match: config.AllServices(), Backend: b.Name}},
		Admin:    config.Admin{Address: "127.0.0.1:0"},
		Shutdown: config.Shutdown{Drain: patience},
	}
	if p.edit != nil {
		p.edit(cfg)
	}
	cfg.SetDefaults()
	return runGateway(t, cfg, nil)
}

// runGateway starts a gateway; reread may be nil.
func runGateway(t *testing.T, cfg *config.Config, reread func() (*config.Config, error)) *gateway {
	t.Helper()
	g := &gateway{log: &logLines{}, access: &logLines{}}
	level := new(slog.LevelVar)
	tail := api.NewLogTail(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: level}))
	a := app.New(app.Options{Config: cfg, Reread: reread, Log: slog.New(tail), Logs: tail, Level: level, AccessLog: g.access, AccessFormat: "json"})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	started, err := a.Start(ctx)
	if err != nil {
		t.Fatalf("the gateway did not start: %v", err)
	}
	g.address, g.admin = started.Listeners[0].Addr.String(), started.Admin.String()
	for _, l := range started.Listeners[1:] {
		g.others = append(g.others, l.Addr.String())
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Errorf("the gateway did not stop well: %v", err)
		}
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", g.log)
		}
	})
	return g
}

// logLines keeps what a log writes.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
