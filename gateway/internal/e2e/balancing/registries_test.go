// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

// consul answers questions for the health of one service, as Consul's API documents it: one with an index is held until that has moved on.
type consul struct {
	*httptest.Server
	path, token string

	mu        sync.Mutex
	instances []map[string]any // guarded by mu, as all below
	index     uint64
	changed   chan struct{} // closed and replaced
}

func newConsul(t testing.TB, service, token string) *consul {
	t.Helper()
	c := &consul{path: "/v1/health/service/" + service, token: token, index: 1, changed: make(chan struct{})}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *consul) set(instances []map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instances = instances
	c.index++
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *consul) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Header.Get("X-Consul-Token") != c.token || r.URL.Path != c.path || q.Get("tag") != "v2" {
		http.Error(w, "Permission denied", http.StatusForbidden)
		return
	}
	after, _ := strconv.ParseUint(q.Get("index"), 10, 64)
	wait, _ := time.ParseDuration(q.Get("wait"))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for over := false; c.index == after && !over; {
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-timer.C:
			over = true
		case <-r.Context().Done():
			over = true
		}
		c.mu.Lock()
	}
	w.Header().Set("X-Consul-Index", strconv.FormatUint(c.index, 10))
	_ = json.NewEncoder(w).Encode(c.instances)
}

// kubernetes is an API server with one slice of endpoints, as its documentation has it: a list with a version, and watches from a version.
type kubernetes struct {
	*httptest.Server

	mu      sync.Mutex
	version int            // guarded by mu, as all below
	slice   map[string]any // as of that version
	changed chan struct{}  // closed and replaced
}

func kubernetesRegistry(t testing.TB, first *testbackend.Backend) registry {
	t.Helper()
	k := &kubernetes{version: 1, changed: make(chan struct{})}
	k.Server = httptest.NewServer(k)
	t.Cleanup(func() {
		k.CloseClientConnections()
		k.Close()
	})
	set := func(_ testing.TB, servers ...*testbackend.Backend) { k.set(servers) }
	set(t, first)
	return registry{yaml: fmt.Sprintf("kubernetes: {server: %q, service: books, namespace: shop, port: grpc, token_file: none}", k.URL), set: set}
}

func (k *kubernetes) set(servers []*testbackend.Backend) {
	_, port := split(servers[0])
	list := []any{}
	for _, s := range servers {
		host, _ := split(s)
		list = append(list, map[string]any{
			"addresses": []string{host}, "conditions": map[string]any{"ready": true}, "zone": "zone-" + s.Name(),
			"targetRef": map[string]any{"kind": "Pod", "uid": s.Name()},
		})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version++
	k.slice = map[string]any{
		"metadata": map[string]any{"name": "books-1", "resourceVersion": strconv.Itoa(k.version)}, "endpoints": list,
		"ports": []any{map[string]any{"name": "grpc", "port": port, "protocol": "TCP"}},
	}
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *kubernetes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.URL.Path != "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices" || q.Get("labelSelector") != "kubernetes.io/service-name=books" {
		http.NotFound(w, r)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if q.Get("watch") == "" {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"metadata": map[string]any{"resourceVersion": strconv.Itoa(k.version)}, "items": []any{k.slice},
		})
		return
	}
	after, _ := strconv.Atoi(q.Get("resourceVersion"))
	for r.Context().Err() == nil {
		if after < k.version {
			_ = json.NewEncoder(w).Encode(map[string]any{"type": "MODIFIED", "object": k.slice})
			after = k.version
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		changed := k.changed
		k.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		k.mu.Lock()
	}
}
