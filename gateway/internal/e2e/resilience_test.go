// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// A backend with too many calls refuses the next one at once, in the words of each protocol, and says when to come back.
func TestOverloadIsSaidInEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Backends[0].Limits = backend.LimitsConfig{MaxInFlight: 1, Queue: backend.NoQueue}
	})
	const slow = testv1.EchoService_Slow_FullMethodName
	release := d.backend.Hold(slow)
	conn := d.dial(t)
	ended := make(chan error, 1)
	go func() {
		_, err := testv1.NewEchoServiceClient(conn).Slow(context.Background(), &testv1.CanaryRequest{})
		ended <- err
	}()
	ctx := within(t)
	if _, err := d.backend.Wait(ctx, slow, func(c testbackend.Counts) bool { return c.Running == 1 }); err != nil {
		t.Fatal(err)
	}
	if _, err := testv1.NewEchoServiceClient(conn).Echo(ctx, &testv1.CanaryRequest{}); grpcCode(err) != codes.ResourceExhausted {
		t.Errorf("gRPC: got %v", err)
	}
	for _, c := range d.both(t) {
		a := c.call(t, "POST", "/canary/v1/echo", "{}")
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" || a.header.Get("X-Dragoman-Reason") != "overloaded" {
			t.Errorf("REST: got %d, %v", a.status, a.header)
		}
	}
	if n := d.backend.Counts(testv1.EchoService_Echo_FullMethodName).Arrived; n != 0 {
		t.Errorf("%d calls reached the backend", n)
	}
	release()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A call that one server cannot take is answered by the other, in every protocol; only of methods that may be called twice.
func TestRetriesInEveryProtocol(t *testing.T) {
	t.Parallel()
	bad := misbehave(t, func(string, grpc.ServerStream) error { return grpcstatus.Error(codes.Unavailable, "try another one") })
	d := start(t, nil)
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{bad}})
	if err != nil {
		t.Fatal(err)
	}
	both := startFor(t, d.backend.Address(), func(c *config.Config) {
		c.Backends[0].Endpoints = append(c.Backends[0].Endpoints, e)
	})
	conn, rest := both.dial(t), both.h2(t)
	eventually(t, func() error { return both.ready(t.Context()) })
	for range 20 {
		if _, err := testv1.NewEchoServiceClient(conn).Echo(t.Context(), &testv1.CanaryRequest{}); err != nil {
			t.Errorf("gRPC: %v", err)
		}
		if a := rest.call(t, "POST", "/canary/v1/echo", "{}"); a.status != http.StatusOK {
			t.Errorf("REST: %d %s", a.status, a.body)
		}
	}
}

// What a backend says of retries reaches a gRPC client, which may make some of its own (gRFC A6).
func TestPushbackReachesTheClient(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	var trailer metadata.MD
	_, err := testv1.NewEchoServiceClient(d.dial(t)).Echo(t.Context(), &testv1.CanaryRequest{Behavior: &testv1.Behavior{
		Status: &spb.Status{Code: int32(codes.Unavailable)}, Trailer: []*testv1.Metadata{{Key: "grpc-retry-pushback-ms", Values: []string{"-1"}}},
	}}, grpc.Trailer(&trailer))
	if grpcCode(err) != codes.Unavailable || !slices.Equal(trailer["grpc-retry-pushback-ms"], []string{"-1"}) {
		t.Errorf("got %v and %v", err, trailer)
	}
	if n := d.backend.Counts(testv1.EchoService_Echo_FullMethodName).Arrived; n != 1 {
		t.Errorf("%d arrived", n)
	}
}
