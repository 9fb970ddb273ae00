// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package interceptor provides the policies on calls and the chain that they form.
//
// A policy that decides on the head of a call alone is an [Admitter]; it needs no goroutine and does not
// block. Any grpc.StreamServerInterceptor can stand in a chain as well, and [StreamServerInterceptor] turns an
// Admitter into one, for use in any gRPC server.
package interceptor

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Admitter decides on the head of a call: it may look at the resolved call, change what policies own in it
// (metadata, deadline), and refuse it with an error, a *status.Error. It is called once per call, in the goroutine that
// serves it, possibly many calls at a time, and must not block.
type Admitter interface {
	Admit(c *transcoder.Call) error
}

// ErrWait is what Admit of a Waiter returns where it cannot decide without waiting. It is no outcome of a call.
var ErrWait = errors.New("interceptor: the admitter has to wait")

// Waiter is an Admitter that sometimes has to wait, for a key that is being fetched or a service that is asked. Where its Admit
// returns ErrWait, and only then, Wait is called, once, in a goroutine that may block; what Wait says counts. ctx ends when the client goes away
// or the call's deadline passes. So the calls that need not wait, which are nearly all, need no goroutine.
type Waiter interface {
	Admitter
	Wait(ctx context.Context, c *transcoder.Call) error
}

// Inspector is what an Admitter may be beside: it sees each message of the request before the backend does, for policies that go by what a
// request says. Inspect is called in the goroutine that receives, one message at a time, and may block; m stays with the caller, and number
// counts from 1. An error ends the call with it; a request that does not stream never reaches the backend then.
type Inspector interface {
	// Inspects tells whether messages of a call are to be seen. It is asked when all stages have admitted the call.
	Inspects(c *transcoder.Call) bool
	Inspect(c *transcoder.Call, number int64, m *transcoder.Message) error
}

// Editor is what an Admitter may be beside: it may change the answer before the client's protocol has it. It is called in the goroutine that answers, and
// may block.
type Editor interface {
	// Edits tells whether the answers of a call are to be changed. It is asked when all stages have admitted the call.
	Edits(c *transcoder.Call) bool
	// Edit changes a message; its error ends the call, and the message is not sent. m stays with the caller.
	Edit(c *transcoder.Call, m *transcoder.Message) error
	// EditError changes the outcome that the backend has given, which is never nil.
	EditError(c *transcoder.Call, err error) error
}

// MetadataEditor is what an Admitter may be beside: it may change what the backend says in header fields and trailers.
type MetadataEditor interface {
	// EditsMetadata tells whether it changes any of a call. It is asked when all stages have admitted the call.
	EditsMetadata(c *transcoder.Call) bool
	// EditMetadata changes the fields of the head, and then those of the end. Each is called once, before they are sent.
	EditMetadata(c *transcoder.Call, fields *wire.Header)
}

// Finisher is what a stage may be beside: Finish is called when the answer is complete, or the client gone, for every call
// that the stage admitted, in the reverse order of the chain. It must not block: the client may be waiting for the connection.
type Finisher interface {
	Finish(c *transcoder.Call)
}

// Stage is one link of a chain: an Admitter or an interceptor of gRPC's, exactly one of them.
type Stage struct {
	// Name labels the stage where a chain is shown.
	Name        string
	Admitter    Admitter
	Interceptor grpc.StreamServerInterceptor
}

// Chain is the policies of a method in the order in which a call meets them. It is immutable.
type Chain struct {
	stages []Stage
}

// NewChain returns the chain of these stages.
func NewChain(stages ...Stage) *Chain { return &Chain{stages: stages} }

// Names returns the names of the stages in order.
func (ch *Chain) Names() []string {
	names := make([]string, len(ch.stages))
	for i := range ch.stages {
		names[i] = ch.stages[i].Name
	}
	return names
}

// Handler is what stands behind a chain: it serves the call and returns its outcome.
type Handler func(c *transcoder.Call, s transcoder.Stream) error

// Run takes a call through the chain and, if every stage admits it, to last. It returns the outcome, and keeps in c.Admitted how
// many stages have admitted the call, which Finish wants to know, whatever way Run is left: a panic is not recovered here.
func (ch *Chain) Run(c *transcoder.Call, s transcoder.Stream, last Handler) error {
	at := c.Elapsed()
	for i := c.Admitted; i < len(ch.stages); i++ {
		stage := &ch.stages[i]
		if stage.Interceptor != nil {
			return ch.intercept(i, c, s, last)
		}
		err := Admit(stage.Admitter, c)
		at = c.Stopped(stage.Name, at)
		if err != nil {
			return err
		}
		c.Admitted = i + 1
	}
	s, edits := ch.edit(c, ch.inspect(c, s))
	if edits == nil {
		return last(c, s)
	}
	return edits.end(last(c, s))
}

// Admit asks an admitter, and waits where it has to, in this goroutine.
func Admit(a Admitter, c *transcoder.Call) error {
	err := a.Admit(c)
	if err != ErrWait { //nolint:errorlint // Admit returns it as it is, and every call comes by here
		return err
	}
	w, ok := a.(Waiter)
	if !ok {
		return err // which no client is told: it is none of ours
	}
	ctx := c.Context()
	if !c.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.Deadline)
		defer cancel()
	}
	return w.Wait(ctx, c)
}

// intercept runs a stage that is a gRPC interceptor: the rest of the chain is its handler.
func (ch *Chain) intercept(i int, c *transcoder.Call, s transcoder.Stream, last Handler) error {
	info := &grpc.StreamServerInfo{
		FullMethod: c.Method.Path, IsClientStream: c.Method.ClientStreams, IsServerStream: c.Method.ServerStreams,
	}
	handler := func(_ any, ss grpc.ServerStream) error {
		c.SetContext(ss.Context())
		c.Admitted = i + 1
		return ch.Run(c, transcoder.StreamOf(ss, s), last)
	}
	return ch.stages[i].Interceptor(nil, transcoder.ServerStream(c, s), info, handler)
}

// Finish tells the stages that admitted a call, last first, that it is over. All are told: a panic of one of them is given to
// panicked.
func (ch *Chain) Finish(c *transcoder.Call, panicked func(*transcoder.Call, any) error) {
	for i := c.Admitted - 1; i >= 0; i-- {
		if f, ok := ch.stages[i].Admitter.(Finisher); ok {
			finish(f, c, panicked)
		}
	}
}

func finish(f Finisher, c *transcoder.Call, panicked func(*transcoder.Call, any) error) {
	defer func() {
		if r := recover(); r != nil {
			_ = panicked(c, r) // the outcome of the call stays
		}
	}()
	f.Finish(c)
}
