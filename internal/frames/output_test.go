// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package frames_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/internal/race"
)

// small is the room that there is at first.
const small = 4 << 10

// filled returns an Output with n bytes of a kind, appended in pieces for which there is room.
func filled(n, piece int, kind byte) *frames.Output {
	o := &frames.Output{}
	for n > 0 {
		size := min(n, piece)
		o.Pending = append(o.RoomFor(size), bytes.Repeat([]byte{kind}, size)...)
		n -= size
	}
	return o
}

func TestOutput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		why      string
		n, piece int
		full     bool
	}{
		{"nothing", 0, 1, false},
		{"little", 100, 10, false},
		{"as much as there is room for at first", small, 100, false},
		{"one byte more", small + 1, 100, false},
		{"a frame that does not fit by itself", frames.LeastSize, frames.LeastSize, false},
		{"a byte less than enough", frames.Enough - 1, 1000, false},
		{"enough", frames.Enough, 1000, true},
		{"one more frame", frames.Enough - 1 + frames.LeastSize + frames.HeaderSize, frames.LeastSize + frames.HeaderSize, true},
		{"more than any buffer has room for", 1 << 20, 10_000, true},
	} {
		o := filled(test.n, test.piece, 'x')
		if o.Full() != test.full {
			t.Errorf("%s: full: %v", test.why, o.Full())
		}
		b := o.Take()
		if !bytes.Equal(b.Bytes, bytes.Repeat([]byte{'x'}, test.n)) {
			t.Errorf("%s: %d bytes come out of %d, or others", test.why, len(b.Bytes), test.n)
		}
		if len(o.Pending) != 0 || o.Full() || len(o.Room()) != 0 {
			t.Errorf("%s: something is left", test.why)
		}
		b.Free()
		if b.Bytes != nil {
			t.Errorf("%s: what was given back is still at hand", test.why)
		}
	}
}

// What is appended where there is room stays in the buffer that was lent.
func TestFramesThatFitAreNotCopied(t *testing.T) {
	t.Parallel()
	o := filled(small+1, small+1, 'x')
	first := &o.Pending[0]
	for !o.Full() {
		o.Pending = append(o.RoomFor(frames.LeastSize+frames.HeaderSize), make([]byte, frames.LeastSize+frames.HeaderSize)...)
	}
	if &o.Pending[0] != first {
		t.Error("what is enough with a frame more has outgrown its buffer")
	}
}

// What has grown beyond what was lent is not handed out again, whatever it has grown from.
func TestWhatHasGrownIsDropped(t *testing.T) {
	t.Parallel()
	for range 20 {
		for _, n := range []int{small + 1, 5 * small, 1 << 20} {
			var o frames.Output
			o.Pending = append(o.Room(), make([]byte, n)...)
			b := o.Take()
			b.Free()
			o = *filled(n, small+1, 'x')
			o.Pending = append(o.Pending, make([]byte, 1<<20)...)
			b = o.Take()
			b.Free()
			if got := cap(o.Room()); got != small {
				t.Fatalf("after %d bytes there is room for %d at first", n, got)
			}
			if got := cap(o.RoomFor(small + 1)); got != frames.Enough+2*frames.LeastSize {
				t.Fatalf("after %d bytes there is room for %d then", n, got)
			}
		}
	}
}

// A buffer is of one owner: however often it is given back, and whatever was taken out of it before.
func TestNoBufferIsOfTwo(t *testing.T) {
	t.Parallel()
	sizes := []int{1, 100, small, small + 1, frames.LeastSize, frames.Enough, 200 << 10}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for round := range 20 {
				var outputs []*frames.Output
				for j, n := range sizes {
					outputs = append(outputs, filled(n, 1+(round+i)*7%5000, byte(j)))
				}
				for j, o := range outputs {
					b := o.Take()
					if !bytes.Equal(b.Bytes, bytes.Repeat([]byte{byte(j)}, sizes[j])) { //nolint:gosec // small
						t.Errorf("what was gathered in %d bytes is of another", sizes[j])
					}
					b.Free()
					b.Free()
				}
			}
		})
	}
	all.Wait()
}

func TestGivingBackTwiceIsGivingBackOnce(t *testing.T) {
	t.Parallel()
	for range 100 {
		for _, n := range []int{1, small + 1} {
			b := filled(n, n, 'x').Take()
			b.Free()
			b.Free()
			one, two := filled(n, n, '1'), filled(n, n, '2')
			if &one.Pending[0] == &two.Pending[0] {
				t.Fatalf("two have the same buffer of %d bytes", cap(one.Pending))
			}
		}
	}
	(&frames.Batch{}).Free() // nothing was lent
}

func TestOutputAllocatesNothing(t *testing.T) { //nolint:paralleltest // it counts
	piece := make([]byte, 100)
	for _, n := range []int{100, small, frames.Enough + frames.LeastSize - 1} {
		var o frames.Output
		if got := testing.AllocsPerRun(100, func() {
			for len(o.Pending) < n {
				o.Pending = append(o.RoomFor(len(piece)), piece...)
			}
			b := o.Take()
			b.Free()
		}); got != 0 && !race.Enabled {
			t.Errorf("%d bytes: %v allocations", n, got)
		}
	}
}
