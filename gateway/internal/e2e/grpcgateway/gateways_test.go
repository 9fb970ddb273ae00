// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	gwbookstorev1 "github.com/dragoman-gateway/dragoman/gen/grpcgateway/bookstore/v1"
	gwtestv1 "github.com/dragoman-gateway/dragoman/gen/grpcgateway/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// files are those of the services that grpc-gateway has handlers for.
var files = []protoreflect.FileDescriptor{
	testv1.File_dragoman_test_v1_bindings_proto, testv1.File_dragoman_test_v1_canary_proto, testv1.File_dragoman_test_v1_editions_proto,
	testv1.File_dragoman_test_v1_proto2_proto, testv1.File_dragoman_test_v1_scalars_proto, testv1.File_dragoman_test_v1_streams_proto,
	bookstorev1.File_bookstore_v1_bookstore_proto,
}

// theirs is a server with grpc-gateway's handlers, as they are when nobody sets anything.
type theirs struct {
	*backends
	web *web
}

func startTheirs(t *testing.T) *theirs {
	t.Helper()
	b := startBackends(t)
	b.recorder.onlyWhole = true
	mux := runtime.NewServeMux()
	ctx := t.Context()
	for _, register := range []struct {
		handlers func(*runtime.ServeMux, *grpc.ClientConn) error
		conn     *grpc.ClientConn
	}{
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterBindingServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterPublicServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterUserServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterAdminServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterEchoServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterEditionsServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterProto2ServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterMessageServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwtestv1.RegisterStreamServiceHandler(ctx, m, c)
		}, b.test},
		{func(m *runtime.ServeMux, c *grpc.ClientConn) error {
			return gwbookstorev1.RegisterBookstoreServiceHandler(ctx, m, c)
		}, b.books},
	} {
		if err := register.handlers(mux, register.conn); err != nil {
			t.Fatal(err)
		}
	}
	return &theirs{backends: b, web: serve(t, mux)}
}

// ours is a server with our transcoder, whose configuration can be changed between calls.
type ours struct {
	*backends
	web     *web
	schema  *schema.Schema
	current atomic.Pointer[transcoder.Mux]
	made    map[string]*transcoder.Mux
}

func startOurs(t *testing.T) *ours {
	t.Helper()
	policy, err := deadline.New(deadline.Config{})
	if err != nil {
		t.Fatal(err)
	}
	o := &ours{backends: startBackends(t), schema: newSchema(t), made: map[string]*transcoder.Mux{}}
	o.web = serve(t, nethttp.Handler(nethttp.Config{Listener: "test"}, func(ex transcoder.Exchange) {
		c := transcoder.NewCall(ex.Context(), ex.Request())
		framer, err := o.current.Load().Open(c)
		stream := transcoder.NewStream(c, ex, framer)
		if err == nil && c.HasTimeout {
			err = policy.Admit(c)
		}
		if err == nil {
			conn := o.test
			if strings.HasPrefix(c.Method.Service, "bookstore.") {
				conn = o.books
			}
			err = transcoder.Forward(c, stream, conn)
		}
		c.Err = err
		_ = stream.Finish() // a client that has gone is not told
	}))
	return o
}

// use serves by strict with these flips of the profile grpc-gateway; all of them are the profile.
func (o *ours) use(t *testing.T, flips []rest.Flip) {
	t.Helper()
	var key strings.Builder
	for _, f := range flips {
		fmt.Fprintf(&key, "%d ", f.Statement)
	}
	mux := o.made[key.String()]
	if mux == nil {
		cfg, err := rest.ProfileStrict.Config()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flips {
			f.Apply(&cfg)
		}
		mux = newMux(t, o.schema, cfg)
		o.made[key.String()] = mux
	}
	o.current.Store(mux)
}

func newSchema(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.New(schema.Config{Source: "test", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newMux(t *testing.T, s *schema.Schema, cfg rest.Config) *transcoder.Mux {
	t.Helper()
	mux, err := transcoder.NewMux(transcoder.Config{Schemas: []*schema.Schema{s}})
	if err != nil {
		t.Fatal(err)
	}
	var methods []protoreflect.MethodDescriptor
	for _, m := range mux.Methods() {
		methods = append(methods, m.Desc)
	}
	table, problems := httprule.Build(methods, httprule.Config{DefaultBinding: func(protoreflect.ServiceDescriptor) bool { return true }})
	if httprule.HasErrors(problems) {
		t.Fatal(problems)
	}
	mux.SetRoutes(table)
	protocol, err := rest.New(rest.Configs{Default: cfg}, mux)
	if err != nil {
		t.Fatal(err)
	}
	mux.SetProtocols(protocol)
	return mux
}

// serve serves HTTP/1.1 on the loopback until the test ends.
func serve(t *testing.T, handler http.Handler) *web {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // an answer that is cut off is said there
	server.Start()
	t.Cleanup(server.Close)
	return newWeb(t, server.Listener.Addr().String())
}

// flipsOf returns the flips of the profile grpc-gateway with these statements.
func flipsOf(t *testing.T, statements []int) []rest.Flip {
	t.Helper()
	var flips []rest.Flip
	for _, f := range rest.ProfileGRPCGateway.Flips() {
		if slices.Contains(statements, f.Statement) {
			flips = append(flips, f)
		}
	}
	return flips
}
