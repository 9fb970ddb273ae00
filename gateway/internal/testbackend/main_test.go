// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// run starts a backend and connects to it, until the test ends.
func run(t *testing.T) (*testbackend.Backend, *grpc.ClientConn, context.Context) {
	t.Helper()
	backend := testbackend.Run(t, testbackend.Config{Name: "b1"})
	conn, ctx := dial(t, backend)
	return backend, conn, ctx
}

// dial connects to a backend until the test ends. The context ends with the test or, if it hangs, before.
func dial(t *testing.T, backend *testbackend.Backend) (*grpc.ClientConn, context.Context) {
	t.Helper()
	conn, err := grpc.NewClient(backend.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return conn, ctx
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Fatalf("got code %v (%v), want %v", got, err, want)
	}
}
