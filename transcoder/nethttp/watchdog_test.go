// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestD9_Watchdog: only a write that makes no progress for so long is cut off.
func TestD9_Watchdog(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	for _, tt := range []struct {
		name string
		do   func(w *watchdog)
		cuts int
	}{
		{"a write that waits", func(w *watchdog) { w.start(); time.Sleep(limit) }, 1},
		{"a nanosecond short", func(w *watchdog) { w.start(); time.Sleep(limit - 1); w.stop() }, 0},
		{"one that gets on", func(w *watchdog) {
			for range 5 {
				w.start()
				time.Sleep(limit - 1)
			}
			w.stop()
		}, 0},
		{"one that got on and then waits", func(w *watchdog) {
			w.start()
			time.Sleep(limit - 1)
			w.start()
			time.Sleep(limit)
		}, 1},
		{"nothing to write for long", func(w *watchdog) {
			w.start()
			w.stop()
			time.Sleep(5 * limit)
		}, 0},
		{"a write that waits, behind a pause", func(w *watchdog) {
			w.start()
			w.stop()
			time.Sleep(5 * limit)
			w.start()
			time.Sleep(limit)
		}, 1},
		{"closed before its time", func(w *watchdog) {
			w.start()
			time.Sleep(limit - 1)
			w.close()
			time.Sleep(limit)
		}, 0},
		{"never started", func(w *watchdog) { w.close() }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cuts := 0
				w := &watchdog{limit: limit, cut: func() { cuts++ }}
				tt.do(w)
				synctest.Wait()
				w.close()
				if cuts != tt.cuts {
					t.Errorf("the write was cut off %d times, want %d", cuts, tt.cuts)
				}
			})
		})
	}
}
