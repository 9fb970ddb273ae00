// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/etcd"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// program is where Debian's etcd-server puts it.
	program = "/usr/bin/etcd"
	// patience is how long etcd may take to start, and a change to arrive.
	patience = 30 * time.Second
	prefix   = "services/books"
)

// server is an etcd process.
type server struct {
	client, peer, dir string
	cmd               *exec.Cmd
}

func free(tb testing.TB) string {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start starts an etcd that is alone in its cluster, and is killed when the test ends.
func start(tb testing.TB) *server {
	tb.Helper()
	s := &server{client: free(tb), peer: free(tb), dir: tb.TempDir()}
	s.run(tb)
	tb.Cleanup(s.kill)
	return s
}

func (s *server) run(tb testing.TB) {
	tb.Helper()
	s.cmd = exec.CommandContext(context.WithoutCancel(tb.Context()), program,
		"--name", "one", "--data-dir", s.dir, "--log-level", "error", "--unsafe-no-fsync",
		"--listen-client-urls", "http://"+s.client, "--advertise-client-urls", "http://"+s.client,
		"--listen-peer-urls", "http://"+s.peer, "--initial-advertise-peer-urls", "http://"+s.peer,
		"--initial-cluster", "one=http://"+s.peer)
	if err := s.cmd.Start(); err != nil {
		tb.Fatalf("etcd (of Debian's etcd-server): %v", err)
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// manager registers endpoints as etcd's users do.
func (s *server) manager(tb testing.TB) (endpoints.Manager, *clientv3.Client) {
	tb.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.client}, DialTimeout: patience, Logger: zap.NewNop(), Context: tb.Context()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	m, err := endpoints.NewManager(c, prefix)
	if err != nil {
		tb.Fatal(err)
	}
	return m, c
}

func add(tb testing.TB, m endpoints.Manager, name, address string, metadata any) {
	tb.Helper()
	// The client's connection may be one to an etcd that was killed.
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(tb.Context(), patience)
		err = m.AddEndpoint(ctx, prefix+"/"+name, endpoints.Endpoint{Addr: address, Metadata: metadata})
		cancel()
		if err == nil {
			return
		}
	}
	tb.Fatal(err)
}

func remove(tb testing.TB, m endpoints.Manager, name string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := m.DeleteEndpoint(ctx, prefix+"/"+name); err != nil {
		tb.Fatal(err)
	}
}

func from(tb testing.TB, servers ...string) resolver.Source {
	tb.Helper()
	s, err := etcd.From(etcd.Config{Servers: servers, Prefix: prefix, Timeout: 300 * time.Millisecond, Probe: 50 * time.Millisecond})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	t.Parallel()
	// One etcd for all clauses: each has keys of its own below a prefix of its own.
	s := start(t)
	var mu sync.Mutex
	clause := 0
	resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
		tb.Helper()
		mu.Lock()
		clause++
		own := fmt.Sprintf("%s/%d", prefix, clause)
		mu.Unlock()
		_, c := s.manager(tb)
		m, err := endpoints.NewManager(c, own)
		if err != nil {
			tb.Fatal(err)
		}
		put := func(tb testing.TB, name, address string) {
			tb.Helper()
			ctx, cancel := context.WithTimeout(tb.Context(), patience)
			defer cancel()
			if err := m.AddEndpoint(ctx, own+"/"+name, endpoints.Endpoint{Addr: address}); err != nil {
				tb.Fatal(err)
			}
		}
		put(tb, "a", "a:1")
		put(tb, "b", "b:1")
		source, err := etcd.From(etcd.Config{Servers: []string{s.client}, Prefix: own + "/"})
		if err != nil {
			tb.Fatal(err)
		}
		n := 0
		return resolvertest.Fixture{
			Source: source, Addresses: []string{"a:1", "b:1"},
			Set: func(tb testing.TB) []string {
				tb.Helper()
				n++
				put(tb, "a", fmt.Sprintf("a%d:1", n))
				return []string{fmt.Sprintf("a%d:1", n), "b:1"}
			},
		}
	})
}

// The last good answer holds while etcd is away, and what changed meanwhile comes when it is back.
func TestEtcdGoesAwayAndReturns(t *testing.T) {
	t.Parallel()
	s := start(t)
	m, _ := s.manager(t)
	add(t, m, "a", "a:1", nil)
	cc := resolvertest.NewClientConn()
	b, err := resolver.NewBuilder(resolver.Config{Source: from(t, s.client), Observe: cc.Observe})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Build(grpcresolver.Target{}, cc, grpcresolver.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cc.WaitFor(t, []string{"a:1"})
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
	cc.WaitForFailure(t)
	if got := cc.Addresses(); !slices.Equal(got, []string{"a:1"}) {
		t.Errorf("while etcd is away the endpoints are %v", got)
	}
	s.run(t)
	add(t, m, "b", "b:1", nil)
	cc.WaitFor(t, []string{"a:1", "b:1"})
	remove(t, m, "a")
	cc.WaitFor(t, []string{"b:1"})
	if errs := cc.Errors(); len(errs) > 0 {
		t.Errorf("calls were told of %v", errs)
	}
}

// A source that is not there is an error, not silence.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s, err := etcd.New(etcd.Config{Servers: []string{free(t)}, Prefix: prefix, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Watch(t.Context(), func(es []endpoint.Endpoint, err error) { t.Errorf("told of %v, %v", es, err) })
	if err == nil || !strings.HasPrefix(err.Error(), "etcd: ") {
		t.Errorf("error %v", err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	s := start(t)
	m, c := s.manager(t)
	add(t, m, "a", "a:1", map[string]any{
		"weight": 3, "zone": "z1", "priority": 1, "server_name": "books.example", "labels": map[string]string{"version": "v2"},
	})
	add(t, m, "b", "b:1", "anything else")
	for key, value := range map[string]string{"broken": "no JSON", "empty": `{"Op":0}`, "heavy": `{"Addr":"c:1","Metadata":{"weight":-1}}`} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := c.Put(ctx, prefix+"/"+key, value); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	source, err := etcd.New(etcd.Config{Servers: []string{"http://" + s.client}, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	type told struct {
		es  []endpoint.Endpoint
		err error
	}
	tells := make(chan told, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = source.Watch(ctx, func(es []endpoint.Endpoint, err error) { tells <- told{es, err} })
	}()
	defer func() {
		cancel()
		<-done
	}()
	first := <-tells
	if first.err != nil || len(first.es) != 2 {
		t.Fatalf("told of %v, %v; want the two that can be read", first.es, first.err)
	}
	e := first.es[0]
	version, _ := endpoint.NewKey[string]("version").Of(e)
	if e.Address() != "a:1" || e.Weight() != 3 || e.Zone() != "z1" || e.Priority() != 1 || e.ServerName() != "books.example" || version != "v2" {
		t.Errorf("endpoint %v: weight %d, zone %q, priority %d, server name %q, labels %v", e, e.Weight(), e.Zone(), e.Priority(), e.ServerName(), e.Labels())
	}
	// When nothing else is left, what cannot be read is the error.
	remove(t, m, "a")
	<-tells
	remove(t, m, "b")
	last := <-tells
	for _, want := range []string{`key "services/books/broken"`, `key "services/books/empty": endpoint: addresses is empty`, `key "services/books/heavy": its Metadata`} {
		if last.err == nil || !strings.Contains(last.err.Error(), want) {
			t.Errorf("error %v does not say %q", last.err, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := etcd.From(etcd.Config{Username: "x", Timeout: -1, Probe: -2})
	for _, want := range []string{"servers is empty", "prefix is empty", "timeout is -1ns", "probe is -2ns", "one of username and password is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
