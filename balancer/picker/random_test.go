// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

//nolint:paralleltest // the contract counts allocations
func TestRandom(t *testing.T) {
	pickertest.Run(t, picker.Random{}, pickertest.Traits{Spread: 0.15})
}

func BenchmarkRandom(b *testing.B) { pickertest.Bench(b, picker.Random{}) }
