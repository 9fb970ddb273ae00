// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build xds

package xds_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/xds/xdstest"
	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

func TestMain(m *testing.M) { xdstest.Main(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func start(t *testing.T) (*app.Started, testv1.EchoServiceClient) {
	t.Helper()
	cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
version: v1
listeners: [{name: main, address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
schemas: {sources: [{protos: {dir: ../../../../proto/dragoman/test, import_paths: [../../../../proto]}}]}
services: [{match: "**", backend: test}]
backends: {test: {target: "xds:///%s"}}
`, xdstest.Service), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := app.New(app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	started, err := a.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(started.Listeners[0].Addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return started, testv1.NewEchoServiceClient(conn)
}

// A gateway follows a control plane. What servers say reaches clients, and what gRPC says of connections does not (threat H5).
func TestXDS(t *testing.T) {
	t.Parallel()
	c := xdstest.Run(t)
	one, two := testbackend.Run(t, testbackend.Config{Name: "one"}), testbackend.Run(t, testbackend.Config{Name: "two"})
	c.Set(one.Address())
	started, client := start(t)
	if err := started.Backend("test").Channel().WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, want := range []*testbackend.Backend{one, two} {
		c.Set(want.Address())
		for got := ""; got != want.Name(); {
			answer, err := client.Echo(ctx, &testv1.CanaryRequest{})
			if err != nil {
				t.Fatal(err)
			}
			got = answer.GetSeen().GetBackend()
		}
		stream, err := client.Stream(ctx, &testv1.CanaryRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); err != nil || m.GetSeen().GetBackend() != want.Name() {
			t.Errorf("a stream: %v, %v", m, err)
		}
	}
	own := &testv1.CanaryRequest{Behavior: &testv1.Behavior{Status: &statuspb.Status{Code: int32(codes.Unavailable), Message: "its own word"}}}
	if _, err := client.Echo(ctx, own); grpcstatus.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "its own word") {
		t.Errorf("a server's own status: %v", err)
	}
	if o := started.Overviews()[0]; o.Policy != "xds" || o.Source.Name != "xds:///"+xdstest.Service {
		t.Errorf("the backend is shown as %+v", o)
	}
	if err := two.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil {
		_, err := client.Echo(ctx, &testv1.CanaryRequest{})
		if err == nil {
			t.Fatal("a server that has stopped answers")
		}
		if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "dial") {
			t.Errorf("a client is told: %v", err)
		}
		if grpcstatus.Code(err) == codes.Unavailable {
			return
		}
	}
	t.Error("a call to a server that has stopped is not UNAVAILABLE")
}
