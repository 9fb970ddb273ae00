// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protocoltest

import (
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/percent"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Frame is what stands in one envelope.
type Frame struct {
	Flags byte
	Data  []byte
}

// Enveloped puts each of some messages into an envelope.
func Enveloped(messages ...[]byte) (body []byte) {
	for _, m := range messages {
		var head [wire.EnvelopeSize]byte
		wire.PutEnvelope(head[:], 0, len(m))
		body = append(append(body, head[:]...), m...)
	}
	return body
}

// Frames cuts a body into its envelopes. It tells whether the body ends where one does.
func Frames(t testing.TB, body []byte) (frames []Frame, whole bool) {
	t.Helper()
	e := wire.NewEnvelopes(1 << 30)
	defer e.Free()
	e.Push(mem.SliceBuffer(body), true)
	for {
		data, flags, ok, err := e.Next()
		if !ok || err != nil {
			return frames, err == nil
		}
		frames = append(frames, Frame{Flags: flags, Data: append([]byte{}, data.Materialize()...)})
		data.Free()
	}
}

// Status reads the status that gRPC has in fields. Without one it is UNKNOWN.
func Status(h wire.Header) (code codes.Code, text string) {
	n, err := strconv.ParseUint(h.Get("grpc-status"), 10, 32)
	if err != nil || h.Count("grpc-status") != 1 {
		return codes.Unknown, ""
	}
	return codes.Code(n), percent.Decode(h.Get("grpc-message"))
}
