// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package etcd_test provides the test with a server that nobody here wrote: Dragoman serves etcd, from the .proto files
// that etcd publishes, as REST and as gRPC, and every answer is compared with what etcd itself answers.
//
// Two etcd processes are told the same name, the same cluster and the same URLs, and then the same calls in the same order,
// one through Dragoman and one directly. So their identities, revisions, terms, log positions and hashes are equal, and
// the comparison needs no excuse for them. Each difference that remains is an exception with a name and a reason.
package etcd_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
