// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package native_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/native"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"proto", "json"} {
		toWire, fromWire := protocoltest.Codec(form == "json")
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			protocoltest.Run(t, protocoltest.Subject{
				New: func(*transcoder.Mux) (transcoder.Protocol, error) { return native.New(rpc.Config{}) },
				Request: func(t testing.TB, _ *transcoder.Method, messages [][]byte) (*transcoder.Request, []byte) {
					return &transcoder.Request{
						Method: "POST", ContentLength: -1,
						Header: wire.Header{{Name: "content-type", Value: "application/grpc+" + form}, {Name: "te", Value: "trailers"}},
					}, protocoltest.Enveloped(fromWire(t, messages)...)
				},
				Answer: func(t testing.TB, _ *transcoder.Method, a *protocoltest.Answer) (o protocoltest.Outcome) {
					fields := a.Trailer
					if a.Header.Has("grpc-status") {
						fields = a.Header
					}
					o.Code, o.Text = protocoltest.Status(fields)
					o.Trailer = fields
					frames, whole := protocoltest.Frames(t, a.Body)
					if a.Aborted || !whole {
						o.Code = codes.Internal
					}
					for _, f := range frames {
						o.Messages = append(o.Messages, toWire(t, f.Data))
					}
					return o
				},
				Converts: form == "json",
			})
		})
	}
}
