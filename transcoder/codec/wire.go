// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Positions in wire bytes are given and taken as indexes; a negative one tells that the bytes are malformed.
const (
	badWire  = -1
	tooDeep  = -2
	wireBits = 3
	wireMask = 1<<wireBits - 1
)

const (
	varintType  = uint8(protowire.VarintType)
	fixed32Type = uint8(protowire.Fixed32Type)
	fixed64Type = uint8(protowire.Fixed64Type)
	bytesType   = uint8(protowire.BytesType)
	startType   = uint8(protowire.StartGroupType)
	endType     = uint8(protowire.EndGroupType)
)

// uvarint reads a varint at i and gives its value and the index after it.
func uvarint(b []byte, i int) (uint64, int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (uint64, int) {
	if i+1 < len(b) && b[i+1] < 0x80 {
		return uint64(b[i]&0x7f) | uint64(b[i+1])<<7, i + 2
	}
	v := uint64(0)
	for s := uint(0); s < 64 && i < len(b); s += 7 {
		c := b[i]
		i++
		if c < 0x80 {
			if s == 63 && c > 1 {
				return 0, badWire
			}
			return v | uint64(c)<<s, i
		}
		v |= uint64(c&0x7f) << s
	}
	return 0, badWire
}

// delimited reads the length at i and gives the start and end of what it measures; the end is negative if that is not there.
func delimited(b []byte, i int) (start, end int) {
	n, i := uvarint(b, i)
	if i < 0 || n > uint64(len(b)-i) {
		return 0, badWire
	}
	return i, i + int(n)
}

func fixed32(b []byte, i int) (uint32, int) {
	if len(b)-i < 4 {
		return 0, badWire
	}
	return binary.LittleEndian.Uint32(b[i:]), i + 4
}

func fixed64(b []byte, i int) (uint64, int) {
	if len(b)-i < 8 {
		return 0, badWire
	}
	return binary.LittleEndian.Uint64(b[i:]), i + 8
}

// goodTag tells whether a tag has a field number that may exist.
func goodTag(tag uint64) bool {
	num := tag >> wireBits
	return num-1 < maxFieldNumber
}

// skip gives the index after the value at i that belongs to a tag. Groups may be nested up to depth.
func skip(b []byte, i int, tag uint64, depth int) int {
	if !goodTag(tag) {
		return badWire
	}
	return skipContent(b, i, tag, depth)
}

// skipContent is skip for any number: within groups that are passed over, protobuf-go takes all that fit into an int32.
func skipContent(b []byte, i int, tag uint64, depth int) int {
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
		_, next := group(b, i, tag>>wireBits, depth)
		return next
	default:
		return badWire
	}
}

// group gives the end of the content of a group that starts at i, and the index after its end tag.
func group(b []byte, i int, num uint64, depth int) (end, next int) {
	if depth <= 0 {
		return tooDeep, tooDeep
	}
	for i < len(b) {
		at := i
		var tag uint64
		tag, i = uvarint(b, i)
		if i < 0 {
			return badWire, badWire
		}
		if uint8(tag&wireMask) == endType {
			if tag>>wireBits != num {
				return badWire, badWire
			}
			return at, i
		}
		if tag>>wireBits-1 >= math.MaxInt32 {
			return badWire, badWire
		}
		if i = skipContent(b, i, tag, depth-1); i < 0 {
			return i, i
		}
	}
	return badWire, badWire
}
