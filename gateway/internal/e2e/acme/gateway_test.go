// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
)

// dragoman is a gateway, as a process has it.
type dragoman struct {
	file    string // its configuration
	backend string
	storage string
	started *app.Started
	reloads chan reload.Event
	log     *lines

	app  *app.App
	once sync.Once
}

// lines are the log of a gateway.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// settings are what a gateway of these tests differs by.
type settings struct {
	authority *authority
	backend   string
	storage   string
	domains   string // a list in YAML
	more      string // of acme
	tls       string // beside acme
	address   string // "" for where the authority looks
}

// yaml is the configuration.
func (s *settings) yaml(t *testing.T) string {
	t.Helper()
	protos, err := filepath.Abs("../../../../proto")
	if err != nil {
		t.Fatal(err)
	}
	address := s.address
	if address == "" {
		address = s.authority.secure
	}
	plain := ""
	if s.address == "" {
		plain = fmt.Sprintf("  - {name: plain, address: %q}\n", s.authority.plain)
	}
	return fmt.Sprintf(`
version: v1
listeners:
  - name: public
    address: %q
    protocols: [http1, http2, http3]
    tls: {acme: {domains: %s, storage: %q, ca: %q, ca_root: %q%s}%s}
%sadmin: {address: "127.0.0.1:0"}
schemas: {sources: [{protos: {dir: %q, import_paths: [%q]}}]}
backends: {test: {target: %q}}
services: [{match: "**", backend: test}]
shutdown: {drain: 5s}
`, address, s.domains, s.storage, s.authority.directory, s.authority.root, s.more, s.tls, plain, protos+"/dragoman/test", protos, s.backend)
}

// start runs a gateway until the test ends.
func start(t *testing.T, s *settings) *dragoman {
	t.Helper()
	if s.backend == "" {
		s.backend = testbackend.Run(t, testbackend.Config{Name: "b"}).Address()
	}
	if s.storage == "" {
		s.storage = filepath.Join(t.TempDir(), "certificates")
	}
	d := &dragoman{backend: s.backend, storage: s.storage, file: filepath.Join(t.TempDir(), "dragoman.yaml"), reloads: make(chan reload.Event, 64), log: &lines{}}
	write(t, d.file, s.yaml(t))
	read := func() (*config.Config, error) { return config.Load(d.file, config.Options{}) }
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	cfg.SetDefaults()
	d.app = app.New(app.Options{
		Config: cfg, Log: slog.New(slog.NewJSONHandler(d.log, nil)), Reread: read, Version: "test",
		OnReload: func(e reload.Event) { d.reloads <- e },
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if d.started, err = d.app.Start(ctx); err != nil {
		t.Fatalf("the gateway did not start: %v", err)
	}
	t.Cleanup(func() {
		d.stop(t)
		if t.Failed() {
			t.Log(d.log.String())
		}
	})
	return d
}

func (d *dragoman) stop(t *testing.T) {
	t.Helper()
	d.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := d.app.Stop(ctx); err != nil {
			t.Errorf("the gateway did not stop well: %v", err)
		}
	})
}

// reload puts another configuration in force.
func (d *dragoman) reload(t *testing.T, s *settings) reload.Event {
	t.Helper()
	write(t, d.file, s.yaml(t))
	select {
	case e := <-d.reloads:
		if e.Err != nil {
			t.Fatalf("the reload was refused: %v", e.Err)
		}
		return e
	case <-time.After(patience):
		t.Fatal("there was no reload")
		return reload.Event{}
	}
}

// shake shakes hands over TCP as who asks for a name, and returns what is shown.
func shake(t *testing.T, address, name string, trusted *x509.CertPool) (*x509.Certificate, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: trusted, InsecureSkipVerify: trusted == nil, NextProtos: []string{"h2", "http/1.1"}, Certificates: own()}} //nolint:gosec // where a test says so
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	state := conn.(*tls.Conn).ConnectionState() //nolint:errcheck // tls.Dialer returns no other
	if state.NegotiatedProtocol != "h2" {
		return nil, fmt.Errorf("the protocol is %q", state.NegotiatedProtocol)
	}
	return state.PeerCertificates[0], nil
}

// issued waits until a certificate is shown for a name.
func (d *dragoman) issued(t *testing.T, a *authority, address, name string) *x509.Certificate {
	t.Helper()
	trusted := a.trusted(t)
	var got *x509.Certificate
	eventually(t, func() error {
		var err error
		got, err = shake(t, address, name, trusted)
		return err
	})
	return got
}

// counted is an HTTP client that counts its connections.
type counted struct {
	http.Client

	dials atomic.Int32
}

// client is an HTTP client that reaches the gateway under a name.
func client(t *testing.T, address, name string, trusted *x509.CertPool) *counted {
	t.Helper()
	c := &counted{}
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: trusted, NextProtos: []string{"http/1.1"}, Certificates: own()}}
	transport := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		c.dials.Add(1)
		return dialer.DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c.Transport = transport
	return c
}

// doer is an HTTP client.
type doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// fetch makes a request and returns what it is answered with.
func fetch(t *testing.T, c doer, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	answer, err := c.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

// admin asks the admin API.
func (d *dragoman) admin(t *testing.T, path string, into any) {
	t.Helper()
	status, body, err := fetch(t, direct(t), "http://"+d.started.Admin.String()+path)
	if err == nil && status != http.StatusOK {
		err = errors.New(body)
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// direct is an HTTP client without anything.
func direct(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// instanceRole is that of a gateway in a process of its own; its argument is its configuration file.
const instanceRole = "instance"

func serveInstance(file string) {
	cfg, err := config.Load(file, config.Options{})
	if err == nil {
		cfg.SetDefaults()
		var started *app.Started
		if started, err = app.New(app.Options{Config: cfg, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil))}).Start(context.Background()); err == nil {
			fmt.Println(started.Listeners[0].Addr)
			select {} // until the test ends
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
