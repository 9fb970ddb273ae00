// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e_test provides the tests of the gateway from end to end: the whole process, started as the command starts it, between
// real clients on sockets and a real gRPC server. The numbers in names and comments are those of the statements of what is
// correct (T for transcoding) and of the threats (letters).
package e2e_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
