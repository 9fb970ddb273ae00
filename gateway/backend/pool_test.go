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
	"google.golang.org/grpc/connectivity"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

func TestMain(m *testing.M) {
	processtest.Play(map[string]processtest.Role{processRole: serveProcess})
	goleak.VerifyTestMain(m)
}

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
	if first["b"] == second["b"] || first["b"].Channel() != second["b"].Channel() {
		t.Error("b has another weight, and is the same backend or connects anew")
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

// Backends that differ only in how calls are placed are two, on the same connections: a reload that changes the policy connects to nothing
// anew. What is in force is what was put in force last.
func TestPoolSharesConnections(t *testing.T) {
	t.Parallel()
	p := backend.NewPool(slog.New(slog.DiscardHandler))
	with := func(change func(*backend.Config)) (*backend.Backend, func()) {
		t.Helper()
		cfg := listed(t, "a", 1, 1)
		change(&cfg)
		backends, release, err := p.Acquire([]backend.Config{cfg})
		if err != nil {
			t.Fatal(err)
		}
		return backends["a"], release
	}
	first, release := with(func(*backend.Config) {})
	defer release()
	if got := first.Channel().Policy().Name(); got != "adaptive" {
		t.Errorf("the policy of a backend that names none is %s; want adaptive (decision 10)", got)
	}
	for reason, change := range map[string]func(*backend.Config){
		"the endpoints":       func(c *backend.Config) { c.Endpoints = c.Endpoints[:1] },
		"the first endpoint":  func(c *backend.Config) { c.Endpoints = c.Endpoints[1:] },
		"a weight":            func(c *backend.Config) { c.Endpoints = listed(t, "a", 5, 1).Endpoints },
		"a limit":             func(c *backend.Config) { c.Limits.MaxInFlight = 7 },
		"the policy":          func(c *backend.Config) { c.LoadBalancing.Policy = backend.LeastRequest },
		"a parameter":         func(c *backend.Config) { c.LoadBalancing.Adaptive.Prior = 3 },
		"the panic threshold": func(c *backend.Config) { c.LoadBalancing.PanicThreshold = 0.1 },
		"ejection":            func(c *backend.Config) { c.Health.WithoutOutlier = true },
		"sessions":            func(c *backend.Config) { c.LoadBalancing.Sticky = &backend.Sticky{Key: backend.HashKey{Header: "x"}} },
	} {
		b, release := with(change)
		if b == first || b.Channel() != first.Channel() {
			t.Errorf("%s is another: the same backend %t, the same channel %t; want another on the same", reason, b == first, b.Channel() == first.Channel())
		}
		before := b.Channel().Policy()
		if err := b.Place(); err != nil {
			t.Error(err)
		}
		if b.Channel().Policy() == before {
			t.Errorf("%s is another, and not put in force", reason)
		}
		if err := first.Place(); err != nil {
			t.Error(err)
		}
		release()
	}
	for reason, change := range map[string]func(*backend.Config){
		"health checks": func(c *backend.Config) { c.Health.Active = &backend.ActiveHealth{} },
		"connections":   func(c *backend.Config) { c.MinConnections = 2 },
		"TLS":           func(c *backend.Config) { c.TLS = &backend.TLS{} },
	} {
		b, release := with(change)
		if b.Channel() == first.Channel() {
			t.Errorf("%s: the same channel", reason)
		}
		release()
	}
	if p.Len() != 1 {
		t.Errorf("the pool holds %d; want the first", p.Len())
	}
	if first.Channel().GetState() == connectivity.Shutdown {
		t.Error("the channel was closed with one of those that shared it")
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
		bad("policy", func(c *backend.Config) { c.LoadBalancing.Policy = "best" }),
		bad("key", func(c *backend.Config) { c.LoadBalancing.Policy = backend.RingHash }),
		bad("session", func(c *backend.Config) {
			c.LoadBalancing = backend.LoadBalancing{Policy: backend.Maglev, HashKeys: []backend.HashKey{{Header: "a"}}, Sticky: &backend.Sticky{}}
		}),
		bad("zone", func(c *backend.Config) { c.LoadBalancing.Zone = &picker.ZoneConfig{} }),
		bad("slow", func(c *backend.Config) { c.LoadBalancing.SlowStart = &picker.SlowStartConfig{Window: 1} }),
		bad("outlier", func(c *backend.Config) { c.Health.Outlier.MaxOut = 2 }),
		bad("active", func(c *backend.Config) { c.Health.Active = &backend.ActiveHealth{Rise: 1} }),
		bad("both", func(c *backend.Config) { c.Target = "localhost:1" }),
		bad("etcd", func(c *backend.Config) {
			c.Endpoints, c.Etcd = nil, &backend.Etcd{TLS: &backend.TLS{CA: "no-etcd.pem"}}
		}),
		bad("consul", func(c *backend.Config) { c.Endpoints, c.Consul = nil, &backend.Consul{Server: "consul"} }),
		bad("pod", func(c *backend.Config) {
			c.Endpoints, c.Kubernetes = nil, &backend.Kubernetes{Service: "a", Server: "ftp://a"}
		}),
		bad("subset", func(c *backend.Config) { c.Subset = &backend.Subset{} }),
		bad("xds", func(c *backend.Config) { c.Endpoints, c.Target = nil, "xds:" }),
	})
	if err == nil {
		t.Fatal("all are accepted")
	}
	for _, want := range []string{
		`backend "good": the name is used twice`, "gopher", "no-such.pem", "no certificate in PEM form", "one of cert and key", "ping interval is 1s", "max_header is -1",
		`policy is "best"`, `policy is "ring_hash" with 0 hash keys`, "has a key of its own", "zone: local is empty", "slow start: window is 1ns",
		"outlier: max out is 2", "healthy_after needs", "2 of target, endpoints", "etcd: servers is empty", "no-etcd.pem", "consul: service is empty",
		`server is "ftp://a"`, "subset: size is 0", `target is "xds:"`,
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
