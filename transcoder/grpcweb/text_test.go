// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcweb

import (
	"bytes"
	"encoding/base64"
	"slices"
	"testing"

	"google.golang.org/grpc/mem"
)

// decodeIn decodes a text that comes in pieces of a size.
func decodeIn(text []byte, size int) (all []byte, err error) {
	var d decoder
	push := func(buf mem.Buffer, last bool) error {
		out, err := d.decode(buf, last)
		if out != nil {
			all = append(all, out.ReadOnlyData()...)
			out.Free()
		}
		return err
	}
	for piece := range slices.Chunk(text, size) {
		if err := push(mem.SliceBuffer(bytes.Clone(piece)), false); err != nil {
			return all, err
		}
	}
	return all, push(nil, true)
}

// reference decodes four characters at a time.
func reference(text []byte) (all []byte, err error) {
	for piece := range slices.Chunk(text, quantum) {
		if bytes.ContainsAny(piece, "\r\n") {
			return all, notBase64()
		}
		if all, err = base64.StdEncoding.AppendDecode(all, piece); err != nil {
			return all, err
		}
	}
	return all, nil
}

// T185: a text is the same in whatever pieces it comes, padding in its middle included.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "AAAA", "AA==", "AA==AAAA", "AAA=AA==AAAA", "A", "AAAAA", "AAAA\n", "=AAA", "A===", "AA=A", "AAAA====", "AB==", "////", "____"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		size = max(1, size%64)
		want, wantErr := reference(text)
		got, err := decodeIn(text, size)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q in pieces of %d: %v; want %v", text, size, err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%q in pieces of %d: %x, want %x", text, size, got, want)
		}
	})
}

// What is encoded comes back, in however many buffers it was.
func FuzzEncodeText(f *testing.F) {
	f.Add([]byte("hello"), 2)
	f.Add([]byte{}, 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		var buffers mem.BufferSlice
		for piece := range slices.Chunk(data, max(1, size%64)) {
			buffers = append(buffers, mem.SliceBuffer(piece))
		}
		text := encodeText(buffers)
		defer text.Free()
		if want := base64.StdEncoding.EncodeToString(data); string(text.ReadOnlyData()) != want {
			t.Fatalf("%x is %q, want %q", data, text.ReadOnlyData(), want)
		}
	})
}
