// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"testing"

	"go.uber.org/goleak"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// described is a method of some schema: these tests look at no more than that there is one.
var described = healthv1.File_grpc_health_v1_health_proto.Services().Get(0).Methods().Get(0)
