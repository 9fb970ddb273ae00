// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package admin provides the listener for those who run the gateway: liveness, readiness, the admin API, and what others mount there.
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
	"slices"
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
	idleTimeout    = 5 * time.Minute
	maxHeader      = 16 << 10
	// maxStreams is how many calls one connection of HTTP/2 may have open.
	maxStreams = 100
)

// LeastToken is how many bytes a token has at least: one that can be guessed is none.
const LeastToken = 16

// Config says where the admin listener is and what it tells.
type Config struct {
	// Address is "host:port"; "" means DefaultAddress. Port 0 takes a free one.
	Address string
	// Token is what callers have to show, of LeastToken bytes or more; "" asks for none, and then the address has to be loopback.
	Token string
	// Ready returns what keeps the gateway from serving, by the name of the check; a check that passes has a nil error.
	Ready func() map[string]error
	// Backends returns what /backends answers, to be written as JSON; nil answers that there is no such page.
	Backends func() any
	// API serves the admin API: all below /api/ and /dragoman.admin., and /events. nil answers that there is none. It gets requests
	// that the listener has let in.
	API http.Handler
	// Mounts are what else there is.
	Mounts []Mount
	// Home is where "/" leads; "" for nowhere.
	Home string
}

// Mount is what somebody else has on the admin listener.
type Mount struct {
	// Path is the exact path, or, with a slash at its end, all below it too.
	Path string
	// Handler serves it: GET and HEAD, unless AsSent says otherwise.
	Handler http.Handler
	// Open lets everybody who reaches the socket have it without the token, and by links of other sites: pages as they are in the program,
	// which tell nothing of this gateway.
	Open bool
	// Slow says that an answer may take longer than half a minute.
	Slow bool
	// AsSent gives it requests as they were sent: in every method, with whatever path below Path, encoded or not, and with an Authorization
	// that is its own business. The token of this listener is then TokenField alone, or a subprotocol of a WebSocket.
	AsSent bool
}

// Server serves the admin listener.
type Server struct {
	config   Config
	guard    guard
	listener net.Listener
	http     *http.Server
	end      context.CancelFunc // of all that is under way
	log      *slog.Logger
	served   sync.WaitGroup
}

// Check says what is wrong with where the listener is and whom it answers.
func (c *Config) Check() error {
	host, _, err := net.SplitHostPort(c.Address)
	switch {
	case err != nil:
		return fmt.Errorf("admin: address is %q; it must be host:port, such as %s", c.Address, DefaultAddress)
	case c.Token == "" && !loopback(host):
		return fmt.Errorf("admin: address is %q, which others than this machine can reach; give it a token, or make it loopback", c.Address)
	case c.Token != "":
		if err := CheckToken(c.Token); err != nil {
			return fmt.Errorf("admin: the token %w", err)
		}
	}
	return nil
}

// CheckToken says what is wrong with a token, to be read behind its name.
func CheckToken(token string) error {
	if len(token) < LeastToken {
		return fmt.Errorf("has %d bytes; it must have %d or more", len(token), LeastToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be visible ASCII characters, without spaces: it is sent in a header field")
	}
	return nil
}

// loopback says whether a host can only be this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || slices.Contains([]string{"localhost", "ip6-localhost"}, strings.ToLower(host))
}

// Listen opens the socket; nothing is served before Start.
func Listen(ctx context.Context, cfg Config, log *slog.Logger) (*Server, error) {
	if cfg.Address == "" {
		cfg.Address = DefaultAddress
	}
	if cfg.Ready == nil {
		return nil, errors.New("admin: ready is nil; it must say whether the gateway serves")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	s := &Server{config: cfg, guard: newGuard(cfg.Token), listener: listener, log: log}
	base, end := context.WithCancel(context.WithoutCancel(ctx)) // connections live longer than the start
	s.end = end
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: protocols, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		DisableGeneralOptionsHandler: true,
		BaseContext:                  func(net.Listener) context.Context { return base },
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
	s.end()
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
	path := r.URL.EscapedPath()
	if s.config.API != nil && apiPath(path) {
		if refused := s.guard.check(r, false, bearer); refused != nil {
			s.refuse(w, refused)
			return
		}
		s.config.API.ServeHTTP(w, r)
		return
	}
	if m := s.mount(path); m != nil && m.AsSent {
		s.guarded(w, r, m)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	switch path {
	case "/":
		if s.config.Home != "" && s.guard.check(r, true, bearer) == nil {
			s.bounded(w)
			http.Redirect(w, r, s.config.Home, http.StatusFound)
			return
		}
	case "/livez":
		s.bounded(w)
		s.answer(w, http.StatusOK, map[string]any{"status": "ok"})
		return
	case "/readyz":
		s.bounded(w)
		s.readyz(w)
		return
	case "/backends":
		if s.config.Backends != nil {
			s.guarded(w, r, &Mount{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				s.answer(w, http.StatusOK, map[string]any{"backends": s.config.Backends()})
			})})
			return
		}
	}
	if m := s.mount(path); m != nil {
		s.guarded(w, r, m)
		return
	}
	s.bounded(w)
	s.notFound(w)
}

// guarded serves a page to those who may have it.
func (s *Server) guarded(w http.ResponseWriter, r *http.Request, m *Mount) {
	credential := bearer
	if m.AsSent {
		credential = own
	}
	if refused := s.guard.check(r, m.Open, credential); refused != nil {
		s.refuse(w, refused)
		return
	}
	if !m.Slow {
		s.bounded(w)
	}
	m.Handler.ServeHTTP(w, r)
}

// bounded gives a page its time.
func (s *Server) bounded(w http.ResponseWriter) {
	control, end := http.NewResponseController(w), time.Now().Add(requestTimeout)
	if err := errors.Join(control.SetReadDeadline(end), control.SetWriteDeadline(end)); err != nil {
		s.log.Debug("an admin request has no deadline", slog.Any("error", err))
	}
}

// apiPath says whether a path is of the admin API.
func apiPath(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/dragoman.admin.") || path == "/events"
}

// mount returns what is mounted at a path, of several the longest; nil for nothing. A path below one is as it is: what browsers and proxies
// would make another path of is none (threat I3), unless whoever is mounted there reads paths itself.
func (s *Server) mount(path string) *Mount {
	var best *Mount
	for i := range s.config.Mounts {
		m := &s.config.Mounts[i]
		below := strings.HasSuffix(m.Path, "/") && strings.HasPrefix(path, m.Path) && (m.AsSent || plain(path))
		if (path == m.Path || below) && (best == nil || len(m.Path) > len(best.Path)) {
			best = m
		}
	}
	return best
}

// plain says whether a path means only itself.
func plain(path string) bool {
	if strings.ContainsAny(path, "%\\;") {
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

func (s *Server) refuse(w http.ResponseWriter, why *refusal) {
	s.bounded(w)
	w.Header().Set("Cache-Control", "no-store")
	if why.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="dragoman admin"`)
	}
	s.answer(w, why.code, map[string]any{"status": why.text})
}

func (s *Server) notFound(w http.ResponseWriter) {
	paths := []string{"/backends", "/livez", "/readyz"}
	if s.config.API != nil {
		paths = append(paths, "/api/v1/status", "/events")
	}
	for i := range s.config.Mounts {
		paths = append(paths, s.config.Mounts[i].Path)
	}
	slices.Sort(paths)
	s.answer(w, http.StatusNotFound, map[string]any{"status": "not found", "paths": paths})
}

func (s *Server) readyz(w http.ResponseWriter) {
	code, checks := http.StatusOK, map[string]string{}
	for name, err := range s.config.Ready() {
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
