// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// answering is a backend that gives every unary call the same answer.
type answering struct {
	answer string

	method   string      // of the last call
	request  string      // of the last call
	metadata metadata.MD // of the last call
}

func (a *answering) Invoke(ctx context.Context, method string, request, reply any, _ ...grpc.CallOption) error {
	a.method = method
	if m, ok := request.(*transcoder.Message); ok {
		a.request = string(m.Data.Materialize())
	}
	a.metadata, _ = metadata.FromOutgoingContext(ctx)
	m, ok := reply.(*transcoder.Message)
	if !ok {
		return status.Errorf(codes.Internal, "the reply is a %T", reply)
	}
	m.Data = mem.BufferSlice{mem.SliceBuffer(a.answer)}
	return nil
}

func (*answering) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no streams here")
}

// newMux makes the Mux of the test services with their routes, for which REST is still to be made.
func newMux(tb testing.TB) *transcoder.Mux {
	tb.Helper()
	s, err := schema.New(schema.Config{Source: "test", Files: []protoreflect.FileDescriptor{
		testv1.File_dragoman_test_v1_bindings_proto, testv1.File_dragoman_test_v1_scalars_proto, testv1.File_dragoman_test_v1_canary_proto,
	}})
	if err != nil {
		tb.Fatal(err)
	}
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		tb.Fatal(err)
	}
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	table, problems := httprule.Build(methods, httprule.Config{})
	if table == nil {
		tb.Fatal(problems)
	}
	mux.SetRoutes(table)
	return mux
}

// serve answers one request by REST before a backend, as net/http would.
func serve(tb testing.TB, cfg rest.Config, backend *answering, r *http.Request) *httptest.ResponseRecorder {
	tb.Helper()
	mux := newMux(tb)
	p, err := rest.New(rest.Configs{Default: cfg}, mux)
	if err != nil {
		tb.Fatal(err)
	}
	mux.SetProtocols(p)
	h := nethttp.Handler(nethttp.Config{}, func(ex transcoder.Exchange) {
		c := transcoder.NewCall(ex.Context(), ex.Request())
		framer, err := mux.Open(c)
		stream := transcoder.NewStream(c, ex, framer)
		if err == nil {
			err = transcoder.Forward(c, stream, backend)
		}
		c.Err = err
		if err := stream.Finish(); err != nil {
			tb.Error(err)
		}
	})
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

// request makes a request; fields alternate names and values.
func request(tb testing.TB, method, target, body string, fields ...string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}
