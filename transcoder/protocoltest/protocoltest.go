// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package protocoltest provides the contract that every protocol passes.
//
// A test of a protocol tells in a [Subject] what its requests and answers look like on the wire, and [Run] holds it to what
// transcoder.Protocol, transcoder.Framer and transcoder.Stream say, for each kind of stream that it serves.
package protocoltest

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Subject is a protocol under test. Its functions are called by many goroutines.
type Subject struct {
	// New makes the protocol. The Mux has methods and routes: those of REST are the default bindings.
	New func(*transcoder.Mux) (transcoder.Protocol, error)
	// Serves tells whether the protocol, as the Subject uses it, serves a kind of stream; nil means all.
	Serves func(*transcoder.Method) bool
	// Request makes a call of a method with these messages, which are in protobuf: its head, but for the path, and its body.
	Request func(t testing.TB, m *transcoder.Method, messages [][]byte) (*transcoder.Request, []byte)
	// Answer reads an answer as a client does.
	Answer func(t testing.TB, m *transcoder.Method, a *Answer) Outcome
	// Bare says that a body is a message and nothing else: that it is cut off is known by HTTP, not by the protocol.
	Bare bool
	// Socket is set for a protocol of WebSockets, whose calls are not a body and another. Request then makes the head alone, and Answer reads what
	// was refused before the connection became one.
	Socket *Socket
	// Converts says that messages are not protobuf on the wire, so that one that cannot be read is refused.
	Converts bool
}

// Answer is an answer as it stands on the wire.
type Answer struct {
	Status          int
	Header, Trailer wire.Header
	Body            []byte
	// Aborted says that it was cut off so that the client knows it.
	Aborted bool
}

// Outcome is what a client makes of an answer.
type Outcome struct {
	// Messages are in protobuf.
	Messages [][]byte
	// Code is the status; OK only if the client takes the answer for whole and good.
	Code codes.Code
	// Text is the message of the status, if the protocol has one.
	Text string
	// Trailer is the metadata that came behind the messages, or would have.
	Trailer wire.Header
}

// Run holds a protocol to the contract.
func Run(t *testing.T, s Subject) {
	t.Helper()
	mux := NewMux(t)
	p, err := s.New(mux)
	if err != nil {
		t.Fatal(err)
	}
	mux.SetProtocols(p)
	for _, m := range mux.Methods() {
		if s.Serves != nil && !s.Serves(m) {
			continue
		}
		c := &contract{Subject: s, mux: mux, protocol: p, method: m}
		for _, part := range []struct {
			name   string
			run    func(*testing.T)
			framed bool // it is about a Framer that has the bodies of request and answer
		}{
			{"a call is resolved without its body", c.opens, false},
			{"a body is the same however it is cut", c.cuts, true},
			{"a body that ends too soon is no shorter request", c.truncated, true},
			{"what was pushed is given back whenever the call ends", c.closes, true},
			{"a message that is too large is refused before it is there", c.limits, true},
			{"messages are nobody else's", c.owned, true},
			{"an answer has its messages, its metadata and its end", c.answers, true},
			{"an answer that fails never looks whole", c.failures, true},
			{"a message that cannot be said is refused, and the answer still ends", c.unsayable, true},
			{"an error before the call is known is said", c.refusals, false},
			{"the halves run together", c.together, true},
			{"a request that has ended is not the answer's end", c.halfCloses, false},
			{"a client that goes away ends the call", c.leaves, false},
			{"a request of which no more is wanted lets go", c.interrupted, false},
			{"a call that breaks off never looks whole", c.breaksOff, false},
			{"a call with a message that is too large ends with that", c.bounds, false},
			{"a call that is refused at once is told so", c.declined, false},
		} {
			if part.framed && s.Socket != nil {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", m.Kind(), part.name), func(t *testing.T) {
				t.Parallel()
				part.run(t)
			})
		}
	}
}

// contract is a Subject and the method that is called.
type contract struct {
	Subject

	mux      *transcoder.Mux
	protocol transcoder.Protocol
	method   *transcoder.Method
}

// messages are what the calls of the contract have: of no bytes, of few, and of more than a piece.
func (c *contract) messages() [][]byte {
	all := [][]byte{message("hello"), {}, message(strings.Repeat("long ", 40))}
	if !c.method.ClientStreams {
		return all[:1]
	}
	return all
}

// request makes a call of the method.
func (c *contract) request(t testing.TB, messages ...[]byte) (*transcoder.Request, []byte) {
	t.Helper()
	r, body := c.Request(t, c.method, messages)
	r.Path, r.Authority, r.Scheme = c.method.Path, "example.com", "http"
	if r.Major == 0 {
		r.Major = 2
	}
	return r, body
}

// open opens a call that must be one.
func (c *contract) open(t testing.TB, r *transcoder.Request) (*transcoder.Call, transcoder.Framer) {
	t.Helper()
	if !c.protocol.Accepts(r) {
		t.Fatalf("the protocol does not accept its own request: %s %s?%s %v", r.Method, r.Path, r.Query, r.Header)
	}
	call := transcoder.NewCall(t.Context(), r)
	f, err := c.mux.Open(call)
	if err != nil {
		t.Fatalf("the call is refused: %v", err)
	}
	return call, f
}

// read takes messages until there are no more, or more of the body is needed; err is what Next returned last.
func read(call *transcoder.Call, f transcoder.Framer) (messages [][]byte, err error) {
	for {
		m, ok, err := f.Next(call)
		if !ok || err != nil {
			return messages, err
		}
		data := append([]byte{}, m.Data.Materialize()...)
		m.Free()
		messages = append(messages, data)
	}
}
