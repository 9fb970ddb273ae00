// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is an ext_authz service.
type service struct {
	authv3.UnimplementedAuthorizationServer
	check atomic.Pointer[func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error)]
	asked atomic.Int64
}

func (s *service) Check(ctx context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	s.asked.Add(1)
	return (*s.check.Load())(ctx, r)
}

func (s *service) answers(check func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error)) {
	s.check.Store(&check)
}

// serve runs a service until the test ends, and returns a channel to it.
func serve(t testing.TB, options ...grpc.ServerOption) (*service, *grpc.ClientConn, *grpc.Server) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{}
	s.answers(byToken)
	server := grpc.NewServer(options...)
	authv3.RegisterAuthorizationServer(server, s)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		running.Wait()
	})
	return s, conn, server
}

func ok(subject string, fields ...string) *authv3.CheckResponse {
	own := &authv3.OkHttpResponse{}
	for i := 0; i+1 < len(fields); i += 2 {
		own.Headers = append(own.Headers, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: fields[i], Value: fields[i+1]}})
	}
	metadata, err := structpb.NewStruct(map[string]any{"sub": subject, "n": 7})
	if err != nil {
		panic(err)
	}
	return &authv3.CheckResponse{Status: &spb.Status{}, HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: own}, DynamicMetadata: metadata}
}

func no(code codes.Code, http typev3.StatusCode) *authv3.CheckResponse {
	return &authv3.CheckResponse{Status: &spb.Status{Code: int32(code)}, HttpResponse: &authv3.CheckResponse_DeniedResponse{ //nolint:gosec // codes are small
		DeniedResponse: &authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: http}, Body: "secret", Headers: []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: "location", Value: "http://evil"}}}},
	}}
}

// byToken knows callers by their token.
func byToken(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	name, known := strings.CutPrefix(r.GetAttributes().GetRequest().GetHttp().GetHeaders()["x-token"], "good-")
	if !known {
		return no(codes.PermissionDenied, typev3.StatusCode_Unauthorized), nil
	}
	return ok(name), nil
}

func provider(t testing.TB, conn grpc.ClientConnInterface, edit func(*extauthz.Config)) *extauthz.Provider {
	t.Helper()
	cfg := extauthz.Config{Name: "legacy", Backend: "authz", Conn: conn, Timeout: authtest.Patience / 2}
	if edit != nil {
		edit(&cfg)
	}
	p, err := extauthz.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestContract(t *testing.T) {
	t.Parallel()
	_, conn, _ := serve(t)
	authtest.Run(t, authtest.Subject{
		Provider: provider(t, conn, nil), Always: true,
		Good: map[string]*transcoder.Request{"alice": authtest.Request("x-token", "good-alice"), "bob": authtest.Request("x-token", "good-bob")},
		Bad:  map[string]*transcoder.Request{"a bad token": authtest.Request("x-token", "bad"), "two": authtest.Request("x-token", "bad", "x-token", "good-bob")},
	})
}

// Threat C14: the service is told what is called, and what the client wrote, named apart.
func TestThreatC14WhatTheServiceIsTold(t *testing.T) {
	t.Parallel()
	s, conn, _ := serve(t)
	var seen *authv3.CheckRequest
	s.answers(func(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
		seen = r
		return ok("alice"), nil
	})
	p := provider(t, conn, func(c *extauthz.Config) { c.Withhold = []string{"x-secret"} })
	r := authtest.Request("x-a", "1", "x-a", "2", "x-secret", "s", "x-odd", "a\xffb", "x-c1", "\u0085\x00é")
	r.Path, r.Query, r.Method, r.Major = "/v1/b%2Fooks\xff", "a=b&c=\xfe", "GET", 1
	c := authtest.Call(t.Context(), r)
	c.Method = transcoder.BareMethod("/a.B/C", false, false)
	c.Protocol = "rest"
	if _, err := p.Wait(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	http := seen.GetAttributes().GetRequest().GetHttp()
	if http.GetPath() != "/v1/b%2Fooks%FF?a=b&c=%FE" || http.GetMethod() != "GET" || http.GetId() != "id" || http.GetHost() != "api.example" {
		t.Errorf("the request is %v", http)
	}
	if diff := cmp.Diff(map[string]string{"x-a": "1,2", "x-odd": "a%FFb", "x-c1": "\u0085%00é"}, http.GetHeaders()); diff != "" {
		t.Errorf("header fields, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"dragoman.method": "/a.B/C", "dragoman.protocol": "rest", "dragoman.listener": ""}, seen.GetAttributes().GetContextExtensions()); diff != "" {
		t.Errorf("extensions, -want +got:\n%s", diff)
	}
}

// What is answered becomes identity and metadata; of the fields only those that are configured, and only values that can be ones (threat C15).
func TestThreatC15Answers(t *testing.T) {
	t.Parallel()
	s, conn, _ := serve(t)
	p := provider(t, conn, func(c *extauthz.Config) {
		c.Forward, c.Claims = []string{"x-user", "x-raw-bin"}, auth.ClaimNames{Forward: map[string]string{"n": "x-n"}}
	})
	const unavailable = codes.Unavailable
	raw := ok("alice")
	raw.GetOkResponse().Headers = []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: "X-User", RawValue: []byte("raw")}}}
	many := ok("alice")
	for range 65 {
		many.GetOkResponse().Headers = append(many.GetOkResponse().Headers, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: "x-user", Value: "a"}})
	}
	nameless := ok("alice")
	nameless.DynamicMetadata = nil
	deep := map[string]any{"sub": "alice"}
	for range 20 {
		deep = map[string]any{"sub": "alice", "a": deep}
	}
	deepMetadata, err := structpb.NewStruct(deep)
	if err != nil {
		t.Fatal(err)
	}
	tooDeep := ok("alice")
	tooDeep.DynamicMetadata = deepMetadata
	for _, row := range []struct {
		name   string
		answer *authv3.CheckResponse
		code   codes.Code
		want   string // metadata for the backend
	}{
		{"yes", ok("alice"), codes.OK, "[{x-n 7}]"},
		{"yes, with fields", ok("alice", "X-User", "alice", "x-other", "1", ":path", "/admin", "grpc-timeout", "1S", "authorization", "a"), codes.OK, "[{x-n 7} {x-user alice}]"},
		{"yes, with a raw value", raw, codes.OK, "[{x-n 7} {x-user raw}]"},
		{"yes, of nobody in particular", nameless, codes.OK, "[]"},
		{"yes, by the status alone", &authv3.CheckResponse{Status: &spb.Status{}}, codes.OK, "[]"},
		{"no", no(codes.PermissionDenied, typev3.StatusCode_Forbidden), codes.PermissionDenied, ""},
		{"no, not authenticated", no(codes.PermissionDenied, typev3.StatusCode_Unauthorized), codes.Unauthenticated, ""},
		{"no, too many", no(codes.PermissionDenied, typev3.StatusCode_TooManyRequests), codes.ResourceExhausted, ""},
		{"no, though the status says yes", no(codes.OK, typev3.StatusCode_OK), codes.PermissionDenied, ""},
		{"no, by the status alone", &authv3.CheckResponse{Status: &spb.Status{Code: 16}}, codes.Unauthenticated, ""},
		{"no, by a status nobody knows", &authv3.CheckResponse{Status: &spb.Status{Code: 99}}, codes.PermissionDenied, ""},
		{"yes by one and no by the other", &authv3.CheckResponse{Status: &spb.Status{Code: 7}, HttpResponse: ok("alice").HttpResponse}, codes.PermissionDenied, ""},
		{"nothing", &authv3.CheckResponse{}, unavailable, ""},
		{"a value with CR LF", ok("alice", "x-user", "a\r\nx-admin: 1"), unavailable, ""},
		{"a value that is long", ok("alice", "x-user", strings.Repeat("a", 5000)), unavailable, ""},
		{"a value that is no base64", ok("alice", "x-raw-bin", "!"), unavailable, ""},
		{"a megabyte", ok("alice", "x-user", strings.Repeat("a", 1<<20)), unavailable, ""},
		{"ten megabytes", ok(strings.Repeat("a", 10<<20)), unavailable, ""},
		{"many fields", many, unavailable, ""},
		{"no subject", ok(""), unavailable, ""},
		{"deep metadata", tooDeep, unavailable, ""},
	} {
		s.answers(func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) { return row.answer, nil })
		id, err := authtest.Authenticate(t.Context(), p, authtest.Request())
		got := codes.Code(status.Proto(err).GetCode()) //nolint:gosec // codes are small
		if got != row.code || err == nil && fmt.Sprint(id.Forward) != row.want || err != nil && (id != nil || strings.Contains(status.Proto(err).GetMessage(), "secret")) {
			t.Errorf("%s: got %v, %+v, %v", row.name, got, id, err)
		}
	}
}

// garbage is a codec that answers bytes of its own.
type garbage struct {
	encoding.CodecV2
	data []byte
}

func (g garbage) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(g.data)}, nil
}

// Threat C13, fault 28: a service that is down, slow, wrong or mad refuses calls, in the time that it has, and then at once; and calls go on soon
// after it is back.
func TestThreatC13FailsClosed(t *testing.T) {
	t.Parallel()
	ask := func(p *extauthz.Provider) (*transcoder.Identity, error) {
		return authtest.Authenticate(t.Context(), p, authtest.Request("x-token", "good-alice"))
	}
	refused := func(t *testing.T, p *extauthz.Provider) {
		t.Helper()
		if id, err := ask(p); id != nil || status.ReasonOf(err) != status.ReasonAuthUnavailable || status.HTTPOf(err) != 503 {
			t.Errorf("got %+v, %v", id, err)
		}
	}
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		_, conn, server := serve(t)
		server.Stop()
		p := provider(t, conn, nil)
		for range 20 {
			refused(t, p)
		}
		open := provider(t, conn, func(c *extauthz.Config) { c.InsecureFailOpen = true })
		if id, err := ask(open); err != nil || id.Subject != "legacy" {
			t.Errorf("where it is told to fail open: %+v, %v", id, err)
		}
	})
	t.Run("never there", func(t *testing.T) {
		t.Parallel()
		refused(t, provider(t, nil, nil))
	})
	t.Run("slow, and back", func(t *testing.T) {
		t.Parallel()
		s, conn, _ := serve(t)
		s.answers(func(ctx context.Context, _ *authv3.CheckRequest) (*authv3.CheckResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		p := provider(t, conn, func(c *extauthz.Config) { c.Timeout = 20 * time.Millisecond })
		for range 20 {
			refused(t, p)
		}
		if asked := s.asked.Load(); asked > 6 {
			t.Errorf("it was asked %d times while it did not answer", asked)
		}
		s.answers(byToken)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		start := time.Now()
		for ; ; <-ticker.C {
			if _, err := ask(p); err == nil {
				break
			}
			if time.Since(start) > authtest.Patience {
				t.Fatal("it is not asked again")
			}
		}
		if id, err := ask(p); err != nil {
			t.Errorf("and then %+v, %v", id, err)
		}
	})
	t.Run("clients that go away say nothing of it", func(t *testing.T) {
		t.Parallel()
		_, conn, _ := serve(t)
		p := provider(t, conn, nil)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if _, err := authtest.Authenticate(gone, p, authtest.Request("x-token", "good-alice")); err == nil {
				t.Error("a call that is over is admitted")
			}
		}
		if _, err := ask(p); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
	for name, check := range map[string]func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error){
		"an error": func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
			return nil, grpcstatus.Error(codes.PermissionDenied, "secret")
		},
		"an OK that is an error": func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
			return nil, grpcstatus.Error(codes.Unknown, "OK")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn, _ := serve(t)
			s.answers(check)
			refused(t, provider(t, conn, nil))
		})
	}
	for name, data := range map[string][]byte{
		"nothing at all": {}, "garbage": []byte("\xff\xff\xff\xff"), "text": []byte("{\"status\":{}}"), "half": {0x0a, 0x7f, 0x08}, "not UTF-8": {0x0a, 0x03, 0x12, 0x01, 0xff},
		"fields that nobody knows": {0xf2, 0x3e, 0x01, 0x41},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, conn, _ := serve(t, grpc.ForceServerCodecV2(garbage{encoding.GetCodecV2(grpcproto.Name), data}))
			refused(t, provider(t, conn, nil))
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []extauthz.Config{{}, {Backend: "b", Timeout: -1}, {Backend: "b", Timeout: time.Hour}, {Backend: "b", Forward: []string{"te"}}, {Backend: "b", Claims: auth.ClaimNames{Forward: map[string]string{"a": "X"}}}} {
		if _, err := extauthz.New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}
