// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers what raw falls back to
	"google.golang.org/grpc/mem"
)

// frame is a message as it is on the wire.
type frame struct{ data mem.BufferSlice }

// raw moves frames untouched, and messages of protobuf as usual.
type raw struct{ encoding.CodecV2 }

func newRaw() raw { return raw{encoding.GetCodecV2("proto")} }

// Marshal implements encoding.CodecV2.
func (c raw) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*frame); ok {
		f.data.Ref() // the transport frees what it is given; a canned answer is kept
		return f.data, nil
	}
	data, err := c.CodecV2.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("raw: %w", err)
	}
	return data, nil
}

// Unmarshal implements encoding.CodecV2.
func (c raw) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*frame); ok {
		data.Ref()
		f.data = data
		return nil
	}
	if err := c.CodecV2.Unmarshal(data, v); err != nil {
		return fmt.Errorf("raw: %w", err)
	}
	return nil
}
