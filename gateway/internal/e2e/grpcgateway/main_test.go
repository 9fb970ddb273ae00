// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package grpcgateway_test provides the comparison with grpc-gateway: the same requests go to the handlers that it generates for
// the test service and for the bookstore, and to our transcoder, each in front of backends of its own, which record what reaches
// them. Status, header, body and trailer of the answer, and the calls that the backends saw, are compared.
//
// Under the profile grpc-gateway the two must agree, but for exceptions that have a name and a reason. Under strict they differ, and
// each call names the statements that make it so: with these flips of the profile, and no fewer, strict gives the profile's answer.
package grpcgateway_test

import (
	"io"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/grpclog"
)

func TestMain(m *testing.M) {
	// grpc-gateway tells gRPC's log of every request that it refuses.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	goleak.VerifyTestMain(m)
}
