// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Keyed is a Route for the methods of one schema that have keys. It is safe for concurrent use.
type Keyed struct {
	*Route

	keyers []*Keyer // by the ID of the method; nil for those without a key
}

// Keyed returns the Route for calls whose keys Keyers find, one for each method of a Mux, at the index of its ID.
func (r *Route) Keyed(keyers []*Keyer) *Keyed { return &Keyed{Route: r, keyers: keyers} }

// Forward moves a call's messages to the backend and back. Where the key is in the message, the backend is called when the
// first one has come: of a client that waits for an answer before it sends anything, never.
func (k *Keyed) Forward(c *transcoder.Call, s transcoder.Stream) error {
	keyer := k.keyers[c.Method.ID]
	switch {
	case keyer == nil:
		return k.Route.Forward(c, s)
	case keyer.message:
		return k.forward(c, s, "", keyer)
	default:
		key, _ := keyer.head(c, 0)
		return k.forward(c, s, key, nil)
	}
}

// keyedConn finds the key of a call in its first message.
type keyedConn struct {
	*delivery

	of    *transcoder.Call
	keyer *Keyer
}

// ReadsCompressed says no: what is compressed cannot be looked at.
func (*keyedConn) ReadsCompressed() bool { return false }

// look finds the key in a message.
func (k *keyedConn) look(m any) {
	if message, ok := m.(*transcoder.Message); ok {
		k.call.Key = k.keyer.key(k.of, message)
	}
}

func (k *keyedConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	k.look(args)
	return k.delivery.Invoke(ctx, method, args, reply, opts...)
}

func (k *keyedConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return &awaiting{ctx: ctx, begun: make(chan struct{}), open: func(m any) (grpc.ClientStream, error) {
		k.look(m)
		return k.delivery.NewStream(ctx, desc, method, opts...)
	}}, nil
}

// awaiting is a stream that is opened when its first message, or its end, has come.
type awaiting struct {
	ctx  context.Context //nolint:containedctx // a stream is its call's scope
	open func(first any) (grpc.ClientStream, error)

	once   sync.Once
	begun  chan struct{} // closed when stream and err are set
	stream grpc.ClientStream
	err    error
}

var _ grpc.ClientStream = (*awaiting)(nil)

// begin opens the stream, the first time.
func (a *awaiting) begin(first any) {
	a.once.Do(func() {
		a.stream, a.err = a.open(first)
		close(a.begun)
	})
}

// wait returns when the stream is open, or will not be.
func (a *awaiting) wait() error {
	select {
	case <-a.begun:
		return a.err
	case <-a.ctx.Done():
		return grpcstatus.FromContextError(a.ctx.Err()).Err()
	}
}

// opened says whether the stream is open.
func (a *awaiting) opened() bool {
	select {
	case <-a.begun:
		return a.err == nil
	default:
		return false
	}
}

func (a *awaiting) SendMsg(m any) error {
	a.begin(m)
	if a.err != nil {
		return a.err
	}
	return a.stream.SendMsg(m)
}

func (a *awaiting) CloseSend() error {
	a.begin(nil)
	if a.err != nil {
		return a.err
	}
	return a.stream.CloseSend()
}

func (a *awaiting) Header() (metadata.MD, error) {
	if err := a.wait(); err != nil {
		return nil, err
	}
	return a.stream.Header()
}

func (a *awaiting) RecvMsg(m any) error {
	if err := a.wait(); err != nil {
		return err
	}
	return a.stream.RecvMsg(m)
}

func (a *awaiting) Trailer() metadata.MD {
	if !a.opened() {
		return nil
	}
	return a.stream.Trailer()
}

func (a *awaiting) Context() context.Context {
	if !a.opened() {
		return a.ctx
	}
	return a.stream.Context()
}
