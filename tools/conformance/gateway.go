// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// running is a gateway that serves.
type running struct {
	port int

	entrance *transport.Server
	gateway  *gateway.Gateway
	assembly *assemble.Assembly
	folder   string // of the certificate; "" for none
}

// startGateway starts a gateway in front of a backend, as the suite wants it.
//
// It differs from the defaults in two ways, of which the suite would count each against it: calls without a timeout have no deadline, since
// the suite looks for none at the backend, which no file can say; and the gateway's own errors have no details.
func startGateway(ctx context.Context, wanted *request, protos, address string, log *slog.Logger) (*running, error) {
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
	if err != nil {
		return nil, err
	}
	cfg := &config.Config{
		Listeners: []transport.Config{{Name: "main", Address: "127.0.0.1:0", MaxMessage: wanted.limit}},
		Schemas:   config.Schemas{Sources: []config.Source{{Name: "suite", Protos: &config.Protos{Dirs: []string{protos}}}}},
		Backends:  []backend.Config{{Name: "suite", Endpoints: []endpoint.Endpoint{e}, Gzip: true}},
		Services:  []config.Service{{Match: config.AllServices(), Backend: "suite"}},
		Defaults:  config.Policy{Deadline: deadline.Config{Timeout: deadline.NoTimeout}},
		RPC:       config.RPC{WithoutErrorInfo: true},
	}
	cfg.SetDefaults()
	r := &running{gateway: gateway.New(log)}
	if wanted.tls {
		if err := r.useCertificate(&cfg.Listeners[0], wanted); err != nil {
			return nil, errors.Join(err, r.stop(ctx))
		}
	}
	if err := r.serve(ctx, cfg, log); err != nil {
		return nil, errors.Join(err, r.stop(ctx))
	}
	return r, nil
}

func (r *running) serve(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	var err error
	r.assembly, err = assemble.New(cfg, assemble.Parts{Pool: backend.NewPool(log), Log: log}) //nolint:contextcheck // what it opens lives longer than the start
	if err != nil {
		return err
	}
	loaded, err := r.assembly.Sources()[0].Load(ctx, assemble.Loaded{}, false)
	if err != nil {
		return err
	}
	snapshot, _, err := r.assembly.Build([]assemble.Loaded{loaded}) //nolint:contextcheck // caches last as long as what is built
	if err != nil {
		return err
	}
	r.gateway.Swap(snapshot)
	if r.entrance, err = transport.Listen(ctx, cfg.Listeners[0], r.gateway.Serve, log); err != nil {
		return err
	}
	tcp, ok := r.entrance.Addr().(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("the gateway listens on a %T", r.entrance.Addr())
	}
	r.port = tcp.Port
	r.entrance.Start(func(err error) { log.Error("serving ended", slog.Any("error", err)) }) //nolint:contextcheck // what it serves has contexts of its own
	return nil
}

// useCertificate puts the suite's certificate into files.
func (r *running) useCertificate(listener *transport.Config, wanted *request) error {
	// HTTP/3 is on the port of the same number, and the suite asks only where that is.
	listener.Protocols = []string{transport.HTTP1, transport.HTTP2, transport.HTTP3}
	var err error
	if r.folder, err = os.MkdirTemp("", "conformance"); err != nil {
		return err
	}
	listener.TLS = &transport.TLS{Cert: filepath.Join(r.folder, "cert.pem"), Key: filepath.Join(r.folder, "key.pem")}
	return errors.Join(
		os.WriteFile(listener.TLS.Cert, wanted.certificate, 0o600),
		os.WriteFile(listener.TLS.Key, wanted.key, 0o600),
	)
}

// stop ends the gateway.
func (r *running) stop(ctx context.Context) error {
	var err error
	if r.entrance != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = r.entrance.Drain(ctx)
	}
	r.gateway.Close()
	if r.assembly != nil {
		r.assembly.Close()
	}
	if r.folder != "" {
		err = errors.Join(err, os.RemoveAll(r.folder))
	}
	return err
}
