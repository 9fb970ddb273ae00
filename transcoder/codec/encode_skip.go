// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import "math"

// groupEnd is where the content of a group ends, and where what follows it starts.
type groupEnd struct {
	end, next uint32
}

// largeGroup is from what size on the end of a group within a group is remembered.
//
// Nothing tells the end of a group but the walk through all that is in it, and each group in the walk is walked through
// again when its own turn comes: without memory, groups within groups would cost their size once for each level.
const largeGroup = 64

// skip gives the index after the value at i that belongs to a tag. Groups may be nested up to depth.
func (e *encoder) skip(b []byte, i int, tag uint64, depth int) int {
	if !goodTag(tag) {
		return badWire
	}
	return e.skipContent(b, i, tag, depth)
}

// skipContent is skip for any number: within groups that are passed over, protobuf-go takes all that fit into an int32.
func (e *encoder) skipContent(b []byte, i int, tag uint64, depth int) int {
	switch uint8(tag & wireMask) {
	case varintType:
		_, i = uvarint(b, i)
		return i
	case fixed32Type:
		if len(b)-i < 4 {
			return badWire
		}
		return i + 4
	case fixed64Type:
		if len(b)-i < 8 {
			return badWire
		}
		return i + 8
	case bytesType:
		_, end := delimited(b, i)
		return end
	case startType:
		_, next := e.group(b, i, tag>>wireBits, depth)
		return next
	default:
		return badWire
	}
}

// group gives the end of the content of a group that starts at i, and the index after its end tag.
func (e *encoder) group(b []byte, i int, num uint64, depth int) (end, next int) {
	if g, ok := e.groups[uint32(i)]; ok {
		return int(g.end), int(g.next)
	}
	if depth <= 0 {
		return tooDeep, tooDeep
	}
	for i < len(b) {
		at := i
		var tag uint64
		tag, i = uvarint(b, i)
		if i < 0 || tag>>wireBits-1 >= math.MaxInt32 {
			return badWire, badWire
		}
		switch uint8(tag & wireMask) {
		case endType:
			if tag>>wireBits != num {
				return badWire, badWire
			}
			return at, i
		case startType:
			start := i
			end, i = e.group(b, i, tag>>wireBits, depth-1)
			if i-start >= largeGroup {
				e.remember(start, end, i)
			}
		default:
			i = e.skipContent(b, i, tag, depth)
		}
		if i < 0 {
			return i, i
		}
	}
	return badWire, badWire
}

func (e *encoder) remember(start, end, next int) {
	if e.groups == nil {
		e.groups = map[uint32]groupEnd{}
	}
	e.groups[uint32(start)] = groupEnd{uint32(end), uint32(next)}
}
