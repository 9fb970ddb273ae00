// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package buffers_test

import (
	"sync"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/internal/race"
)

// A buffer has the length that is asked for, and room up to the next power of two, where it is used again.
func TestSizes(t *testing.T) {
	t.Parallel()
	for length, room := range map[int]int{
		0: 0, 1: 1, 27: 27, 256: 256, 257: 2 << 10, 1 << 10: 2 << 10, 2 << 10: 2 << 10, 2<<10 + 1: 4 << 10, 10_000: 16 << 10, 16 << 10: 16 << 10,
		16<<10 + 1: 32 << 10, 40_000: 64 << 10, 1 << 20: 1 << 20, 1<<20 + 1: 2 << 20, 4 << 20: 4 << 20, 4<<20 + 1: 4<<20 + 1,
	} {
		for range 2 { // the second may be the first again
			b := buffers.Pool.Get(length)
			if len(*b) != length || cap(*b) < room || room > 256 && room <= 4<<20 && cap(*b) != room {
				t.Errorf("asked for %d bytes, got %d with room for %d; want %d", length, len(*b), cap(*b), room)
			}
			buffers.Pool.Put(b)
		}
	}
}

// What did not come from the pool does not get into it: it could be shorter than it says.
func TestForeignBuffers(t *testing.T) {
	t.Parallel()
	for _, room := range []int{0, 1, 1000, 1 << 10, 2<<10 - 1, 3 << 10, 8 << 20} {
		b := make([]byte, room)
		buffers.Pool.Put(&b)
	}
	for range 100 {
		if b := buffers.Pool.Get(3000); len(*b) != 3000 {
			t.Fatalf("got %d bytes", len(*b))
		}
	}
}

// A buffer that was given back is dead, which shows where races are looked for, and comes again with its whole room.
func TestUsedAgain(t *testing.T) {
	t.Parallel()
	if race.Enabled {
		b := buffers.Pool.Get(5000)
		(*b)[0] = 1
		seen := *b
		buffers.Pool.Put(b)
		if seen[0] != 0xdb {
			t.Errorf("what was given back reads %x", seen[0])
		}
	}
	b := buffers.Pool.Get(8000)
	*b = (*b)[:10]
	buffers.Pool.Put(b)
	for range 10 {
		if b := buffers.Pool.Get(8192); len(*b) != 8192 {
			t.Fatalf("got %d bytes", len(*b))
		}
	}
}

// No two have a buffer at the same time.
func TestTogether(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for n := range byte(8) {
		all.Go(func() {
			for round := range 1000 {
				b := buffers.Pool.Get(2000 + round)
				for i := range *b {
					(*b)[i] = n
				}
				for i := range *b {
					if (*b)[i] != n {
						t.Errorf("%d of %d has it as well", (*b)[i], n)
						return
					}
				}
				buffers.Pool.Put(b)
			}
		})
	}
	all.Wait()
}

// BenchmarkGet compares it with the pool that gRPC has.
func BenchmarkGet(b *testing.B) {
	for name, pool := range map[string]mem.BufferPool{"ours": buffers.Pool, "grpc": mem.DefaultBufferPool()} {
		for size, n := range map[string]int{"300": 300, "10000": 10_000, "32768": 32 << 10, "100000": 100_000} {
			b.Run(size+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pool.Put(pool.Get(n))
				}
			})
		}
	}
}
