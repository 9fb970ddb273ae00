// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
)

// answer is what a server answers with, and where the engine says something else of it than gRPC's own channel.
type answer struct {
	name  string
	serve func(c *conn, id uint32)
	// early has the server answer before the request has ended.
	early bool
	// alone has each call come over a connection of its own: the next might come before it is known that this one is closed.
	alone bool
	// but says why the engine differs, and ours what it makes of gRPC's outcome.
	but  string
	ours func(k *kind, o, engine *outcome)
	// loose says what of the outcome depends on the moment in gRPC, and is not compared.
	loose func(o *outcome)
}

// lateTrailer leaves out the trailers of a call that is broken off by the client: gRPC has them if they came before it looked at the message.
func lateTrailer(o *outcome) {
	o.Trailer, o.StreamTrailer = nil, nil
	for i := range o.Done {
		o.Done[i].Trailer = nil
	}
}

// is gives an outcome another code and text.
func (o *outcome) is(code codes.Code, text string) {
	o.Code, o.Text = code, text
	o.Finished = []string{code.String()}
	if n := len(o.Done); n > 0 {
		o.Done[n-1].Err = code
	}
}

// says returns what has the engine say the same in other words.
func says(text string) func(*kind, *outcome, *outcome) {
	return func(_ *kind, o, _ *outcome) { o.Text = text }
}

// hears has the balancer be told the error of an attempt: gRPC's own channel tells it of none if SendMsg is the first to see that the call has
// ended.
func (o *outcome) hears(engine *outcome) {
	for i := range min(len(o.Done), len(engine.Done)) {
		if o.Done[i].Err == codes.OK {
			o.Done[i].Err = engine.Done[i].Err
		}
	}
}

const tooMany = "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message"

// endsAll has calls with too many messages end: gRPC's only do with their context, and nobody is told.
func endsAll(k *kind, o, engine *outcome) {
	if k.streams() {
		return
	}
	o.Header, o.Trailer, o.StreamTrailer, o.Peer, o.Wrong = engine.Header, nil, nil, engine.Peer, 0
	o.Done = []done{{Sent: true, Received: true}}
	o.is(codes.Internal, tooMany)
}

const neverEnds = "gRPC's channel does not end a call with one message too many before its context ends"

// saysTooMany has the engine see that there is a second message, whatever it is.
func saysTooMany(k *kind, o, _ *outcome) {
	if !k.streams() {
		o.is(codes.Internal, tooMany)
	}
}

const secondUnread = "a message too many is not looked at"

// What a caller, and the balancer, learn of an answer is what they learn of gRPC's own channel, however odd the answer is; where it is not, the row
// says why.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, group := range [][]answer{goodAnswers, statusAnswers, httpAnswers, fieldAnswers, messageAnswers, brokenAnswers()} {
		for _, a := range group {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				a.test(t)
			})
		}
	}
}

func (a *answer) test(t *testing.T) {
	s := &server{}
	serve := func(c *conn, r *request) { a.serve(c, r.id) }
	if s.ended = serve; a.early {
		s.begun, s.ended = serve, nil
	}
	newServer(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ours, theirs := openEngine(t, to(s.address)), openGRPC(t, to(s.address))
	differs := false
	for i := range kinds {
		k := &kinds[i]
		if a.alone && i > 0 {
			ours, theirs = openEngine(t, to(s.address)), openGRPC(t, to(s.address))
		}
		got, want := k.do(ctx, ours), k.do(ctx, theirs)
		if a.early {
			want.hears(got)
		}
		if a.loose != nil {
			a.loose(got)
			a.loose(want)
		}
		plain := cmp.Diff(want, got, cmpopts.EquateEmpty())
		differs = differs || plain != ""
		if a.ours != nil {
			a.ours(k, want, got)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: the engine differs (-grpc +engine):\n%s", k.name, diff)
		}
		if got.Wrong != 0 {
			t.Errorf("%s: %d picks were not told of the end once", k.name, got.Wrong)
		}
	}
	if a.but != "" && !differs {
		t.Errorf("the engine does not differ any more: %s", a.but)
	}
}
