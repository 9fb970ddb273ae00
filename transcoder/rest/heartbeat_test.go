// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T133: events are kept alive; the other forms have nothing that their readers would not take for a record, and get nothing.
func TestT133_OnlyEventsBeat(t *testing.T) {
	t.Parallel()
	mux := newMux(t)
	p, err := rest.New(rest.Configs{}, mux)
	if err != nil {
		t.Fatal(err)
	}
	mux.SetProtocols(p)
	const every = 7 * time.Second
	for accept, want := range map[string]time.Duration{
		"text/event-stream": every, "application/x-ndjson": 0, "application/json": 0, "application/json-seq": 0, "application/x-protobuf; delimited=true": 0,
	} {
		r := &transcoder.Request{
			Method: "GET", Path: "/canary/v1/stream", Authority: "example.com", Scheme: "http", Major: 2,
			Header: wire.Header{{Name: "accept", Value: accept}}, Limits: &transcoder.Limits{Heartbeat: every},
		}
		call := transcoder.NewCall(t.Context(), r)
		f, err := mux.Open(call)
		if err != nil {
			t.Fatalf("%s: %v", accept, err)
		}
		h, ok := f.(transcoder.Heartbeater)
		if !ok {
			t.Fatalf("%T has no heartbeat", f)
		}
		if got := h.Beats(call); got != want {
			t.Errorf("%s beats every %s, want %s", accept, got, want)
		}
		f.Close()
	}
}
