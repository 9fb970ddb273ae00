// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

// api is a Kubernetes API server as its documentation ("API concepts", "Efficient detection of changes") has it, for one
// kind of thing: lists in pages with a version, watches from a version, bookmarks, and 410 for versions that it has forgotten.
type api struct {
	*httptest.Server

	dir string // of the token and the certificate

	mu      sync.Mutex
	version int // guarded by mu, as all below
	slices  map[string]any
	events  []map[string]any // event i led to version base+i+1
	base    int
	changed chan struct{} // closed and replaced
	cut     chan struct{} // closed and replaced when watches end
	broken  bool
	pages   int
	lists   int
	watches int
	asked   []*http.Request
}

func newAPI(tb testing.TB) *api {
	tb.Helper()
	a := &api{dir: tb.TempDir(), version: 100, base: 100, slices: map[string]any{}, changed: make(chan struct{}), cut: make(chan struct{}), pages: 2}
	a.Server = httptest.NewTLSServer(a)
	tb.Cleanup(func() {
		a.cutWatches()
		a.Close()
	})
	a.token(tb, "first")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(a.dir, "ca.crt"), ca, 0o600); err != nil {
		tb.Fatal(err)
	}
	return a
}

func (a *api) token(tb testing.TB, token string) {
	tb.Helper()
	write(tb, filepath.Join(a.dir, "token"), token+"\n")
}

// apply adds, changes or, when s is nil, deletes a slice.
func (a *api) apply(name string, s map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = false
	kind := "MODIFIED"
	old, had := a.slices[name]
	if !had {
		kind = "ADDED"
	}
	a.version++
	if s == nil {
		kind = "DELETED"
		s, _ = old.(map[string]any)
		s = maps.Clone(s)
		delete(a.slices, name)
	} else {
		a.slices[name] = s
	}
	s["metadata"] = map[string]any{"name": name, "resourceVersion": strconv.Itoa(a.version)}
	a.events = append(a.events, map[string]any{"type": kind, "object": s})
	a.touchLocked()
}

func (a *api) touchLocked() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// bookmark tells watches the version without a change.
func (a *api) bookmark() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	a.events = append(a.events, map[string]any{"type": "BOOKMARK", "object": map[string]any{
		"kind": "EndpointSlice", "metadata": map[string]any{"resourceVersion": strconv.Itoa(a.version)},
	}})
	a.touchLocked()
}

// forget makes all versions but the newest too old.
func (a *api) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.base, a.events = a.version, nil
}

func (a *api) cutWatches() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.cut)
	a.cut = make(chan struct{})
}

func (a *api) breaks() {
	a.mu.Lock()
	a.broken = true
	a.mu.Unlock()
	a.cutWatches()
}

func (a *api) counts() (lists, watches int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lists, a.watches
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, _ := os.ReadFile(filepath.Join(a.dir, "token"))
	q := r.URL.Query()
	a.mu.Lock()
	a.asked = append(a.asked, r)
	broken := a.broken
	a.mu.Unlock()
	switch {
	case broken:
		http.Error(w, `{"kind":"Status","code":503}`, http.StatusServiceUnavailable)
	case r.Header.Get("Authorization") != "Bearer "+strings.TrimSpace(string(token)):
		http.Error(w, `{"kind":"Status","message":"Unauthorized","code":401}`, http.StatusUnauthorized)
	case r.URL.Path != "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices" || q.Get("labelSelector") != "kubernetes.io/service-name=books":
		http.NotFound(w, r)
	case q.Get("watch") != "":
		a.watch(w, r)
	default:
		a.list(w, q.Get("continue"))
	}
}

// list answers in pages.
func (a *api) list(w http.ResponseWriter, from string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lists++
	names := slices.Sorted(maps.Keys(a.slices))
	first, _ := strconv.Atoi(from)
	last := min(first+a.pages, len(names))
	meta := map[string]any{"resourceVersion": strconv.Itoa(a.version)}
	if last < len(names) {
		meta["continue"] = strconv.Itoa(last)
	}
	items := []any{}
	for _, n := range names[first:last] {
		items = append(items, a.slices[n])
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "EndpointSliceList", "metadata": meta, "items": items})
}

// watch sends what comes after a version.
func (a *api) watch(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	send := json.NewEncoder(w)
	a.mu.Lock()
	a.watches++
	cut := a.cut
	a.mu.Unlock()
	for {
		a.mu.Lock()
		changed := a.changed
		old := after < a.base
		var events []map[string]any
		if !old {
			events = slices.Clone(a.events[after-a.base:])
			after = a.version
		}
		a.mu.Unlock()
		if old {
			_ = send.Encode(map[string]any{"type": "ERROR", "object": map[string]any{"kind": "Status", "code": 410, "message": "too old resource version"}})
			return
		}
		for _, e := range events {
			if err := send.Encode(e); err != nil {
				return
			}
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		select {
		case <-changed:
		case <-cut:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// pod is an endpoint of a slice.
type pod struct {
	address, uid, zone string
	ready              any // true, false, or nil for unknown
}

func sliceOf(port int, pods ...pod) map[string]any {
	list := []any{}
	for _, p := range pods {
		e := map[string]any{
			"addresses": []string{p.address, "192.0.2.1"}, "conditions": map[string]any{"ready": p.ready, "serving": true, "terminating": false},
			"nodeName": "node-1",
		}
		if p.zone != "" {
			e["zone"] = p.zone
		}
		if p.uid != "" {
			e["targetRef"] = map[string]any{"kind": "Pod", "name": "pod-" + p.uid, "uid": p.uid, "namespace": "shop"}
		}
		list = append(list, e)
	}
	return map[string]any{
		"addressType": "IPv4", "endpoints": list,
		"ports": []any{map[string]any{"name": "grpc", "port": port, "protocol": "TCP"}},
	}
}

func (a *api) source(tb testing.TB, port string) resolver.Source {
	tb.Helper()
	s, err := resolver.FromKubernetes(resolver.KubernetesConfig{
		Namespace: "shop", Service: "books", Port: port, Server: a.URL,
		TokenFile: filepath.Join(a.dir, "token"), CAFile: filepath.Join(a.dir, "ca.crt"),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	resolvertest.Run(t, func(tb testing.TB) resolvertest.Fixture {
		tb.Helper()
		a := newAPI(tb)
		a.apply("s1", sliceOf(1, pod{address: "10.0.0.1"}, pod{address: "10.0.0.2"}))
		n := 1
		return resolvertest.Fixture{
			Source: a.source(tb, ""), Addresses: []string{"10.0.0.1:1", "10.0.0.2:1"},
			Set: func(testing.TB) []string {
				n++
				a.apply("s1", sliceOf(n, pod{address: "10.0.0.1"}))
				return []string{fmt.Sprintf("10.0.0.1:%d", n)}
			},
			Break: func(testing.TB) { a.breaks() },
		}
	})
}

// Slices come and go, in pages of a list and one by one, and pods in them become ready and stop being so.
func TestKubernetesSlices(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i := range 5 {
		a.apply(fmt.Sprint("s", i), sliceOf(1, pod{address: fmt.Sprintf("10.0.0.%d", i), zone: "z1", ready: true}))
	}
	cc, r := follow(t, a.source(t, "grpc"))
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.0:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"})
	e := endpoint.FromGRPC(cc.Endpoints()[0])
	if node, _ := endpoint.NewKey[string]("node").Of(e); e.Zone() != "z1" || node != "node-1" {
		t.Errorf("endpoint %v: zone %q, labels %v", e, e.Zone(), e.Labels())
	}
	a.apply("s3", nil)
	a.apply("s4", sliceOf(1, pod{address: "10.0.0.4", ready: false}, pod{address: "10.0.0.5"}))
	cc.WaitFor(t, []string{"10.0.0.0:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.5:1"})
	if lists, watches := a.counts(); lists != 3 || watches != 1 {
		t.Errorf("%d pages listed and %d watches, want 3 and 1", lists, watches)
	}
}

// A pod with an address in each family is one endpoint; one that is in two slices is one as well.
func TestKubernetesDualStack(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.apply("v4", sliceOf(1, pod{address: "10.0.0.1", uid: "u1"}, pod{address: "10.0.0.2", uid: "u2"}))
	a.apply("v6", sliceOf(1, pod{address: "fd00::1", uid: "u1"}))
	a.apply("w4", sliceOf(1, pod{address: "10.0.0.2", uid: "u2"}))
	cc, r := follow(t, a.source(t, "1"))
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.1:1", "10.0.0.2:1"})
	var all []string
	for _, g := range cc.Endpoints() {
		all = append(all, endpoint.FromGRPC(g).String())
	}
	slices.Sort(all)
	if want := []string{"10.0.0.1:1,[fd00::1]:1", "10.0.0.2:1"}; !slices.Equal(all, want) {
		t.Errorf("endpoints %v, want %v", all, want)
	}
}

// A watch that ends is begun again where it ended, bookmarks move that on, and a version that is too old means to list again.
func TestKubernetesWatchSemantics(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.apply("s1", sliceOf(1, pod{address: "10.0.0.1"}))
	cc, r := follow(t, a.source(t, ""))
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.1:1"})
	lists, _ := a.counts()
	a.bookmark()
	a.cutWatches()
	a.apply("s2", sliceOf(1, pod{address: "10.0.0.2"}))
	cc.WaitFor(t, []string{"10.0.0.1:1", "10.0.0.2:1"})
	if again, _ := a.counts(); again != lists {
		t.Errorf("%d lists after a watch ended in peace", again-lists)
	}
	a.mu.Lock()
	last := a.asked[len(a.asked)-1].URL.Query()
	a.mu.Unlock()
	if last.Get("resourceVersion") == "" || last.Get("allowWatchBookmarks") != "true" || last.Get("timeoutSeconds") == "" {
		t.Errorf("the watch asks for %v", last)
	}
	// While nobody watches, versions are forgotten.
	a.mu.Lock()
	a.broken = true
	a.mu.Unlock()
	a.cutWatches()
	cc.WaitForFailure(t)
	a.apply("s1", nil)
	a.forget()
	cc.WaitFor(t, []string{"10.0.0.2:1"})
	// Forgotten under a watch: the next one is refused with 410 and lists.
	lists, _ = a.counts()
	a.apply("s3", sliceOf(1, pod{address: "10.0.0.3"}))
	cc.WaitFor(t, []string{"10.0.0.2:1", "10.0.0.3:1"})
	a.mu.Lock()
	a.version += 10
	a.base, a.events = a.version, nil
	a.slices["s3"] = func() map[string]any {
		s := sliceOf(1, pod{address: "10.0.0.4"})
		s["metadata"] = map[string]any{"name": "s3", "resourceVersion": strconv.Itoa(a.version)}
		return s
	}()
	a.mu.Unlock()
	a.cutWatches()
	cc.WaitFor(t, []string{"10.0.0.2:1", "10.0.0.4:1"})
	if again, _ := a.counts(); again == lists {
		t.Error("no list after a version that is too old")
	}
}

// Kubernetes replaces the token of a pod every hour.
func TestKubernetesTokenIsReadAnew(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.apply("s1", sliceOf(1, pod{address: "10.0.0.1"}))
	cc, r := follow(t, a.source(t, ""))
	defer r.Close()
	cc.WaitFor(t, []string{"10.0.0.1:1"})
	a.token(t, "second")
	a.cutWatches()
	a.apply("s1", sliceOf(2, pod{address: "10.0.0.1"}))
	cc.WaitFor(t, []string{"10.0.0.1:2"})
}

func TestKubernetesErrorsAreShown(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.apply("s1", sliceOf(1, pod{address: "10.0.0.1"}))
	two := sliceOf(1, pod{address: "10.0.0.1"})
	two["ports"] = []any{map[string]any{"name": "grpc", "port": 1}, map[string]any{"name": "http", "port": 2}}
	b := newAPI(t)
	b.apply("s1", two)
	wrong := newAPI(t)
	wrong.apply("s1", sliceOf(1, pod{address: "10.0.0.1"}))
	for want, s := range map[string]resolver.Source{
		`slice s1: there is no port "metrics"`:                              a.source(t, "metrics"),
		"slice s1: there are 2 ports; say which one, by its name or number": b.source(t, ""),
		"401 Unauthorized": func() resolver.Source {
			s, err := resolver.FromKubernetes(resolver.KubernetesConfig{
				Namespace: "shop", Service: "books", Server: wrong.URL, TokenFile: "none", CAFile: filepath.Join(wrong.dir, "ca.crt"),
			})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}(),
		"certificate signed by unknown authority": func() resolver.Source {
			s, err := resolver.FromKubernetes(resolver.KubernetesConfig{Namespace: "shop", Service: "books", Server: a.URL, TokenFile: "none"})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}(),
	} {
		cc, r := follow(t, s)
		if !cc.Until(func() bool { return len(cc.Errors()) > 0 }) || !strings.Contains(cc.Errors()[0].Error(), want) {
			t.Errorf("errors %v do not say %q", cc.Errors(), want)
		}
		r.Close()
	}
}

func TestKubernetesRefuses(t *testing.T) {
	t.Parallel()
	_, err := resolver.FromKubernetes(resolver.KubernetesConfig{Service: "Books", Namespace: "../x", Server: "k8s", CAFile: filepath.Join(t.TempDir(), "no")})
	for _, want := range []string{`service is "Books"`, `namespace is "../x"`, `server is "k8s"`, "no such file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		if _, err := resolver.FromKubernetes(resolver.KubernetesConfig{Service: "books"}); err == nil || !strings.Contains(err.Error(), "this is no pod") {
			t.Errorf("error %v", err)
		}
	}
}
