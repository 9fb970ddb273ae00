// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

// registry is where servers are registered, as a test sees it.
type registry struct {
	yaml string // the backend of the gateway
	// set registers these servers and no others.
	set func(t testing.TB, servers ...*testbackend.Backend)
}

// registries are the sources whose servers can change. Each is begun with a first server.
var registries = map[string]func(t testing.TB, first *testbackend.Backend) registry{
	"dns":        dnsRegistry,
	"file":       fileRegistry,
	"etcd":       etcdRegistry,
	"consul":     consulRegistry,
	"kubernetes": kubernetesRegistry,
}

// Servers come and go, by each kind of source and under load, and no call fails: those that go end their calls in peace.
func TestSourcesUnderLoad(t *testing.T) {
	t.Parallel()
	for name, begin := range registries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := testbackend.Run(t, testbackend.Config{Name: "a"})
			b := testbackend.Run(t, testbackend.Config{Name: "b", Address: beside(t, a)})
			r := begin(t, a)
			d := start(t, r.yaml)
			d.ready(t, a)
			l := d.startLoad(t, 2)
			for _, step := range [][]*testbackend.Backend{{a, b}, {b}, {a, b}, {a}} {
				r.set(t, step...)
				d.ready(t, step...)
				for _, s := range step {
					l.reaches(t, s)
				}
			}
			before := l.of(b)
			l.reaches(t, a)
			if l.of(b) > before+3 { // what was under way
				t.Errorf("b is not listed any more, and has had %d calls since", l.of(b)-before)
			}
			t.Logf("%d calls", l.end(t))
		})
	}
}

// beside returns an address of another host of loopback with the same port: DNS tells no ports.
func beside(t testing.TB, a *testbackend.Backend) string {
	t.Helper()
	_, port, err := net.SplitHostPort(a.Address())
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.2", port)
}

func dnsRegistry(t testing.TB, first *testbackend.Backend) registry {
	t.Helper()
	server := resolvertest.NewDNS(t)
	set := func(_ testing.TB, servers ...*testbackend.Backend) {
		var all []netip.Addr
		for _, s := range servers {
			all = append(all, netip.MustParseAddrPort(s.Address()).Addr())
		}
		server.Answer(all...)
	}
	set(t, first)
	_, port, _ := net.SplitHostPort(first.Address())
	return registry{yaml: fmt.Sprintf("target: dns://%s/books.example:%s\nresolve_interval: 50ms", server.Address(), port), set: set}
}

func fileRegistry(t testing.TB, first *testbackend.Backend) registry {
	t.Helper()
	file := filepath.Join(t.TempDir(), "list.yaml")
	set := func(t testing.TB, servers ...*testbackend.Backend) {
		t.Helper()
		var b strings.Builder
		for i, s := range servers {
			if i == 0 {
				fmt.Fprintln(&b, "- "+s.Address())
				continue
			}
			fmt.Fprintf(&b, "- {address: %q, weight: 2, zone: z, labels: {version: v2}}\n", s.Address())
		}
		if err := os.WriteFile(file+".new", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	set(t, first)
	return registry{yaml: "file: " + file, set: set}
}

func consulRegistry(t testing.TB, first *testbackend.Backend) registry {
	t.Helper()
	c := newConsul(t, "books", "a-token")
	set := func(_ testing.TB, servers ...*testbackend.Backend) {
		var all []map[string]any
		for _, s := range servers {
			host, port := split(s)
			all = append(all, map[string]any{
				"Node":    map[string]any{"Address": host},
				"Service": map[string]any{"ID": s.Name(), "Port": port, "Weights": map[string]int{"Passing": 1, "Warning": 1}},
				"Checks":  []map[string]any{{"Status": "passing"}},
			})
		}
		c.set(all)
	}
	set(t, first)
	return registry{yaml: fmt.Sprintf("consul: {server: %q, service: books, tags: [v2], token: a-token, wait: 10s}", c.URL), set: set}
}

func split(s *testbackend.Backend) (host string, port int) {
	host, text, _ := net.SplitHostPort(s.Address())
	port, _ = strconv.Atoi(text)
	return host, port
}

// breakFile makes the file of a fileRegistry one that is no list.
func breakFile(t testing.TB, yaml string) {
	t.Helper()
	file := strings.TrimPrefix(yaml, "file: ")
	if err := os.WriteFile(file, []byte("address: 10.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
