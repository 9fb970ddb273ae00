// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package handler_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/handler"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// serve runs a handler of the canary's services in front of a test backend and returns its address.
func serve(t testing.TB, cfg handler.Config) string {
	t.Helper()
	conn, err := grpc.NewClient(canaryServer(t), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	cfg.Log = slog.New(slog.DiscardHandler)
	h, err := handler.New(conn, canary(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// users, echo are a backend.
type (
	users struct {
		testv1.UnimplementedUserServiceServer
	}
	echo struct {
		testv1.UnimplementedEchoServiceServer
	}
)

func (users) Get(_ context.Context, r *testv1.CanaryRequest) (*testv1.CanaryResponse, error) {
	return &testv1.CanaryResponse{Seen: &testv1.Seen{Method: "/dragoman.test.v1.UserService/Get", RequestJson: r.GetUserId()}}, nil
}

func (echo) Slow(ctx context.Context, _ *testv1.CanaryRequest) (*testv1.CanaryResponse, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func (echo) Converse(s grpc.BidiStreamingServer[testv1.CanaryRequest, testv1.CanaryResponse]) error {
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(&testv1.CanaryResponse{Payload: []byte(r.GetId())}); err != nil {
			return err
		}
	}
}

// canaryServer starts a gRPC server and returns its address.
func canaryServer(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	testv1.RegisterUserServiceServer(server, users{})
	testv1.RegisterEchoServiceServer(server, echo{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func canary(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.New(schema.Config{Files: []protoreflect.FileDescriptor{testv1.File_dragoman_test_v1_canary_proto}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t testing.TB, url string, fields ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestRESTAndGRPCOnOnePort(t *testing.T) {
	t.Parallel()
	address := serve(t, handler.Config{})
	if code, body := get(t, "http://"+address+"/canary/v1/users/7?text=x"); code != 200 || !strings.Contains(body, `"requestJson":"7"`) {
		t.Errorf("REST: %d %s", code, body)
	}
	if code, body := get(t, "http://"+address+"/canary/v1/users/7?nope=x"); code != 400 || !strings.Contains(body, "BAD_QUERY") {
		t.Errorf("the strict profile: %d %s", code, body)
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answer, err := testv1.NewUserServiceClient(conn).Get(t.Context(), &testv1.CanaryRequest{UserId: "8"})
	if err != nil || answer.GetSeen().GetMethod() != "/dragoman.test.v1.UserService/Get" {
		t.Errorf("gRPC: %v, %v", answer, err)
	}
	stream, err := testv1.NewEchoServiceClient(conn).Converse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := stream.Send(&testv1.CanaryRequest{Id: "a"}); err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); err != nil || string(m.GetPayload()) != "a" {
			t.Fatal(m, err)
		}
	}
}

// B10: a head that can be read in two ways is refused here too.
func TestB10_TwoAuthorizations(t *testing.T) {
	t.Parallel()
	if code, body := get(t, "http://"+serve(t, handler.Config{})+"/canary/v1/users/7", "Authorization", "a", "Authorization", "b"); code != 400 {
		t.Errorf("%d %s", code, body)
	}
}

// Interceptors of gRPC work here: they see the method, the metadata and, if they want, the messages.
func TestInterceptors(t *testing.T) {
	t.Parallel()
	order := make(chan string, 8)
	outer := func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		md, _ := metadata.FromIncomingContext(ss.Context())
		order <- "outer " + info.FullMethod + " " + strings.Join(md.Get("x-own"), ",")
		return next(srv, ss)
	}
	inner := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		return next(srv, &reading{ss, order})
	}
	address := serve(t, handler.Config{Interceptors: []grpc.StreamServerInterceptor{outer, inner}})
	if code, body := get(t, "http://"+address+"/canary/v1/users/7", "X-Own", "mine"); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	for _, want := range []string{"outer /dragoman.test.v1.UserService/Get mine", "read 7"} {
		if got := <-order; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}

	refusing := func(any, grpc.ServerStream, *grpc.StreamServerInfo, grpc.StreamHandler) error {
		return status.Error(codes.PermissionDenied, "not you")
	}
	if code, body := get(t, "http://"+serve(t, handler.Config{Interceptors: []grpc.StreamServerInterceptor{refusing}})+"/canary/v1/users/7"); code != 403 || !strings.Contains(body, "not you") {
		t.Errorf("refused: %d %s", code, body)
	}
	panicking := func(any, grpc.ServerStream, *grpc.StreamServerInfo, grpc.StreamHandler) error { panic("boom") }
	if code, body := get(t, "http://"+serve(t, handler.Config{Interceptors: []grpc.StreamServerInterceptor{panicking}})+"/canary/v1/users/7"); code != 500 || strings.Contains(body, "boom") {
		t.Errorf("panicked: %d %s", code, body)
	}
}

// reading reads each message on its way.
type reading struct {
	grpc.ServerStream
	order chan string
}

func (r *reading) RecvMsg(m any) error {
	err := r.ServerStream.RecvMsg(m)
	if raw, ok := m.(*transcoder.Message); ok && err == nil {
		request := &testv1.CanaryRequest{}
		if err := proto.Unmarshal(raw.Data.Materialize(), request); err != nil {
			return err
		}
		r.order <- "read " + request.GetUserId()
	}
	return err
}

func TestTimeoutsHold(t *testing.T) {
	t.Parallel()
	address := serve(t, handler.Config{Timeouts: transcoder.Timeouts{Timeout: 20 * time.Millisecond}})
	if code, body := get(t, "http://"+address+"/canary/v1/slow?sleep=30s"); code != 504 {
		t.Errorf("%d %s", code, body)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	if _, err := handler.New(nil, canary(t), handler.Config{}); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	for want, cfg := range map[string]handler.Config{
		"timeout":           {Timeouts: transcoder.Timeouts{Timeout: -1}},
		"success_status":    {REST: rest.Configs{Default: rest.Config{SuccessStatus: 500}}},
		"selector":          {Rules: []*annotations.HttpRule{{Selector: "no.such.Method", Pattern: &annotations.HttpRule_Get{Get: "/x"}}}},
		"is not a field of": {Rules: []*annotations.HttpRule{{Selector: "dragoman.test.v1.UserService.Get", Pattern: &annotations.HttpRule_Get{Get: "/x/{nope}"}}}},
	} {
		_, err := handler.New(nil, canary(t), cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
