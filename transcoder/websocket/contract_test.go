// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package websocket_test

import (
	"encoding/json"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/websocket"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T144: text frames are JSON, binary ones protobuf; an empty text frame is the client's end, a close frame the answer's.
func TestContract(t *testing.T) {
	t.Parallel()
	for form, subprotocol := range map[string]string{"json": websocket.JSON, "proto": websocket.Proto} {
		inJSON := form == "json"
		toWire, fromWire := protocoltest.Codec(inJSON)
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			protocoltest.Run(t, protocoltest.Subject{
				New: func(*transcoder.Mux) (transcoder.Protocol, error) { return websocket.New(nil) },
				Request: func(testing.TB, *transcoder.Method, [][]byte) (*transcoder.Request, []byte) {
					return &transcoder.Request{Method: "GET", Major: 1, Header: wire.Header{
						{Name: "connection", Value: "Upgrade"}, {Name: "upgrade", Value: "websocket"}, {Name: "sec-websocket-protocol", Value: subprotocol},
					}}, nil
				},
				// A connection that was never a WebSocket was answered as HTTP.
				Answer: func(t testing.TB, _ *transcoder.Method, a *protocoltest.Answer) (o protocoltest.Outcome) {
					var f struct {
						Code    uint32
						Message string
					}
					if err := json.Unmarshal(a.Body, &f); err != nil || a.Aborted || a.Status < 400 {
						t.Errorf("%d %q: %v", a.Status, a.Body, err)
					}
					o.Code, o.Text = codes.Code(f.Code), f.Message
					return o
				},
				Socket: &protocoltest.Socket{
					Messages: func(t testing.TB, messages [][]byte) (all []protocoltest.SocketMessage) {
						for _, m := range fromWire(t, messages) {
							all = append(all, protocoltest.SocketMessage{Text: inJSON, Data: m})
						}
						return all
					},
					End: protocoltest.SocketMessage{Text: true},
					Answer: func(t testing.TB, a *protocoltest.SocketAnswer) (o protocoltest.Outcome) {
						for _, m := range a.Messages {
							if m.Text != inJSON {
								t.Errorf("a frame of text %t: %q", m.Text, m.Data)
							}
							o.Messages = append(o.Messages, toWire(t, m.Data))
						}
						switch {
						case a.Code == 1000:
						case a.Code > 4000 && a.Code < 4100:
							o.Code, o.Text = codes.Code(a.Code-4000), a.Reason //nolint:gosec // codes are small
						default:
							o.Code = codes.Internal
						}
						return o
					},
				},
				Converts: inJSON,
			})
		})
	}
}
