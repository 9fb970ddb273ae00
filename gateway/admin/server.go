// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package admin provides the listener for those who run the gateway: liveness, readiness and how the backends fare.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// DefaultAddress is where the admin listener is unless the configuration says otherwise.
const DefaultAddress = "127.0.0.1:9901"

// Bounds of the admin listener.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second
	maxHeader      = 16 << 10
)

// Config says where the admin listener is and what it tells.
type Config struct {
	// Address is "host:port"; "" means DefaultAddress. Port 0 takes a free one.
	Address string
	// Ready returns what keeps the gateway from serving, by the name of the check; a check that passes has a nil error.
	Ready func() map[string]error
	// Backends returns what /backends answers, to be written as JSON; nil answers that there is no such page.
	Backends func() any
}

// Server serves the admin listener.
type Server struct {
	listener net.Listener
	http     *http.Server
	ready    func() map[string]error
	backends func() any
	log      *slog.Logger
	served   sync.WaitGroup
}

// Listen opens the socket; nothing is served before Start.
func Listen(ctx context.Context, cfg Config, log *slog.Logger) (*Server, error) {
	if cfg.Address == "" {
		cfg.Address = DefaultAddress
	}
	if cfg.Ready == nil {
		return nil, errors.New("admin: ready is nil; it must say whether the gateway serves")
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	s := &Server{listener: listener, ready: cfg.Ready, backends: cfg.Backends, log: log}
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Start serves in the background until Close.
func (s *Server) Start() {
	s.served.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the admin listener ended", slog.Any("error", err))
		}
	})
}

// Close closes the socket and all connections, and returns when all is quiet.
func (s *Server) Close() error {
	err := s.http.Close()
	if closing := s.listener.Close(); closing != nil && !errors.Is(closing, net.ErrClosed) {
		err = errors.Join(err, closing)
	}
	s.served.Wait()
	return err
}

// serve answers by the exact path (threat I3).
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.EscapedPath() {
	case "/livez":
		s.answer(w, http.StatusOK, map[string]any{"status": "ok"})
	case "/readyz":
		s.readyz(w)
	case "/backends":
		s.overview(w, r)
	default:
		s.notFound(w)
	}
}

func (s *Server) notFound(w http.ResponseWriter) {
	s.answer(w, http.StatusNotFound, map[string]any{"status": "not found", "paths": []string{"/backends", "/livez", "/readyz"}})
}

// overview tells how the backends fare. It names addresses, so it answers nobody who has come by a name of somebody else's: a page
// whose host's address is now this one (DNS rebinding).
func (s *Server) overview(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.backends == nil:
		s.notFound(w)
	case !direct(r.Host):
		s.answer(w, http.StatusForbidden, map[string]any{"status": "forbidden: the host must be localhost or an IP address"})
	default:
		s.answer(w, http.StatusOK, map[string]any{"backends": s.backends()})
	}
}

// direct says whether the host of a request is an address, or the name that means this machine everywhere.
func direct(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

func (s *Server) readyz(w http.ResponseWriter) {
	code, checks := http.StatusOK, map[string]string{}
	for name, err := range s.ready() {
		checks[name] = "ok"
		if err != nil {
			code, checks[name] = http.StatusServiceUnavailable, err.Error()
		}
	}
	text := "ok"
	if code != http.StatusOK {
		text = "not ready"
	}
	s.answer(w, code, map[string]any{"status": text, "checks": checks})
}

func (s *Server) answer(w http.ResponseWriter, code int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Debug("an admin answer was not sent", slog.Any("error", err))
	}
}
