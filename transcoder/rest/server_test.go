// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is a gRPC server that has every method: those that are called Echo… return their request, the others an empty message,
// twice where the server streams. A call with the metadata "fail" fails after that many messages.
type backend struct {
	address  string
	metadata atomic.Pointer[metadata.MD] // of the last call
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{address: listener.Addr().String()}
	server := grpc.NewServer(grpc.ForceServerCodecV2(transcoder.RawCodec{}), grpc.UnknownServiceHandler(b.serve))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return b
}

func (b *backend) serve(_ any, stream grpc.ServerStream) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	b.metadata.Store(&md)
	method, _ := grpc.MethodFromServerStream(stream)
	var request transcoder.Message
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	defer request.Free()
	if err := stream.SetHeader(metadata.Pairs("x-header", "h")); err != nil {
		return err
	}
	stream.SetTrailer(metadata.Pairs("x-trailer", "t"))
	count := 1
	if strings.Contains(method, "StreamService") && !strings.HasSuffix(method, "/Collect") {
		count = 2
	}
	fail := md.Get("fail")
	for i := range count {
		if len(fail) > 0 && fail[0] == string(rune('0'+i)) {
			return grpcstatus.Error(codes.Aborted, "as asked")
		}
		answer := &transcoder.Message{}
		if strings.Contains(method, "/Echo") || strings.HasSuffix(method, "/BodyHttp") {
			answer = &request
		}
		if err := stream.SendMsg(answer); err != nil {
			return err
		}
	}
	return nil
}

// server serves the test service by a configuration, until the test ends.
func server(t *testing.T, b *backend, cfg rest.Config) *httptest.Server {
	t.Helper()
	s, err := schema.New(schema.Config{Source: "test", Files: []protoreflect.FileDescriptor{
		testv1.File_dragoman_test_v1_bindings_proto, testv1.File_dragoman_test_v1_editions_proto, testv1.File_dragoman_test_v1_proto2_proto,
		testv1.File_dragoman_test_v1_scalars_proto, testv1.File_dragoman_test_v1_streams_proto,
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	table, problems := httprule.Build(methods, httprule.Config{})
	if httprule.HasErrors(problems) {
		t.Fatal(problems)
	}
	mux.SetRoutes(table)
	protocol, err := rest.New(rest.Configs{Default: cfg}, mux)
	if err != nil {
		t.Fatal(err)
	}
	mux.SetProtocols(protocol)
	conn, err := grpc.NewClient("passthrough:///"+b.address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h := httptest.NewServer(nethttp.Handler(nethttp.Config{}, func(ex transcoder.Exchange) {
		c := transcoder.NewCall(ex.Context(), ex.Request())
		framer, err := mux.Open(c)
		stream := transcoder.NewStream(c, ex, framer)
		if err == nil {
			err = transcoder.Forward(c, stream, conn)
		}
		c.Err = err
		_ = stream.Finish() // a client that has gone is not told
	}))
	t.Cleanup(h.Close)
	return h
}

// ask sends "VERB /target", fields "name: value" and a body. It returns the status, the fields that may differ, and the body.
func ask(t *testing.T, h *httptest.Server, line, body string, fields ...string) string {
	t.Helper()
	verb, target, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), verb, h.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ":")
		if r.Header.Set(name, strings.TrimSpace(value)); r.Header.Get(name) == "" {
			r.Header.Del(name)
		}
	}
	response, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	said := []string{response.Status[:3]}
	for _, name := range []string{"Allow", "Content-Type", "X-Header", "Grpc-Metadata-X-Header"} {
		if v := response.Header.Get(name); v != "" {
			said = append(said, name+"="+v)
		}
	}
	for _, name := range []string{"X-Trailer", "Grpc-Trailer-X-Trailer"} {
		if v := response.Trailer.Get(name); v != "" {
			said = append(said, name+"="+v)
		}
	}
	return strings.Join(append(said, string(data)), " ")
}
