// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// protoFolder is where the schemas of this repository lie, seen from here.
const protoFolder = "../../../proto"

// patience is how long a test waits for what must come. Nothing takes that long unless something is broken.
const patience = 20 * time.Second

// dragoman is a gateway with its backend, as a process has them.
type dragoman struct {
	backend *testbackend.Backend // nil where a test brought its own
	address string               // host:port of the listener
	secure  string               // host:port of the listener with TLS, which speaks HTTP/3 too
	admin   string               // host:port of the admin listener
	started *app.Started
	log     *logLines // its own log
	access  *logLines // its access log, in JSON
	reloads chan reload.Event

	app  *app.App
	once sync.Once
	err  error // what the stop ended with
}

// start runs a test backend and a gateway in front of it until the test ends. edit changes the configuration; it may be nil.
func start(t testing.TB, edit func(*config.Config)) *dragoman {
	t.Helper()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	d := startFor(t, b.Address(), edit)
	d.backend = b
	return d
}

// startFor runs a gateway in front of a server that is there, or is not.
func startFor(t testing.TB, backendAddress string, edit func(*config.Config)) *dragoman {
	t.Helper()
	cfg := configFor(t, backendAddress)
	if edit != nil {
		edit(cfg)
	}
	return startConfig(t, cfg)
}

// configFor returns the configuration of most tests: the test service from its .proto files, one backend, everything on free
// ports.
func configFor(t testing.TB, backendAddress string) *config.Config {
	t.Helper()
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{backendAddress}})
	if err != nil {
		t.Fatal(err)
	}
	return &config.Config{
		Listeners: []transport.Config{{Name: "main", Address: "127.0.0.1:0"}},
		Schemas: config.Schemas{Sources: []config.Source{{Name: "protos", Protos: &config.Protos{
			Dirs: []string{protoFolder + "/dragoman/test"}, ImportPaths: []config.ImportPath{{Dir: protoFolder}},
		}}}},
		Backends: []backend.Config{{Name: "test", Endpoints: []endpoint.Endpoint{e}}},
		Services: []config.Service{{Match: config.AllServices(), Backend: "test"}},
		Admin:    config.Admin{Address: "127.0.0.1:0"},
		Shutdown: config.Shutdown{Drain: patience},
	}
}

func startConfig(t testing.TB, cfg *config.Config) *dragoman {
	t.Helper()
	return startRead(t, cfg, nil)
}

// startRead runs a gateway whose configuration can be read anew.
func startRead(t testing.TB, cfg *config.Config, reread func() (*config.Config, error)) *dragoman {
	t.Helper()
	secured(t, cfg)
	cfg.SetDefaults()
	d := &dragoman{log: newLogLines(), access: newLogLines(), reloads: make(chan reload.Event, 1024)}
	d.app = app.New(app.Options{
		Config: cfg, Log: slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})), AccessLog: d.access, AccessFormat: "json",
		OnReload: func(e reload.Event) { d.reloads <- e }, Reread: reread, Version: "test", Level: new(slog.LevelVar),
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	var err error
	if d.started, err = d.app.Start(ctx); err != nil {
		t.Fatalf("the gateway did not start: %v", err)
	}
	d.address, d.admin = d.started.Listeners[0].Addr.String(), d.started.Admin.String()
	d.secure = d.secureOf(cfg.Listeners[0].Name)
	t.Cleanup(func() {
		if err := d.stop(patience); err != nil {
			t.Errorf("the gateway did not stop well: %v", err)
		}
	})
	return d
}

// stop ends the gateway as a signal does; the second time it returns what the first one did.
func (d *dragoman) stop(within time.Duration) error {
	d.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		d.err = d.app.Stop(ctx)
	})
	return d.err
}

// stopsBadly is stop for tests that mean the gateway to be cut off.
func (d *dragoman) stopsBadly(t testing.TB, within time.Duration) error {
	t.Helper()
	err := d.stop(within)
	d.err = nil
	if err == nil {
		t.Error("the gateway stopped well; this test cuts it off")
	}
	return err
}

// dial connects a gRPC client to the gateway until the test ends.
func (d *dragoman) dial(t testing.TB, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30), grpc.MaxCallSendMsgSize(1<<30)),
	}, options...)
	conn, err := grpc.NewClient(d.address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// socket opens a raw connection to the gateway until the test ends.
func (d *dragoman) socket(t testing.TB) *net.TCPConn {
	t.Helper()
	return d.socketBy(t, &net.Dialer{})
}

func (d *dragoman) socketBy(t testing.TB, dialer *net.Dialer) *net.TCPConn {
	t.Helper()
	c, err := dialer.DialContext(t.Context(), "tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", c)
	}
	return tcp
}

// within is a context that ends with the test, or when its patience does.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until ok returns nil; what it last returned is the failure.
func eventually(t testing.TB, ok func() error) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	end := time.Now().Add(patience)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it did not come to be in %s: %v", patience, err)
		}
		<-ticker.C
	}
}

// ready asks the admin listener whether the gateway is ready.
func (d *dragoman) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.admin+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	request.Close = true
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// hide takes services out of what clients can call.
func hide(services ...string) func(*config.Config) {
	return func(c *config.Config) {
		for _, s := range services {
			g, err := config.ParseGlob(s)
			if err != nil {
				panic(err)
			}
			c.Schemas.Hide = append(c.Schemas.Hide, g)
		}
	}
}

func withoutServices(c *config.Config) { c.Services = nil }
