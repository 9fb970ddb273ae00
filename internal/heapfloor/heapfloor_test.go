// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package heapfloor_test

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/internal/heapfloor"
)

func TestPercentBringsTheGoalToTheFloor(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, tc := range []struct {
		name               string
		floor, kept, roots uint64
		base, want         int
	}{
		{"a small heap", 64 * mib, 8 * mib, 0, 100, 700},
		{"roots count as what is kept does", 64 * mib, 8 * mib, 6 * mib, 100, 400},
		{"half of the floor: Go's own", 64 * mib, 32 * mib, 0, 100, 100},
		{"more than the floor: Go's own", 64 * mib, 100 * mib, 0, 100, 100},
		{"a higher percentage stays", 64 * mib, 32 * mib, 0, 300, 300},
		{"nothing kept yet: bounded", 64 * mib, 0, 0, 100, 2000},
		{"no floor", 0, 8 * mib, 0, 100, 100},
	} {
		if got := heapfloor.Percent(tc.floor, tc.kept, tc.roots, tc.base); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

func read(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// eventually waits for what follows a collection.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if ok() {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%s: not within 10 s", what)
}

// The percentage is the process's: not beside other tests.
func TestKeepHoldsTheGoalAtTheFloorAndLetsAHeapGrowAsGoDoes(t *testing.T) { //nolint:paralleltest // see above
	const floor = 256 << 20
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	stop := heapfloor.Keep(floor)
	defer stop()
	goal := func() uint64 { return read("/gc/heap/goal:bytes") }

	runtime.GC()
	eventually(t, "the goal of a small heap is near the floor, bounded by twenty times what is kept", func() bool {
		return goal() > 20<<20
	})
	kept := make([]byte, floor*3/4)
	runtime.GC()
	eventually(t, "what is kept passes half of the floor: the percentage is Go's own", func() bool {
		return read("/gc/gogc:percent") == 100
	})
	runtime.KeepAlive(kept)
	kept = nil
	runtime.GC()
	eventually(t, "the heap is small again: the percentage rises", func() bool {
		return read("/gc/gogc:percent") > 100
	})
	stop()
	stop()
	if got := read("/gc/gogc:percent"); got != 100 {
		t.Errorf("after the end: got %d, want the 100 that were before", got)
	}
	runtime.GC()
	if got := read("/gc/gogc:percent"); got != 100 {
		t.Errorf("a collection after the end: got %d, want 100", got)
	}
	_ = kept
}

func TestKeepLeavesACollectorThatIsOffAlone(t *testing.T) { //nolint:paralleltest // the percentage is the process's
	before := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(before)
	stop := heapfloor.Keep(heapfloor.Default)
	stop()
	if got := debug.SetGCPercent(-1); got != -1 {
		t.Errorf("got %d, want the collector off as before", got)
	}
}

// What a service makes and drops for each call is collected less often.
func TestKeepSavesCollections(t *testing.T) { //nolint:paralleltest // the percentage is the process's
	cycles := func() uint64 {
		first := read("/gc/cycles/total:gc-cycles")
		for range 200_000 {
			sink = make([]byte, 1000)
		}
		return read("/gc/cycles/total:gc-cycles") - first
	}
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	runtime.GC()
	plain := cycles()
	stop := heapfloor.Keep(heapfloor.Default)
	defer stop()
	runtime.GC()
	eventually(t, "the percentage rises", func() bool { return read("/gc/gogc:percent") > 100 })
	if kept := cycles(); kept*2 > plain {
		t.Errorf("got %d collections for 200 MB of garbage, want less than half of the %d without a floor", kept, plain)
	}
}

var sink []byte
