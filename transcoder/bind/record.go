// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// maxOpen is how many bytes a message takes beside what is in it, when it is short.
const maxOpen = 6

// appendRecord appends a record inside the messages that the chain leads through, which it creates (T68).
func appendRecord(dst []byte, chain []step, record []byte) []byte {
	if len(chain) == 1 {
		return append(dst, record...)
	}
	f := chain[0].field
	dst, at := open(dst, f)
	return closed(appendRecord(dst, chain[1:], record), at, f)
}

// open begins a message in a field; what is appended is inside of it until it is closed at the place that open returns.
func open(dst []byte, f *codec.Field) (_ []byte, at int) {
	fd := f.Descriptor()
	if fd.Kind() == protoreflect.GroupKind {
		dst = protowire.AppendTag(dst, fd.Number(), protowire.StartGroupType)
		return dst, len(dst)
	}
	dst = append(protowire.AppendTag(dst, fd.Number(), protowire.BytesType), 0) // most messages here are short
	return dst, len(dst)
}

// closed ends the message that open began at a place.
func closed(dst []byte, at int, f *codec.Field) []byte {
	fd := f.Descriptor()
	if fd.Kind() == protoreflect.GroupKind {
		return protowire.AppendTag(dst, fd.Number(), protowire.EndGroupType)
	}
	return closeLength(dst, at)
}

// closeLength puts the length of what begins at a place into the byte before it, and makes room if it needs more.
func closeLength(dst []byte, at int) []byte {
	size := len(dst) - at
	more := protowire.SizeVarint(uint64(size)) - 1 //nolint:gosec // a length
	if more > 0 {
		dst = append(dst, make([]byte, more)...)
		copy(dst[at+more:], dst[at:at+size])
	}
	protowire.AppendVarint(dst[:at-1], uint64(size)) //nolint:gosec // a length
	return dst
}
