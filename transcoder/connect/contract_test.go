// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/connect"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func open(*transcoder.Mux) (transcoder.Protocol, error) { return connect.New(connect.Config{}) }

// failure is an error as it stands in JSON.
type failure struct {
	Code    *string `json:"code"`
	Message string  `json:"message"`
}

// code reads the name of a code; what is no code of an error is UNKNOWN.
func (f *failure) code() codes.Code {
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		if f.Code != nil && *f.Code == status.ConnectName(c) {
			return c
		}
	}
	return codes.Unknown
}

func unaryAnswer(toWire func(testing.TB, []byte) []byte) func(testing.TB, *transcoder.Method, *protocoltest.Answer) protocoltest.Outcome {
	return func(t testing.TB, _ *transcoder.Method, a *protocoltest.Answer) (o protocoltest.Outcome) {
		t.Helper()
		if len(a.Trailer) > 0 {
			t.Error("there are trailers of HTTP")
		}
		if a.Aborted {
			o.Code = codes.Internal
			return o
		}
		for _, f := range a.Header {
			if name, ok := strings.CutPrefix(f.Name, "trailer-"); ok { // T193
				o.Trailer.Add(name, f.Value)
			}
		}
		if a.Status == 200 {
			o.Messages = [][]byte{toWire(t, a.Body)}
			return o
		}
		var f failure
		if a.Header.Get("content-type") != "application/json" { // T187
			t.Errorf("an error is %s", a.Header.Get("content-type"))
		}
		if err := json.Unmarshal(a.Body, &f); err != nil {
			t.Errorf("%q: %v", a.Body, err)
		}
		o.Code, o.Text = f.code(), f.Message
		return o
	}
}

func TestContractOfUnaryCalls(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"proto", "json"} {
		toWire, fromWire := protocoltest.Codec(form == "json")
		for verb, request := range map[string]func(t testing.TB, message []byte) (*transcoder.Request, []byte){
			"POST": func(_ testing.TB, message []byte) (*transcoder.Request, []byte) {
				return &transcoder.Request{
					Method: "POST", Major: 1, ContentLength: -1,
					Header: wire.Header{{Name: "content-type", Value: "application/" + form}, {Name: "connect-protocol-version", Value: "1"}},
				}, message
			},
			"GET": func(_ testing.TB, message []byte) (*transcoder.Request, []byte) {
				query := url.Values{"connect": {"v1"}, "encoding": {form}, "base64": {"1"}, "message": {base64.RawURLEncoding.EncodeToString(message)}}
				return &transcoder.Request{Method: "GET", Query: query.Encode()}, nil
			},
		} {
			t.Run(verb+" "+form, func(t *testing.T) {
				t.Parallel()
				protocoltest.Run(t, protocoltest.Subject{
					New:    open,
					Serves: (*transcoder.Method).Unary,
					Request: func(t testing.TB, _ *transcoder.Method, messages [][]byte) (*transcoder.Request, []byte) {
						return request(t, fromWire(t, messages)[0])
					},
					Answer: unaryAnswer(toWire),
					Bare:   true, Converts: form == "json",
				})
			})
		}
	}
}

func TestContractOfStreams(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"proto", "json"} {
		toWire, fromWire := protocoltest.Codec(form == "json")
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			protocoltest.Run(t, protocoltest.Subject{
				New:    open,
				Serves: func(m *transcoder.Method) bool { return !m.Unary() },
				Request: func(t testing.TB, _ *transcoder.Method, messages [][]byte) (*transcoder.Request, []byte) {
					return &transcoder.Request{
						Method: "POST", Major: 1, ContentLength: -1, Header: wire.Header{{Name: "content-type", Value: "application/connect+" + form}},
					}, protocoltest.Enveloped(fromWire(t, messages)...)
				},
				Answer: func(t testing.TB, m *transcoder.Method, a *protocoltest.Answer) (o protocoltest.Outcome) {
					if a.Status != 200 {
						return unaryAnswer(toWire)(t, m, a)
					}
					o.Code = codes.Internal // until the end says otherwise (T190)
					frames, whole := protocoltest.Frames(t, a.Body)
					for i, f := range frames {
						if f.Flags&wire.FlagEndStream == 0 {
							o.Messages = append(o.Messages, toWire(t, f.Data))
							continue
						}
						if i != len(frames)-1 {
							t.Error("something follows the end of the stream")
						}
						var end struct {
							Error    *failure
							Metadata map[string][]string
						}
						if err := json.Unmarshal(f.Data, &end); err != nil {
							t.Errorf("%q: %v", f.Data, err)
						}
						for name, values := range end.Metadata {
							for _, v := range values {
								o.Trailer.Add(name, v)
							}
						}
						if o.Code = codes.OK; end.Error != nil {
							o.Code, o.Text = end.Error.code(), end.Error.Message
						}
					}
					if a.Aborted || !whole || len(a.Trailer) > 0 {
						o.Code = codes.Internal
					}
					return o
				},
				Converts: form == "json",
			})
		})
	}
}

// T187: the names of Connect are those of its table, each once.
func TestT187_Names(t *testing.T) {
	t.Parallel()
	var names []string
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		names = append(names, status.ConnectName(c))
	}
	want := []string{
		"canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied", "resource_exhausted",
		"failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss", "unauthenticated",
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	for _, c := range []codes.Code{codes.OK, 17, 99} {
		if got := status.ConnectName(c); got != "unknown" {
			t.Errorf("%d is %q", c, got)
		}
	}
}
