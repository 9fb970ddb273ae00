// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
