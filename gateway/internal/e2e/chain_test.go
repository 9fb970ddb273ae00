// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/native"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

// channel forwards calls to any gRPC channel.
type channel struct{ conn grpc.ClientConnInterface }

func (c channel) Forward(call *transcoder.Call, s transcoder.Stream) error {
	return transcoder.Forward(call, s, c.conn)
}

// embed runs a gateway that is put together by hand, as a program that embeds it would, with a chain of the test's own.
func embed(t testing.TB, observer gateway.Observer, stages ...interceptor.Stage) *dragoman {
	t.Helper()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	conn, err := grpc.NewClient(b.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	d := &dragoman{backend: b, log: newLogLines(), access: newLogLines()}
	g := gateway.New(slog.New(slog.NewJSONHandler(d.log, nil)))
	g.Swap(embedded(t, channel{conn}, observer, stages...))
	handler := nethttp.Handler(nethttp.Config{}, g.Serve)
	d.secure = embedHTTP3(t, handler, slog.New(slog.NewJSONHandler(d.log, nil)))
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewJSONHandler(d.log, nil), slog.LevelWarn)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		g.Close()
		if n := g.InFlight(); n != 0 {
			t.Errorf("%d calls are under way after the end", n)
		}
	})
	d.address = server.Listener.Addr().String()
	return d
}

// embedded is a snapshot with the test service, all of whose methods have this chain and this backend.
func embedded(t testing.TB, to gateway.Backend, observer gateway.Observer, stages ...interceptor.Stage) *gateway.Snapshot {
	t.Helper()
	source, err := protofile.New(protofile.Config{Dirs: []string{protoFolder + "/dragoman/test"}, ImportPaths: []string{protoFolder}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := source.Load(within(t))
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
	if table == nil {
		t.Fatal(problems)
	}
	mux.SetRoutes(table)
	r, err := rest.New(rest.Configs{}, mux)
	if err != nil {
		t.Fatal(err)
	}
	n, err := native.New(rpc.Config{})
	if err != nil {
		t.Fatal(err)
	}
	mux.SetProtocols(n, r)
	route := gateway.Route{Chain: interceptor.NewChain(stages...), Backend: to}
	snapshot, err := gateway.NewSnapshot(mux, slices.Repeat([]gateway.Route{route}, len(mux.Methods())), nil)
	if err != nil {
		t.Fatal(err)
	}
	if observer != nil {
		snapshot.Observers = []gateway.Observer{observer}
	}
	return snapshot
}

// embedHTTP3 serves a handler with quic-go's own server, as those do who embed the transcoder, and returns where.
func embedHTTP3(t testing.TB, handler http.Handler, log *slog.Logger) string {
	t.Helper()
	cert, key := identity()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: handler, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{pair}}), Logger: log} //nolint:gosec // QUIC has TLS 1.3
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(socket)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		_ = socket.Close()
	})
	return socket.LocalAddr().String()
}
