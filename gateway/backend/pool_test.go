// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listed(t *testing.T, name string, weights ...uint32) backend.Config {
	t.Helper()
	cfg := backend.Config{Name: name}
	for i, w := range weights {
		e, err := endpoint.New(endpoint.Spec{Addresses: []string{"127.0.0.1:" + string(rune('1'+i))}, Weight: w})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Endpoints = append(cfg.Endpoints, e)
	}
	return cfg
}

// Connections outlive snapshots: what two snapshots name in the same words is one backend, open as long as either needs it.
func TestPoolKeepsWhatDidNotChange(t *testing.T) {
	t.Parallel()
	p := backend.NewPool(slog.New(slog.DiscardHandler))
	first, release1, err := p.Acquire([]backend.Config{listed(t, "a", 1), listed(t, "b", 1)})
	if err != nil {
		t.Fatal(err)
	}
	second, release2, err := p.Acquire([]backend.Config{listed(t, "a", 1), listed(t, "b", 2)})
	if err != nil {
		t.Fatal(err)
	}
	if first["a"] != second["a"] {
		t.Error("a did not change and is opened anew")
	}
	if first["b"] == second["b"] {
		t.Error("b has another weight and is the same backend")
	}
	if p.Len() != 3 {
		t.Errorf("the pool holds %d; want a and both b", p.Len())
	}
	release1()
	release1() // the second time gives back nothing
	if p.Len() != 2 {
		t.Errorf("the pool holds %d after the first snapshot; want 2", p.Len())
	}
	release2()
	if p.Len() != 0 {
		t.Errorf("the pool holds %d at the end", p.Len())
	}
}

// Everything that is wrong is told, and nothing stays open.
func TestPoolAcquiresAllOrNothing(t *testing.T) {
	t.Parallel()
	p := backend.NewPool(slog.New(slog.DiscardHandler))
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := func(name string, change func(*backend.Config)) backend.Config {
		cfg := listed(t, name, 1)
		change(&cfg)
		return cfg
	}
	_, _, err := p.Acquire([]backend.Config{
		listed(t, "good", 1),
		listed(t, "good", 1),
		bad("scheme", func(c *backend.Config) { c.Endpoints, c.Target = nil, "gopher:///x" }),
		bad("ca", func(c *backend.Config) { c.TLS = &backend.TLS{CA: "no-such.pem"} }),
		bad("empty", func(c *backend.Config) { c.TLS = &backend.TLS{CA: empty} }), // C16: an empty file must not mean "trust anybody"
		bad("half", func(c *backend.Config) { c.TLS = &backend.TLS{Cert: "a"} }),
		bad("ping", func(c *backend.Config) { c.PingInterval = time.Second }),
		bad("header", func(c *backend.Config) { c.MaxHeader = -1 }),
	})
	if err == nil {
		t.Fatal("all are accepted")
	}
	for _, want := range []string{
		`backend "good": the name is used twice`, "gopher", "no-such.pem", "no certificate in PEM form", "one of cert and key", "ping interval is 1s", "max_header is -1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if p.Len() != 0 {
		t.Errorf("the pool holds %d after a refusal", p.Len())
	}
}

// A certificate that changes on disk makes another backend: the next snapshot connects with the new one.
func TestPoolSeesFilesThatChange(t *testing.T) {
	t.Parallel()
	p := backend.NewPool(slog.New(slog.DiscardHandler))
	cfg := listed(t, "a", 1)
	cfg.TLS = &backend.TLS{CA: filepath.Join(t.TempDir(), "ca.pem")}
	var opened []*backend.Backend
	for _, n := range []int{1, 1, 2} {
		writeCertificate(t, cfg.TLS.CA, n)
		backends, release, err := p.Acquire([]backend.Config{cfg})
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		opened = append(opened, backends["a"])
	}
	if opened[0] != opened[1] || opened[1] == opened[2] {
		t.Errorf("same content: %v, other content: %v; want the same and another", opened[0] == opened[1], opened[1] == opened[2])
	}
}
