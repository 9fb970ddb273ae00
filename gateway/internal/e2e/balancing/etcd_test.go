// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.uber.org/zap"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

const (
	// etcdProgram is where Debian's etcd-server puts it.
	etcdProgram = "/usr/bin/etcd"
	// etcdPrefix is where the servers register themselves.
	etcdPrefix = "services/books"
)

// registrations is how often servers come and go in TestEtcdRegistrationsUnderLoad.
var registrations = flag.Int("registrations", 20, "how many registrations, and as many deregistrations, the etcd test makes under load")

// etcd is an etcd process, alone in its cluster.
type etcd struct {
	address string
	manager endpoints.Manager
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// startEtcd starts one until the test ends.
func startEtcd(t testing.TB) *etcd {
	t.Helper()
	e := &etcd{address: freeAddress(t)}
	peer := "http://" + freeAddress(t)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), etcdProgram,
		"--name", "one", "--data-dir", t.TempDir(), "--log-level", "error", "--unsafe-no-fsync",
		"--listen-client-urls", "http://"+e.address, "--advertise-client-urls", "http://"+e.address,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one="+peer)
	if err := cmd.Start(); err != nil {
		t.Fatalf("etcd (of Debian's etcd-server): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{e.address}, DialTimeout: patience, Logger: zap.NewNop(), Context: context.WithoutCancel(t.Context())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if e.manager, err = endpoints.NewManager(client, etcdPrefix); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *etcd) register(t testing.TB, s *testbackend.Backend) {
	t.Helper()
	ctx := within(t)
	var err error
	for ctx.Err() == nil { // it may have just been started
		try, cancel := context.WithTimeout(ctx, time.Second)
		err = e.manager.AddEndpoint(try, etcdPrefix+"/"+s.Name(), endpoints.Endpoint{Addr: s.Address(), Metadata: map[string]any{"zone": "zone-" + s.Name()}})
		cancel()
		if err == nil {
			return
		}
	}
	t.Fatalf("etcd does not take a registration: %v", err)
}

func (e *etcd) deregister(t testing.TB, name string) {
	t.Helper()
	if err := e.manager.DeleteEndpoint(within(t), etcdPrefix+"/"+name); err != nil {
		t.Fatal(err)
	}
}

func (e *etcd) yaml() string {
	return fmt.Sprintf("etcd: {servers: [%q], prefix: %s}", e.address, etcdPrefix)
}

func etcdRegistry(t testing.TB, first *testbackend.Backend) registry {
	t.Helper()
	e := startEtcd(t)
	known := map[string]bool{}
	set := func(t testing.TB, servers ...*testbackend.Backend) {
		t.Helper()
		gone := known
		known = map[string]bool{}
		for _, s := range servers {
			if !gone[s.Name()] {
				e.register(t, s)
			}
			delete(gone, s.Name())
			known[s.Name()] = true
		}
		for name := range gone {
			e.deregister(t, name)
		}
	}
	set(t, first)
	return registry{yaml: e.yaml(), set: set}
}

// Servers register themselves in a real etcd, serve, deregister, end their calls and stop, again and again, and no call fails: 20 times
// here, 100 with -registrations 100 (make registrations).
func TestEtcdRegistrationsUnderLoad(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	stays := testbackend.Run(t, testbackend.Config{Name: "stays"})
	e.register(t, stays)
	d := start(t, e.yaml())
	d.ready(t, stays)
	l := d.startLoad(t, 2)
	for n := range *registrations {
		s, err := testbackend.Start(t.Context(), testbackend.Config{Name: fmt.Sprint("n", n)})
		if err != nil {
			t.Fatal(err)
		}
		e.register(t, s)
		d.ready(t, stays, s)
		l.reaches(t, s)
		e.deregister(t, s.Name())
		d.ready(t, stays)
		// A server that has deregistered itself ends when its calls have.
		if err := s.Stop(within(t)); err != nil {
			t.Errorf("%s did not stop well: %v", s.Name(), err)
		}
	}
	t.Logf("%d calls during %d registrations and deregistrations", l.end(t), *registrations)
}
