// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// failure is a google.rpc.Status as it stands in JSON.
type failure struct {
	Code    uint32 `json:"code"`
	Message string `json:"message"`
}

func TestContract(t *testing.T) {
	t.Parallel()
	toWire, fromWire := protocoltest.Codec(true)
	protocoltest.Run(t, protocoltest.Subject{
		New:    func(m *transcoder.Mux) (transcoder.Protocol, error) { return rest.New(rest.Configs{}, m) },
		Serves: func(m *transcoder.Method) bool { return !m.ClientStreams },
		Request: func(t testing.TB, _ *transcoder.Method, messages [][]byte) (*transcoder.Request, []byte) {
			return &transcoder.Request{
				Method: "POST", ContentLength: -1, Header: wire.Header{{Name: "content-type", Value: "application/json"}},
			}, fromWire(t, messages)[0]
		},
		Answer: func(t testing.TB, m *transcoder.Method, a *protocoltest.Answer) (o protocoltest.Outcome) {
			var f failure
			o.Trailer = a.Trailer
			switch {
			case a.Aborted:
				o.Code = codes.Internal
			case a.Status != 200:
				if err := json.Unmarshal(a.Body, &f); err != nil {
					t.Errorf("%q: %v", a.Body, err)
				}
				o.Code, o.Text = codes.Code(f.Code), f.Message
			case !m.ServerStreams:
				o.Messages = [][]byte{toWire(t, a.Body)}
			default:
				for line := range bytes.Lines(a.Body) {
					var last struct{ Error *failure }
					if err := json.Unmarshal(line, &last); err != nil {
						t.Errorf("%q: %v", line, err)
					}
					if last.Error != nil { // T136
						o.Code, o.Text = codes.Code(last.Error.Code), last.Error.Message
						continue
					}
					o.Messages = append(o.Messages, toWire(t, line))
				}
			}
			return o
		},
		Bare: true, Converts: true,
	})
}
