// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// schemaless has a schema with nothing of the test service but one method of it, and passes the rest on.
func schemaless(t testing.TB) func(*config.Config) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "known.proto"), []byte(`syntax = "proto3"; package dragoman.test.v1;
message CanaryRequest { string id = 1; } message CanaryResponse {}
service EchoService { rpc Echo(CanaryRequest) returns (CanaryResponse); }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) {
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}}}}
		c.Services[0].Passthrough = true
	}
}

func parseGlob(t testing.TB, text string) config.Glob {
	t.Helper()
	g, err := config.ParseGlob(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestT181_UnknownMethodsPass: calls of methods that no schema has come out as if there were no gateway, by every protocol that names the
// method, in protobuf.
func TestT181_UnknownMethodsPass(t *testing.T) {
	t.Parallel()
	d := start(t, schemaless(t))
	direct, err := grpc.NewClient(d.backend.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close() }()
	for _, v := range conversations(t) {
		want := v.byGRPC(t, direct)
		all := map[string]*outcome{"grpc-go": v.byGRPC(t, d.dial(t)), "grpc-go, gzip": v.byGRPC(t, d.dial(t), grpc.UseCompressor("gzip"))}
		for name, protocol := range map[string]connect.ClientOption{"connect": connect.WithClientOptions(), "grpc-web": connect.WithGRPCWeb(), "grpc": connect.WithGRPC()} {
			for _, c := range d.both(t) {
				if c.name == "HTTP/1.1" && (name == "grpc" || v.client && v.server) {
					continue // they need HTTP/2
				}
				all[name+", "+c.name] = v.byConnect(t, c, protocol)
			}
		}
		for name, got := range all {
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s, %s (-direct +through the gateway):\n%s", v.name, name, diff)
			}
		}
	}
	// A method that is newer than the schema of its service passes as well, and one that the schema has is read.
	echo := testv1.NewEchoServiceClient(d.dial(t))
	if _, err := echo.Slow(within(t), &testv1.CanaryRequest{}); err != nil {
		t.Errorf("a newer method: %v", err)
	}
	if a := d.h2(t).call(t, "POST", "/dragoman.test.v1.EchoService/Echo", `{"id":"1"}`); a.status != 200 {
		t.Errorf("a known method: %+v", a)
	}
	// The backend's own word of what it does not have, either.
	err = d.dial(t).Invoke(within(t), "/acme.None/Call", &testv1.CanaryRequest{}, &testv1.CanaryResponse{})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "the backend has no method /acme.None/Call") {
		t.Error(err)
	}
	// T215: logs have the rule beside the name that the client has made up.
	a := d.h2(t).do(t, d.h2(t).request(t, "POST", "/acme.None/Call", string(frame{}.bytes()), "content-type", "application/grpc", "te", "trailers", "x-request-id", "passed"))
	if r := d.access.await(t, "passed"); a.status != 200 || r.Route != "**" || r.RPC != "Call" || r.Code != "UNIMPLEMENTED" {
		t.Errorf("%+v; the log has %+v", a, r)
	}
}

// TestT182_PassedOnAsTheyCame: bytes that are no protobuf, and the mark of compression, survive; and T183: trailers alone are trailers
// alone.
func TestT182_PassedOnAsTheyCame(t *testing.T) {
	t.Parallel()
	const rubbish = "\xff\x00\xff no protobuf"
	asked, said := gzipped(t, rubbish, "the client's"), gzipped(t, rubbish, "the backend's")
	address, calls := byHand(t, http.Header{"Grpc-Encoding": {"gzip"}, "X-H-Bin": {"AP8"}}, frame{1, said}, frame{0, rubbish}, frame{0, ""})
	d := startFor(t, address, func(c *config.Config) {
		schemaless(t)(c)
		readsGzip(c)
	})
	for _, contentType := range []string{"application/grpc", "application/grpc+proto", "application/grpc-web+proto", "application/connect+proto"} {
		c := d.h2(t)
		fields := []string{
			"content-type", contentType, "te", "trailers", "grpc-encoding", "gzip", "grpc-accept-encoding", "gzip",
			"connect-content-encoding", "gzip", "connect-accept-encoding", "gzip", "x-raw-bin", "AP8=",
		}
		a := c.do(t, c.request(t, "POST", "/acme.legacy.Old/Call", string(join(frame{1, asked}, frame{1, asked}, frame{0, ""})), fields...))
		got := <-calls
		if want := []frame{{1, asked}, {1, asked}, {0, ""}}; !slices.Equal(got.frames, want) || got.header.Get("Grpc-Encoding") != "gzip" || got.header.Get("X-Raw-Bin") != "AP8" {
			t.Errorf("%s: the backend has %q %v", contentType, got.frames, got.header)
		}
		frames := framesOf(t, []byte(a.body))
		if want := []frame{{1, said}, {0, rubbish}, {0, ""}}; a.status != 200 || len(frames) < 3 || !slices.Equal(frames[:3], want) || a.header.Get("X-H-Bin") != "AP8" {
			t.Errorf("%s: %+v, %q", contentType, a, frames)
		}
	}
	// Of a backend that is not known to read gzip, the gateway decompresses.
	plain := startFor(t, address, schemaless(t))
	if a, err := plain.probe(t).rawCall("/acme.legacy.Old/Call", join(frame{1, asked}), "content-type", "application/grpc", "te", "trailers", "grpc-encoding", "gzip"); err != nil || a.grpcStatus() != "0" {
		t.Errorf("%+v, %v", a, err)
	}
	if got := <-calls; !slices.Equal(got.frames, []frame{{0, rubbish}}) {
		t.Errorf("the backend has %q", got.frames)
	}

	own := start(t, schemaless(t))
	a, err := own.probe(t).rawCall("/acme.None/Call", join(frame{}), "content-type", "application/grpc", "te", "trailers")
	if err != nil || a.header.Get("Grpc-Status") != "12" || len(a.trailer) > 0 {
		t.Errorf("trailers alone: %+v, %v", a, err)
	}
}

// TestThreatA15_WhatIsNotPassedOn: nothing is passed on that is not asked for: what no entry passes, what is hidden, gRPC's own services,
// what the gateway itself answers, and names that are none. All are refused in the same words (threats A1, A2, H6).
func TestThreatA15_WhatIsNotPassedOn(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		withLocal(c)
		schemaless(t)(c)
		hide("acme.internal.**")(c)
		c.Services = append(c.Services, config.Service{Match: parseGlob(t, "acme.closed.*"), Backend: "test"},
			config.Service{Match: parseGlob(t, "grpc.testing.**"), Backend: "test", Passthrough: true})
	})
	const nowhere = "/acme.closed.None/Call"
	long := "/acme." + strings.Repeat("x", 600) + "/Call"
	for _, path := range []string{
		nowhere, "/acme.internal.Admin/Drop", "/grpc.channelz.v1.Channelz/GetServers", "/grpc.health.v1.Health/Chick", "/grpc.reflection.v1.ServerReflection/Call",
		"//acme.Open/Call", "/acme.Open/Call/", "/acme.Open/", "/acme.Open", "/acme.Open//Call", "/acme..Open/Call", "/acme.Open/Call%20", "/acme.Open/../Call", "/acme.Öpen/Call", "/1acme.Open/Call", "/acme.Open/a.b", long,
	} {
		for name, fields := range map[string][]string{
			"grpc": {"content-type", "application/grpc", "te", "trailers"}, "grpc-web": web("application/grpc-web"),
			"connect": {"content-type", "application/connect+proto"}, "connect unary": {"content-type", "application/proto"},
		} {
			if strings.Contains(path, "Ö") && name != "grpc" {
				continue
			}
			p := d.probe(t)
			a, err := p.rawCall(path, join(frame{}), fields...)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, path, err)
			}
			text := a.header.Get("Grpc-Message") + a.trailer.Get("Grpc-Message") + a.body
			if !strings.Contains(text, "unknown method") && a.status != 404 && a.status != 400 {
				t.Errorf("%s: %s: %+v", name, path, a)
			}
		}
	}
	for path, n := range d.backend.Arrived() {
		t.Errorf("%s arrived %d times", path, n)
	}
	// What is named is passed on, where the gateway itself does not answer.
	err := d.dial(t).Invoke(within(t), "/grpc.testing.TestService/EmptyCall", &testv1.CanaryRequest{}, &testv1.CanaryResponse{})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "the backend has no method") {
		t.Error(err)
	}

	// Off, as it is unless somebody turns it on.
	off := start(t, func(c *config.Config) {
		schemaless(t)(c)
		c.Services[0].Passthrough = false
	})
	err = off.dial(t).Invoke(within(t), "/acme.Open/Call", &testv1.CanaryRequest{}, &testv1.CanaryResponse{})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "unknown method") || len(off.backend.Arrived()) > 0 {
		t.Errorf("off: %v", err)
	}
}

// TestPoliciesHoldForWhatIsPassedOn: deadlines of the client, cut to the longest that is allowed; exceptions of single methods; the limit of
// messages; and pages of other origins.
func TestPoliciesHoldForWhatIsPassedOn(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		schemaless(t)(c)
		c.Listeners[0].MaxMessage = 1000
		c.Services[0].Policy.Deadline = deadline.Config{MaxTimeout: 10 * time.Second, StreamIdle: time.Minute}
		c.Services[0].Methods = []config.Method{{Name: "NoRule", Policy: config.Policy{
			Deadline: deadline.Config{MaxTimeout: time.Second}, CORS: &cors.Config{AllowOrigins: []string{"https://app.example"}},
		}}}
	})
	left := func(method string) time.Duration {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		out := &testv1.BindResponse{}
		if err := d.dial(t).Invoke(ctx, method, &testv1.BindRequest{}, out); err != nil {
			t.Fatal(err)
		}
		return out.GetSeen().GetDeadlineLeft().AsDuration()
	}
	if got := left(binding + "Get"); got <= time.Second || got > 10*time.Second {
		t.Errorf("the backend had %s", got)
	}
	if got := left(binding + "NoRule"); got <= 0 || got > time.Second {
		t.Errorf("by the exception, the backend had %s", got)
	}
	err := d.dial(t).Invoke(within(t), binding+"Get", &testv1.BindRequest{Id: strings.Repeat("x", 2000)}, &testv1.BindResponse{})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a large message: %v", err)
	}
	for method, want := range map[string]string{"NoRule": "https://app.example", "Get": ""} {
		a := d.h1(t).call(t, "OPTIONS", binding+method, "", "origin", "https://app.example", "access-control-request-method", "POST")
		if got := a.header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: a preflight: %+v", method, a)
		}
	}
	// JSON needs a schema, and so do REST and WebSocket.
	for name, fields := range map[string][]string{"grpc": {"content-type", "application/grpc+json", "te", "trailers"}, "connect": {"content-type", "application/json", "connect-protocol-version", "1"}} {
		a := d.h2(t).do(t, d.h2(t).request(t, "POST", binding+"NoRule", "{}", fields...))
		if text := a.header.Get("Grpc-Message") + a.body; !strings.Contains(text, "no schema has this method") {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := d.h1(t).call(t, "POST", binding+"NoRule", "{}"); a.status != 404 {
		t.Errorf("REST: %+v", a)
	}
	if _, a, err := d.tryConnect(t, binding+"NoRule", nil); err == nil || a.status != 404 {
		t.Errorf("WebSocket: %+v, %v", a, err)
	}
}
