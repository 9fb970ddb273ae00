// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build xds

package xds_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/dragoman-gateway/dragoman/balancer/xds"
	"github.com/dragoman-gateway/dragoman/balancer/xds/xdstest"
)

func TestMain(m *testing.M) { xdstest.Main(m) }

type backend struct {
	testpb.UnimplementedTestServiceServer

	name string
}

func (b backend) UnaryCall(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return &testpb.SimpleResponse{Username: b.name}, nil
}

// serve starts a server and returns its address.
func serve(t *testing.T, register func(s *grpc.Server, address string)) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	register(s, l.Addr().String())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}

// A channel follows a control plane.
func TestOpen(t *testing.T) {
	t.Parallel()
	c := xdstest.Run(t)
	one := serve(t, func(s *grpc.Server, address string) { testpb.RegisterTestServiceServer(s, backend{name: address}) })
	two := serve(t, func(s *grpc.Server, address string) { testpb.RegisterTestServiceServer(s, backend{name: address}) })
	c.Set(one)
	conn, err := xds.Open(xds.Config{Target: "xds:///" + xdstest.Service, Credentials: insecure.NewCredentials()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range []string{one, two} {
		c.Set(want)
		for {
			r, err := testpb.NewTestServiceClient(conn).UnaryCall(ctx, &testpb.SimpleRequest{}, grpc.WaitForReady(true))
			if err != nil {
				t.Fatal(err)
			}
			if r.GetUsername() == want {
				break
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := xds.Open(xds.Config{Target: "books:1"})
	if err == nil || !strings.Contains(err.Error(), `target is "books:1"`) || !strings.Contains(err.Error(), "credentials is nil") {
		t.Errorf("error %v", err)
	}
}
