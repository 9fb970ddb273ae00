// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// follow runs a source and returns what it tells.
func follow(tb testing.TB, s resolver.Source) (*resolvertest.ClientConn, grpcresolver.Resolver) {
	tb.Helper()
	cc := resolvertest.NewClientConn()
	return cc, build(tb, resolver.Config{Source: s, Coalesce: time.Millisecond, Observe: cc.Observe}, cc)
}

func TestFile(t *testing.T) {
	t.Parallel()
	resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
		tb.Helper()
		path := filepath.Join(tb.TempDir(), "endpoints.yaml")
		write(tb, path, "- a:1\n- address: b:1\n  weight: 3\n")
		s, err := resolver.FromFile(resolver.FileConfig{Path: path, Poll: 20 * time.Millisecond})
		if err != nil {
			tb.Fatal(err)
		}
		n := 0
		return resolvertest.Fixture{
			Source: s, Addresses: []string{"a:1", "b:1"},
			Set: func(tb testing.TB) []string {
				tb.Helper()
				n++
				write(tb, path, fmt.Sprintf(`[{"address": "c%d:1"}, "d:1"]`, n))
				return []string{fmt.Sprintf("c%d:1", n), "d:1"}
			},
			Break: func(tb testing.TB) { tb.Helper(); write(tb, path, "- a:1\n- b:") },
		}
	})
}

// Without waiting for the poll: in place, by renaming, and by the link that Kubernetes swaps.
func TestFileIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "endpoints.json")
	for _, v := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, v, "endpoints.json"), `["`+v+`:1"]`)
	}
	link := func(to string) {
		t.Helper()
		tmp := filepath.Join(dir, "..tmp")
		if err := os.Symlink(to, tmp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	link("one")
	if err := os.Symlink(filepath.Join("..data", "endpoints.json"), path); err != nil {
		t.Fatal(err)
	}
	s, err := resolver.FromFile(resolver.FileConfig{Path: path, Poll: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	cc, r := follow(t, s)
	defer r.Close()
	cc.WaitFor(t, []string{"one:1"})
	link("two")
	cc.WaitFor(t, []string{"two:1"})
	next := filepath.Join(dir, "next")
	write(t, next, `["three:1"]`)
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	cc.WaitFor(t, []string{"three:1"})
	write(t, path, `["four:1"]`)
	cc.WaitFor(t, []string{"four:1"})
}

func TestFileSaysAllOfAnEndpoint(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "endpoints.yaml")
	write(t, path, `
- addresses: [10.0.0.1:1, "[fd00::1]:1"]
  weight: 7
  zone: eu-west-1a
  priority: 2
  server_name: books.example
  labels: {version: v2, shard: "3"}
`)
	s, err := resolver.FromFile(resolver.FileConfig{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	cc, r := follow(t, s)
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.1:1"})
	e := endpoint.FromGRPC(cc.Endpoints()[0])
	version, _ := endpoint.NewKey[string]("version").Of(e)
	shard, _ := endpoint.NewKey[string]("shard").Of(e)
	if e.String() != "10.0.0.1:1,[fd00::1]:1" || e.Weight() != 7 || e.Zone() != "eu-west-1a" || e.Priority() != 2 ||
		e.ServerName() != "books.example" || version != "v2" || shard != "3" {
		t.Errorf("endpoint %v: weight %d, zone %q, priority %d, server name %q, labels %v", e, e.Weight(), e.Zone(), e.Priority(), e.ServerName(), e.Labels())
	}
}

func TestFileRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "endpoints.yaml")
	write(t, path, `- a:1
- address: b:1
  wieght: 3
- address: c:0
  priority: 200
- {address: d:1, addresses: [d:2]}
- weight: 1
- A:1
`)
	s, err := resolver.FromFile(resolver.FileConfig{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	cc, r := follow(t, s)
	defer r.Close()
	if !cc.Until(func() bool { return len(cc.Errors()) > 0 }) {
		t.Fatal("no error")
	}
	for _, want := range []string{
		path, "line 3: field wieght is not known", "line 4: endpoint: address is \"c:0\"; its port must be 1 to 65535", "priority is 200",
		"line 6: endpoint: both address and addresses", "line 7: endpoint: addresses is empty", "line 8: endpoint a:1 is listed in line 1 already",
	} {
		if got := cc.Errors()[0].Error(); !strings.Contains(got, want) {
			t.Errorf("error does not say %q:\n%v", want, got)
		}
	}
	for text, want := range map[string]string{"a: 1": "must be a list", "[": "must be a list", "- [a]": "line 1"} {
		write(t, path, text)
		n := len(cc.Errors())
		if !cc.Until(func() bool {
			return len(cc.Errors()) > n && strings.Contains(cc.Errors()[len(cc.Errors())-1].Error(), want)
		}) {
			t.Errorf("%q: errors %v do not say %q", text, cc.Errors(), want)
		}
	}
	_, err = resolver.NewFile(resolver.FileConfig{Poll: -1})
	if err == nil || !strings.Contains(err.Error(), "path is empty") || !strings.Contains(err.Error(), "poll is -1ns") {
		t.Errorf("error %v", err)
	}
}
