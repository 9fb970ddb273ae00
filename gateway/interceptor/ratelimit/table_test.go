// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"encoding/binary"
	"runtime"
	"testing"
)

// Threat G3: a million keys of an attacker's choice take a bounded memory.
func TestThreatG3KeysAreBounded(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	const keys = 1_000_000
	before := heap()
	table := NewTable(DefaultMaxKeys)
	key := make([]byte, maxPlainKey)
	for i := range keys {
		binary.BigEndian.PutUint64(key, uint64(i))
		s := table.lock(key)
		s.entry(key, table.most, int64(i)).full = int64(i + keys)
		s.mu.Unlock()
	}
	if n := table.Len(); n > DefaultMaxKeys+shards {
		t.Errorf("%d keys are remembered; at most %d", n, DefaultMaxKeys)
	}
	if grown := int64(heap()) - int64(before); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB; at most 64", grown>>20)
	}
	runtime.KeepAlive(table)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Who uses up their limit is not forgotten for the sake of others who come by once.
func TestWhoTakesMostIsForgottenLast(t *testing.T) {
	t.Parallel()
	table := NewTable(100 * shards)
	greedy := []byte("greedy")
	s := table.lock(greedy)
	s.entry(greedy, table.most, 0).full = 1 << 40
	s.mu.Unlock()
	busy := []byte("busy")
	s = table.lock(busy)
	s.entry(busy, table.most, 0).inFlight = 1
	s.mu.Unlock()
	key := make([]byte, 8)
	for i := range 100_000 {
		binary.BigEndian.PutUint64(key, uint64(i))
		s := table.lock(key)
		s.entry(key, table.most, int64(i)).full = int64(i)
		s.mu.Unlock()
	}
	for _, key := range [][]byte{greedy, busy} {
		s := table.lock(key)
		if s.entries[string(key)] == nil {
			t.Errorf("%s was forgotten", key)
		}
		s.mu.Unlock()
	}
	if n := table.Len(); n > 100*shards {
		t.Errorf("%d keys; at most %d", n, 100*shards)
	}
}
