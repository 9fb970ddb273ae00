// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package pickertest

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// Benchmark sizes: what Bench measures with, so that figures of policies can be compared.
const (
	BenchEndpoints  = 100
	BenchGoroutines = 16
)

// Bench measures a pick alone, and a call's pick and end together with the count in its endpoint's
// Stats, over BenchEndpoints endpoints from BenchGoroutines goroutines.
func Bench(b *testing.B, policy picker.Policy) {
	b.Helper()
	bench := func(b *testing.B, what func(p picker.Picker, info picker.Info) error) {
		b.Helper()
		v := NewView(b, BenchEndpoints)
		p := policy.Next(nil, v)
		if _, err := picks(p, v, perEach); err != nil {
			b.Fatal(err)
		}
		procs := runtime.GOMAXPROCS(0)
		b.SetParallelism((BenchGoroutines + procs - 1) / procs)
		b.ReportAllocs()
		var calls [1024]picker.Call
		for i := range calls {
			calls[i].Key = strconv.Itoa(i)
		}
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			info := picker.Info{Method: method, Context: context.Background(), Now: time.Duration(perEach) * pace}
			for pb.Next() {
				info.Now += time.Microsecond
				info.Random = rand.Uint64()
				info.Call = &calls[info.Random%uint64(len(calls))]
				if err := what(p, info); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("pick", func(b *testing.B) {
		bench(b, func(p picker.Picker, info picker.Info) error {
			_, err := p.Pick(info)
			return err
		})
	})
	b.Run("call", func(b *testing.B) {
		bench(b, func(p picker.Picker, info picker.Info) error {
			_, err := one(p, info)
			return err
		})
	})
}
