// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// The collector is the process's: not beside other tests that set it.
func TestTheHeapGrowsToTheFloorUnlessTheEnvironmentSaysHow(t *testing.T) { //nolint:paralleltest // see above
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	const far = 1 << 40 // from what this process keeps
	none, floor := size(0), size(far)
	for _, tc := range []struct {
		name, env string
		floor     *size
		raised    bool
	}{
		{"a floor", "", &floor, true},
		{"none", "", &none, false},
		{"GOGC counts", "100", &floor, false},
	} {
		t.Setenv("GOGC", tc.env)
		stop := keepHeap(tc.floor)
		runtime.GC()
		raised := false
		for end := time.Now().Add(10 * time.Second); tc.raised && !raised && time.Now().Before(end); runtime.Gosched() {
			raised = percent() > 100
		}
		if !tc.raised {
			raised = percent() > 100
		}
		stop()
		if raised != tc.raised {
			t.Errorf("%s: raised is %v, want %v", tc.name, raised, tc.raised)
		}
	}
}
