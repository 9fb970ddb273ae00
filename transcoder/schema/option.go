// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// OptionBytes returns what an options message, as descriptors return it from Options, carries under a field number,
// as the bytes of the values without their tags, in the order in which they were written. An option arrives as an
// extension that is known to the program, as a dynamic one, or as unknown bytes, depending on who made the descriptor;
// this reads all three alike (T4). It returns nil when the option is not set.
//
// A message-typed option that is not repeated may have been written in several pieces: concatenating the pieces is
// merging them, so bytes.Join(values, nil) is the whole message.
func OptionBytes(options proto.Message, number protowire.Number) ([][]byte, error) {
	if options == nil || !options.ProtoReflect().IsValid() {
		return nil, nil
	}
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(options)
	if err != nil {
		return nil, err
	}
	var values [][]byte
	for len(wire) > 0 {
		n, kind, tag := protowire.ConsumeTag(wire)
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(n, kind, wire[tag:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if n == number {
			value := wire[tag : tag+size]
			if kind == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			values = append(values, value)
		}
		wire = wire[tag+size:]
	}
	return values, nil
}
