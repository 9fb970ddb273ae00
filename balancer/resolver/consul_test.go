// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

// consul answers health questions as Consul's API documents it: a question with an index is held until the index of what it
// asks for is higher, or its wait is over.
type consul struct {
	*httptest.Server

	mu        sync.Mutex
	instances []map[string]any // guarded by mu, as all below
	index     uint64
	changed   chan struct{} // closed and replaced
	broken    bool
	asked     []*http.Request
}

func newConsul(tb testing.TB) *consul {
	tb.Helper()
	c := &consul{index: 10, changed: make(chan struct{})}
	c.Server = httptest.NewServer(c)
	tb.Cleanup(c.Close)
	return c
}

// set changes what is registered, and moves the index to i, or one on when that is 0.
func (c *consul) set(i uint64, instances ...map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instances, c.broken = instances, false
	c.index++
	if i != 0 {
		c.index = i
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *consul) breaks() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *consul) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, _ := strconv.ParseUint(q.Get("index"), 10, 64)
	wait, _ := time.ParseDuration(q.Get("wait"))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	c.mu.Lock()
	c.asked = append(c.asked, r)
	for after > 0 && c.index <= after && !c.broken && c.index == after {
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-timer.C:
			after = 0
		case <-r.Context().Done():
			return
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	switch {
	case c.broken:
		http.Error(w, "rpc error: No cluster leader", http.StatusInternalServerError)
	case r.Header.Get("X-Consul-Token") != "secret":
		http.Error(w, "Permission denied", http.StatusForbidden)
	case r.URL.Path != "/v1/health/service/books":
		http.NotFound(w, r)
	default:
		w.Header().Set("X-Consul-Index", strconv.FormatUint(c.index, 10))
		_ = json.NewEncoder(w).Encode(append([]map[string]any{}, c.instances...))
	}
}

// instance is one as Consul describes it, with the fields that the documentation's example has.
func instance(address string, port int, more map[string]any, checks ...string) map[string]any {
	service := map[string]any{
		"ID": fmt.Sprint("books-", port), "Service": "books", "Tags": []string{"primary"}, "Address": address, "Port": port,
		"Meta": map[string]string{"version": "v2"}, "Weights": map[string]int{"Passing": 1, "Warning": 1},
		"Namespace": "default",
	}
	for k, v := range more {
		service[k] = v
	}
	var list []map[string]any
	for _, s := range append(checks, "passing") {
		list = append(list, map[string]any{"Node": "n1", "CheckID": "c", "Status": s})
	}
	return map[string]any{
		"Node":    map[string]any{"ID": "40e4a748", "Node": "n1", "Address": "10.0.0.9", "Datacenter": "dc1", "Meta": map[string]string{"zone": "z9"}},
		"Service": service, "Checks": list,
	}
}

func fromConsul(tb testing.TB, cfg resolver.ConsulConfig) resolver.Source {
	tb.Helper()
	if cfg.Service == "" {
		cfg.Service = "books"
	}
	if cfg.Token == "" {
		cfg.Token = "secret"
	}
	s, err := resolver.FromConsul(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestConsul(t *testing.T) {
	t.Parallel()
	resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
		tb.Helper()
		c := newConsul(tb)
		c.set(0, instance("10.0.0.1", 1, nil), instance("10.0.0.2", 1, nil))
		n := 1
		return resolvertest.Fixture{
			Source: fromConsul(tb, resolver.ConsulConfig{Server: c.URL}), Addresses: []string{"10.0.0.1:1", "10.0.0.2:1"},
			Set: func(testing.TB) []string {
				n++
				c.set(0, instance("10.0.0.1", n, nil))
				return []string{fmt.Sprintf("10.0.0.1:%d", n)}
			},
			Break: func(testing.TB) { c.breaks() },
		}
	})
}

// An index that goes backwards, after Consul was restored, is begun again; a wait that ends without a change is no change.
func TestConsulIndex(t *testing.T) {
	t.Parallel()
	c := newConsul(t)
	c.set(1000, instance("10.0.0.1", 1, nil))
	cc, r := follow(t, fromConsul(t, resolver.ConsulConfig{Server: c.URL, Wait: 50 * time.Millisecond}))
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.1:1"})
	asked := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.asked)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n, deadline := asked(), time.Now().Add(10*time.Second); asked() < n+3; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it is not asked again")
		}
	}
	if cc.Updates() != 1 {
		t.Errorf("%d updates without a change", cc.Updates())
	}
	c.set(5, instance("10.0.0.1", 2, nil))
	cc.WaitFor(t, []string{"10.0.0.1:2"})
	c.set(6, instance("10.0.0.1", 3, nil))
	cc.WaitFor(t, []string{"10.0.0.1:3"})
}

func TestConsulSaysAllOfAnInstance(t *testing.T) {
	t.Parallel()
	c := newConsul(t)
	c.set(0,
		instance("", 50051, map[string]any{"Weights": map[string]int{"Passing": 7}}),
		instance("fd00::1", 1, map[string]any{"Meta": map[string]string{"zone": "z1", "priority": "2"}, "Weights": map[string]int{"Passing": 9, "Warning": 3}}, "warning"),
		instance("10.0.0.3", 1, nil, "critical"),
		instance("10.0.0.4", 1, map[string]any{"Meta": map[string]string{"priority": "first"}}),
	)
	cc, r := follow(t, fromConsul(t, resolver.ConsulConfig{
		Server: c.URL, Warning: true, Tags: []string{"primary", "new"}, Datacenter: "dc2", Namespace: "team",
	}))
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.9:50051", "[fd00::1]:1"})
	for _, g := range cc.Endpoints() {
		e := endpoint.FromGRPC(g)
		version, _ := endpoint.NewKey[string]("version").Of(e)
		switch e.Address() {
		case "10.0.0.9:50051":
			if e.Weight() != 7 || e.Zone() != "z9" || version != "v2" {
				t.Errorf("%v: weight %d, zone %q, labels %v", e, e.Weight(), e.Zone(), e.Labels())
			}
		default:
			if e.Weight() != 3 || e.Zone() != "z1" || e.Priority() != 2 {
				t.Errorf("%v: weight %d, zone %q, priority %d", e, e.Weight(), e.Zone(), e.Priority())
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.asked[0].URL.Query()
	if !slices.Equal(q["tag"], []string{"primary", "new"}) || q.Get("dc") != "dc2" || q.Get("ns") != "team" || q.Has("passing") || q.Has("index") {
		t.Errorf("asked for %v", q)
	}
}

func TestConsulsErrorsAreShown(t *testing.T) {
	t.Parallel()
	c := newConsul(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "elsewhere") {
			http.Redirect(w, r, c.URL, http.StatusFound)
		}
		_, _ = w.Write([]byte("[]"))
	}))
	t.Cleanup(other.Close)
	for want, cfg := range map[string]resolver.ConsulConfig{
		`403 Forbidden: "Permission denied"`:          {Server: c.URL, Token: "wrong"},
		"X-Consul-Index is \"\"; is it Consul":        {Server: other.URL},
		"the server redirects, which is not followed": {Server: other.URL, Service: "elsewhere"},
		"connection refused":                          {Server: "http://127.0.0.1:1"},
		"404 Not Found":                               {Server: c.URL, Service: "cats/dogs"},
	} {
		cc, r := follow(t, fromConsul(t, cfg))
		if !cc.Until(func() bool { return len(cc.Errors()) > 0 }) || !strings.Contains(cc.Errors()[0].Error(), want) {
			t.Errorf("errors %v do not say %q", cc.Errors(), want)
		}
		r.Close()
	}
}

func TestConsulRefuses(t *testing.T) {
	t.Parallel()
	_, err := resolver.FromConsul(resolver.ConsulConfig{Server: "consul:8500", Wait: time.Hour})
	for _, want := range []string{"service is empty", `server is "consul:8500"; it must be a URL`, "wait is 1h0m0s; it must be 10ms to 10m0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
