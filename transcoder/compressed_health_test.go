// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // the server reads it
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// What gRPC itself calls on a channel that carries messages compressed, to see whether the backend is healthy, works: it is compressed
// and decompressed as always. So do calls that somebody else makes.
func TestDialOptionsLeaveGRPCsOwnCallsAlone(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	healthgrpc.RegisterHealthServer(server, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, reads := range []bool{false, true} {
		conn, err := grpc.NewClient(listener.Addr().String(), append(transcoder.DialOptions(reads),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}`))...)
		if err != nil {
			t.Fatal(err)
		}
		conn.Connect()
		for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
			if !conn.WaitForStateChange(ctx, state) {
				t.Fatalf("reads %v: the channel stays %s: its health is not seen", reads, state)
			}
		}
		answer, err := healthgrpc.NewHealthClient(conn).Check(ctx, &healthgrpc.HealthCheckRequest{})
		if err != nil || answer.GetStatus() != healthgrpc.HealthCheckResponse_SERVING {
			t.Errorf("reads %v: %v, %v", reads, answer, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
