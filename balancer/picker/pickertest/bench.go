// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package pickertest

import (
	"context"
	"runtime"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// Benchmark sizes: what Bench measures with, so that figures of policies can be compared.
const (
	BenchEndpoints  = 100
	BenchGoroutines = 16
)

// Bench measures a call's pick and end, over BenchEndpoints endpoints from BenchGoroutines
// goroutines.
func Bench(b *testing.B, policy picker.Policy) {
	b.Helper()
	p := policy.Next(nil, NewView(b, BenchEndpoints))
	info := picker.Info{Method: method, Context: context.Background()}
	procs := runtime.GOMAXPROCS(0)
	b.SetParallelism((BenchGoroutines + procs - 1) / procs)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := one(p, info); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
