// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

const (
	serving    = healthv1.HealthCheckResponse_SERVING
	notServing = healthv1.HealthCheckResponse_NOT_SERVING
	unknown    = healthv1.HealthCheckResponse_SERVICE_UNKNOWN
)

// watch begins to watch a service; the function that it returns waits for the next state.
func (d *dragoman) watch(t testing.TB, service string) (next func() (healthv1.HealthCheckResponse_ServingStatus, error)) {
	t.Helper()
	s, err := healthv1.NewHealthClient(d.dial(t)).Watch(within(t), &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return func() (healthv1.HealthCheckResponse_ServingStatus, error) {
		m, err := s.Recv()
		return m.GetStatus(), err
	}
}

// TestHealth: the gateway serves, and a service does as long as its backend can be called; each change is told at once.
func TestHealth(t *testing.T) {
	t.Parallel()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	d := startFor(t, b.Address(), func(c *config.Config) {
		withLocal(c)
		hide("**.AdminService")(c)
		c.Defaults.Deadline = deadline.Config{StreamIdle: 50 * time.Millisecond} // of the gateway's silence nobody is guilty
	})
	h := healthv1.NewHealthClient(d.dial(t))
	const service = "dragoman.test.v1.EchoService"
	check := func(name string) (healthv1.HealthCheckResponse_ServingStatus, error) {
		out, err := h.Check(within(t), &healthv1.HealthCheckRequest{Service: name})
		return out.GetStatus(), err
	}
	all, one, none := d.watch(t, ""), d.watch(t, service), d.watch(t, "dragoman.none.None")
	for name, row := range map[string]struct {
		next func() (healthv1.HealthCheckResponse_ServingStatus, error)
		want healthv1.HealthCheckResponse_ServingStatus
	}{"all": {all, serving}, "unknown": {none, unknown}} {
		if got, err := row.next(); err != nil || got != row.want {
			t.Errorf("watch %s: %s, %v; want %s", name, got, err, row.want)
		}
	}
	for got, err := one(); got != serving; got, err = one() { // the connection to the backend may just come to be
		if err != nil || got != notServing {
			t.Fatalf("watch a service: %s, %v", got, err)
		}
	}
	for _, name := range []string{"", service, healthService, reflectionService} {
		if got, err := check(name); err != nil || got != serving {
			t.Errorf("check %q: %s, %v", name, got, err)
		}
	}
	hidden, none1 := func() error { _, err := check("dragoman.test.v1.AdminService"); return err }(), func() error { _, err := check("x"); return err }()
	if status.Code(hidden) != codes.NotFound || hidden.Error() != none1.Error() { // threat H6
		t.Errorf("hidden: %v; unknown: %v", hidden, none1)
	}
	list, err := h.List(within(t), &healthv1.HealthListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(list.GetStatuses())); len(names) < 5 || names[0] != "" || slices.Contains(names, "dragoman.test.v1.AdminService") || list.GetStatuses()[service].GetStatus() != serving {
		t.Errorf("list: %v", list)
	}

	// The backend goes: its services do not serve, and the gateway does.
	if err := b.Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	if got, err := one(); err != nil || got != notServing {
		t.Errorf("without a backend: %s, %v", got, err)
	}
	if got, err := check(service); err != nil || got != notServing {
		t.Errorf("without a backend: %s, %v", got, err)
	}
	if got, err := check(""); err != nil || got != serving {
		t.Errorf("the gateway, without a backend: %s, %v", got, err)
	}
}

// TestHealthFollowsReloads: a service that comes with a reload, and goes with one, is told of by who watches.
func TestHealthFollowsReloads(t *testing.T) {
	t.Parallel()
	folder, files := newTree(t)
	d := start(t, func(c *config.Config) {
		withLocal(c)
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
	})
	next := d.watch(t, "dragoman.test.v1.NewService")
	if got, err := next(); err != nil || got != unknown {
		t.Errorf("before: %s, %v", got, err)
	}
	text, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	files.write(t, string(text)+"\nservice NewService {\n  rpc Fresh(CanaryRequest) returns (CanaryResponse);\n}\n")
	if got, err := next(); err != nil || got != serving {
		t.Errorf("after it came: %s, %v", got, err)
	}
	files.write(t, string(text))
	if got, err := next(); err != nil || got != unknown {
		t.Errorf("after it went: %s, %v", got, err)
	}
}

// TestFault23_Health: when the gateway is told to go, who watches its health hears of it before any connection does, and does not hold up
// the end (T146).
func TestFault23_Health(t *testing.T) {
	t.Parallel()
	d := start(t, withLocal)
	next := d.watch(t, "")
	if got, err := next(); err != nil || got != serving {
		t.Fatalf("%s, %v", got, err)
	}
	p := d.probe(t)
	body := string(frame{}.bytes())
	id := p.open(false, p.head("POST", "/"+healthService+"/Watch", "content-type", "application/grpc", "te", "trailers")...)
	p.must(p.framer.WriteData(id, true, []byte(body)))
	seen := []string{}
	read := func(until string) {
		t.Helper()
		for len(seen) == 0 || seen[len(seen)-1] != until {
			f, err := p.frame()
			if err != nil {
				t.Fatalf("%v, after %q", err, seen)
			}
			switch f := f.(type) {
			case *http2.DataFrame:
				if data := string(f.Data()); len(data) > 0 {
					seen = append(seen, data[len(data)-1:])
				}
			case *http2.GoAwayFrame:
				seen = append(seen, "GOAWAY")
			}
		}
	}
	read("\x01")
	stopped := make(chan error, 1)
	from := time.Now()
	go func() { stopped <- d.stop(patience) }()
	read("GOAWAY")
	if want := []string{"\x01", "\x02", "GOAWAY"}; !slices.Equal(seen, want) {
		t.Errorf("the connection heard %q; want %q", seen, want)
	}
	if got, err := next(); err != nil || got != notServing {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := next(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("the watch ends with %s, %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(from); took > patience/2 {
		t.Errorf("the drain took %s: it waited for who watches", took)
	}
}

// TestHealthByEveryProtocol: health is a method like all others, and REST has it by a rule of the configuration.
func TestHealthByEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		withLocal(c)
		g, err := config.ParseGlob(healthService)
		if err != nil {
			t.Fatal(err)
		}
		c.Services = append(c.Services, config.Service{Match: g, Backend: "test", Methods: []config.Method{
			{Name: "Check", HTTP: []config.HTTPRule{{Pattern: "get", Path: "/healthz"}}},
			{Name: "Watch", HTTP: []config.HTTPRule{{Pattern: "get", Path: "/healthz:watch"}}},
		}})
	})
	for name, options := range map[string][]connect.ClientOption{
		"connect": nil, "connect, json": {connect.WithProtoJSON()}, "grpc-web": {connect.WithGRPCWeb()}, "grpc": {connect.WithGRPC()},
	} {
		for _, c := range d.both(t) {
			if name == "grpc" && c.name == "HTTP/1.1" {
				continue
			}
			out, err := connect.NewClient[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse](c.http, c.base+"/"+healthService+"/Check", options...).
				CallUnary(within(t), connect.NewRequest(&healthv1.HealthCheckRequest{}))
			if err != nil || out.Msg.GetStatus() != serving {
				t.Errorf("%s, %s: %v, %v", name, c.name, out, err)
			}
			_, err = connect.NewClient[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse](c.http, c.base+"/"+healthService+"/Check", options...).
				CallUnary(within(t), connect.NewRequest(&healthv1.HealthCheckRequest{Service: "x"}))
			if connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("%s, %s: %v", name, c.name, err)
			}
		}
	}
	for _, c := range d.both(t) {
		if a := c.call(t, "GET", "/healthz", ""); a.status != 200 || a.body != `{"status":"SERVING"}` {
			t.Errorf("%s: REST: %+v", c.name, a)
		}
		if a := c.call(t, "GET", "/healthz?service=x", ""); a.status != 404 || !strings.Contains(a.body, "unknown service") {
			t.Errorf("%s: REST: %+v", c.name, a)
		}
		r := c.request(t, "GET", "/healthz:watch", "", "accept", "text/event-stream")
		ctx, cancel := context.WithCancel(r.Context())
		response, err := c.http.Do(r.WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		for line := range linesOf(response.Body) {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if data != "{\"status\":\"SERVING\"}\n" {
					t.Errorf("%s: %q", c.name, line)
				}
				break
			}
		}
		cancel()
		_ = response.Body.Close()
	}
	if a := d.bare().h1(t).call(t, "GET", "/healthz", ""); a.status != 404 {
		t.Errorf("by the listener without health: %+v", a)
	}
}

// TestT6_OwnHealthService: where a schema has the health service, it is the backend's, but for listeners at which the gateway itself
// answers.
func TestT6_OwnHealthService(t *testing.T) {
	t.Parallel()
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, own := grpc.NewServer(), health.NewServer()
	own.SetServingStatus("of the backend", notServing)
	healthv1.RegisterHealthServer(server, own)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(socket)
	}()
	t.Cleanup(func() { server.Stop(); <-ended })
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "health.proto"), []byte(`syntax = "proto3"; package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; } ServingStatus status = 1; }
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startFor(t, socket.Addr().String(), func(c *config.Config) {
		withLocal(c)
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}}}}
	})
	in := &healthv1.HealthCheckRequest{Service: "of the backend"}
	if out, err := healthv1.NewHealthClient(d.dial(t)).Check(within(t), in); status.Code(err) != codes.NotFound {
		t.Errorf("where the gateway answers: %v, %v", out, err)
	}
	if out, err := healthv1.NewHealthClient(d.bare().dial(t)).Check(within(t), in); err != nil || out.GetStatus() != notServing {
		t.Errorf("where the backend answers: %v, %v", out, err)
	}
	for _, c := range []*client{d.h1(t), d.bare().h1(t)} { // the route of each is its own
		want := map[string]int{d.address: 404, d.bare().address: 200}[strings.TrimPrefix(c.base, "http://")]
		if a := c.call(t, "POST", "/"+healthService+"/Check", `{"service":"of the backend"}`); a.status != want {
			t.Errorf("%s: %+v; want %d", c.base, a, want)
		}
	}
	var told []string
	for _, diagnostic := range d.started.Load.Diagnostics {
		told = append(told, diagnostic.Code+" "+diagnostic.Message)
	}
	if want := "DG2004 grpc.health.v1.Health is in " + folder + ", and the gateway itself answers it at the listener main, " + secureName("main"); !slices.Contains(told, want) {
		t.Errorf("the diagnostics are %q; want %q among them", told, want)
	}
	// Reflection tells of the one that is called.
	if sd, err := reflector(t, d.dial(t)).ResolveService(healthService); err != nil || len(sd.GetMethods()) != 3 {
		t.Errorf("reflection has %v, %v", sd, err)
	}
}
