// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Interop runs the interoperability tests of gRPC: grpc-go's own client calls grpc-go's own server through the gateway, in clear text and
// with TLS. Left out are the tests that need the credentials of a cloud; that of load reports out of band, which are about a connection and
// not about calls; and pick_first_unary, which wants a name that grpc-go's server does not give. The client's package ends the process when a test fails, so the last line names what passed.
//
// https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/orca"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// limit is how long one test may take.
const limit = time.Minute

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "interop")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	roots, err := writeCertificate(folder)
	if err != nil {
		return err
	}
	if err := writeSchema(filepath.Join(folder, "test.binpb")); err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(orca.CallMetricsServerOption(nil))
	testpb.RegisterTestServiceServer(server, interop.NewTestServer())
	go func() { _ = server.Serve(socket) }()
	defer server.Stop()

	gateway, err := newGateway(folder, socket.Addr().String())
	if err != nil {
		return err
	}
	started, err := gateway.Start(ctx)
	if err != nil {
		return err
	}
	for i, c := range []credentials.TransportCredentials{insecure.NewCredentials(), credentials.NewClientTLSFromCert(roots, "localhost")} {
		if err := testAll(ctx, started.Listeners[i].Addr.String(), c); err != nil {
			return err
		}
	}
	return gateway.Stop(ctx)
}

func newGateway(folder, address string) (*app.App, error) {
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
	if err != nil {
		return nil, err
	}
	cfg := &config.Config{
		Listeners: []transport.Config{
			{Name: "plain", Address: "127.0.0.1:0"},
			{Name: "tls", Address: "127.0.0.1:0", TLS: &transport.TLS{Cert: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem")}},
		},
		Schemas:  config.Schemas{Sources: []config.Source{{Name: "interop", DescriptorSet: &config.DescriptorSet{Path: filepath.Join(folder, "test.binpb")}}}},
		Backends: []backend.Config{{Name: "interop", Endpoints: []endpoint.Endpoint{e}}},
		Services: []config.Service{{Match: config.AllServices(), Backend: "interop"}},
		Admin:    config.Admin{Address: "127.0.0.1:0"},
	}
	cfg.SetDefaults()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return app.New(app.Options{Config: cfg, Log: log, AccessLog: nowhere{}, AccessFormat: "json"}), nil
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// testAll runs every test.
func testAll(ctx context.Context, address string, c credentials.TransportCredentials) error {
	dial := func(options ...grpc.DialOption) (*grpc.ClientConn, error) {
		return grpc.NewClient(address, append(options, grpc.WithTransportCredentials(c))...)
	}
	conn, err := dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	soak := interop.SoakTestConfig{
		RequestSize: 271_828, ResponseSize: 314_159, PerIterationMaxAcceptableLatency: 10 * time.Second, OverallTimeout: limit,
		ServerAddr: address, NumWorkers: 10, Iterations: 200,
	}
	service := testpb.NewTestServiceClient(conn)
	plain := func(f func(context.Context, testpb.TestServiceClient, ...grpc.CallOption)) func(context.Context) {
		return func(ctx context.Context) { f(ctx, service) }
	}
	for _, test := range []struct {
		name string
		do   func(context.Context)
	}{
		{"empty_unary", plain(interop.DoEmptyUnaryCall)},
		{"large_unary", plain(interop.DoLargeUnaryCall)},
		{"client_streaming", plain(interop.DoClientStreaming)},
		{"server_streaming", plain(interop.DoServerStreaming)},
		{"ping_pong", plain(interop.DoPingPong)},
		{"empty_stream", plain(interop.DoEmptyStream)},
		{"timeout_on_sleeping_server", plain(interop.DoTimeoutOnSleepingServer)},
		{"cancel_after_begin", plain(interop.DoCancelAfterBegin)},
		{"cancel_after_first_response", plain(interop.DoCancelAfterFirstResponse)},
		{"status_code_and_message", plain(interop.DoStatusCodeAndMessage)},
		{"special_status_message", plain(interop.DoSpecialStatusMessage)},
		{"custom_metadata", plain(interop.DoCustomMetadata)},
		{"unimplemented_method", func(ctx context.Context) { interop.DoUnimplementedMethod(ctx, conn) }},
		{"unimplemented_service", func(ctx context.Context) {
			interop.DoUnimplementedService(ctx, testpb.NewUnimplementedServiceClient(conn))
		}},
		{"orca_per_rpc", func(ctx context.Context) {
			own, stop := must(dial(grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}`)))
			defer stop()
			interop.DoORCAPerRPCTest(ctx, testpb.NewTestServiceClient(own))
		}},
		{"rpc_soak", func(ctx context.Context) {
			soak.ChannelForTest = func() (*grpc.ClientConn, func()) { return conn, func() {} }
			interop.DoSoakTest(ctx, soak)
		}},
		{"channel_soak", func(ctx context.Context) {
			soak.ChannelForTest = func() (*grpc.ClientConn, func()) { return must(dial()) }
			interop.DoSoakTest(ctx, soak)
		}},
	} {
		ctx, cancel := context.WithTimeout(ctx, limit)
		from := time.Now()
		test.do(ctx)
		cancel()
		fmt.Printf("ok  %-28s %s  %s\n", test.name, c.Info().SecurityProtocol, time.Since(from).Round(time.Millisecond))
	}
	return nil
}

// must returns a connection and what closes it, as the client's package wants them, which has no place for an error.
func must(conn *grpc.ClientConn, err error) (*grpc.ClientConn, func()) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
	return conn, func() { _ = conn.Close() }
}

// writeSchema writes what the gateway learns of the services: the client's package has no .proto files.
func writeSchema(path string) error {
	set := &descriptorpb.FileDescriptorSet{}
	files := testpb.File_grpc_testing_test_proto.Imports()
	for i := range files.Len() {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(files.Get(i).FileDescriptor))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_test_proto))
	data, err := proto.MarshalOptions{}.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// writeCertificate writes a certificate for localhost, and returns what trusts it.
func writeCertificate(folder string) (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return roots, errors.Join(
		os.WriteFile(filepath.Join(folder, "cert.pem"), public, 0o600),
		os.WriteFile(filepath.Join(folder, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}
