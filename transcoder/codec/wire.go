// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"

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
	if uint(i) < uint(len(b)) && b[i] < 0x80 { // uvarint, which is not inlined
		n := int(b[i])
		if i++; n <= len(b)-i {
			return i, i + n
		}
		return 0, badWire
	}
	n, i := longVarint(b, i)
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
