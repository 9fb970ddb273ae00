// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/picker/pickertest"
)

func panics(tb testing.TB, cfg picker.PanicConfig) picker.Policy {
	tb.Helper()
	return must[*picker.Panic](tb)(picker.NewPanic(cfg))
}

//nolint:paralleltest // the contract counts allocations
func TestPanic(t *testing.T) {
	pickertest.Run(t, panics(t, picker.PanicConfig{Policy: picker.RoundRobin{}}), pickertest.Traits{Spread: 0.01})
}

func BenchmarkPanic(b *testing.B) {
	pickertest.Bench(b, panics(b, picker.PanicConfig{Policy: picker.RoundRobin{}}))
}

// Fault 11: while at least half are healthy the others get nothing; below that all are used.
func TestFault11PanicUsesAllWhenFewAreHealthy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		all, ready, wrong int // endpoints; those that are connected; those of them that are unhealthy
		threshold         float64
		used              int
	}{
		{"all well", 4, 4, 0, 0, 4},
		{"half are unhealthy", 4, 4, 2, 0, 2},
		{"more than half are", 4, 4, 3, 0, 4},
		{"those without a connection count", 4, 3, 2, 0, 3},
		{"they alone are no panic", 10, 1, 0, 0, 1},
		{"a lower threshold", 10, 10, 7, 0.3, 3},
		{"none is healthy", 4, 4, 4, 0.01, 4},
	} {
		view := pickertest.NewView(t, tt.all)
		view.Ready = view.Ready[:tt.ready]
		for _, c := range view.Ready[:tt.wrong] {
			c.Unhealthy = "health check: NOT_SERVING"
		}
		p := panics(t, picker.PanicConfig{Policy: picker.RoundRobin{}, Threshold: tt.threshold}).Next(nil, view)
		used := map[*picker.Candidate]bool{}
		for range 100 {
			c, err := p.Pick(picker.Info{Random: rand.Uint64()})
			if err != nil {
				t.Fatal(err)
			}
			used[c] = true
		}
		if len(used) != tt.used {
			t.Errorf("%s: %d endpoints are used, want %d", tt.name, len(used), tt.used)
		}
		for c := range used {
			if c.Unhealthy == "" {
				continue
			}
			e, ok := p.(picker.Explainer)
			if !ok {
				t.Errorf("%s: the picker does not say that it uses an unhealthy endpoint", tt.name)
				continue
			}
			if v := e.Explain(c); v.Out || !strings.Contains(v.Reason, "NOT_SERVING; used all the same: ") {
				t.Errorf("%s: it says %+v", tt.name, v)
			}
		}
	}
}
