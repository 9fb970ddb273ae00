// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// openCarefully opens a stream that outlives its caller: what the caller waits for in it returns when its context ends, and the stream is
// reset when that does not harm others. It is for times in which streams are reset too often, as careful is.
func (d *delivery) openCarefully(ctx context.Context, call *picker.Call, desc *grpc.StreamDesc, method string, opts []grpc.CallOption) (*carefulStream, error) {
	s := &carefulStream{ctx: ctx, own: newPatient(ctx), call: call}
	opened := make(chan error)
	s.pending.Go(func() {
		var err error
		if s.ClientStream, err = d.backend.channel.NewStream(s.own, desc, method, opts...); err != nil { //nolint:contextcheck // it outlives the context on purpose
			s.over.Store(true)
		}
		select {
		case opened <- err:
		case <-ctx.Done():
		}
	})
	select {
	case err := <-opened:
		return s, err
	case <-ctx.Done():
		s.own.end(ctx.Err()) // it waits for an endpoint or a place in a connection, mostly
		d.backend.parking.calls.Go(s.pending.Wait)
		return nil, contextStatus(ctx)
	}
}

// carefulStream is a stream that outlives its caller.
type carefulStream struct {
	grpc.ClientStream

	ctx     context.Context //nolint:containedctx // the caller's
	own     *patient        // the stream's
	call    *picker.Call
	over    atomic.Bool    // it has ended by itself
	pending sync.WaitGroup // what goes on in it
}

func contextStatus(ctx context.Context) error { return grpcstatus.FromContextError(ctx.Err()).Err() }

// within does something that may have to wait, until the caller's context ends; late is called when it is done after that.
func (s *carefulStream) within(do func() error, late func()) error {
	if s.ctx.Err() != nil {
		return contextStatus(s.ctx)
	}
	done := make(chan error)
	s.pending.Go(func() {
		err := do()
		select {
		case done <- err:
		case <-s.ctx.Done():
			late()
		}
	})
	select {
	case err := <-done:
		return err
	case <-s.ctx.Done():
		return contextStatus(s.ctx)
	}
}

// Header implements grpc.ClientStream.
func (s *carefulStream) Header() (metadata.MD, error) {
	var md metadata.MD
	err := s.within(func() (err error) {
		md, err = s.ClientStream.Header()
		return err
	}, func() {})
	if err != nil {
		return nil, err
	}
	return md, nil
}

// RecvMsg implements grpc.ClientStream.
func (s *carefulStream) RecvMsg(v any) error {
	m, ok := v.(*transcoder.Message)
	if !ok {
		return s.ClientStream.RecvMsg(v)
	}
	var got transcoder.Message
	err := s.within(func() error {
		err := s.ClientStream.RecvMsg(&got)
		if err != nil {
			s.over.Store(true)
		}
		return err
	}, func() { got.Free() })
	if err == nil {
		*m = got
	}
	return err
}

// SendMsg implements grpc.ClientStream.
func (s *carefulStream) SendMsg(v any) error {
	m, ok := v.(*transcoder.Message)
	if !ok {
		return s.ClientStream.SendMsg(v)
	}
	own := *m
	own.Data.Ref()
	return s.within(func() error {
		defer own.Free()
		return s.ClientStream.SendMsg(&own)
	}, func() {})
}

// Trailer implements grpc.ClientStream. A stream that goes on has none yet.
func (s *carefulStream) Trailer() metadata.MD {
	if !s.over.Load() {
		return nil
	}
	return s.ClientStream.Trailer()
}

// leave gives up a stream that nobody waits for any more.
func (s *carefulStream) leave(d *delivery) {
	if s.over.Load() {
		s.own.end(context.Canceled)
		return
	}
	ended := make(chan struct{})
	d.backend.parking.calls.Go(func() {
		<-s.own.Done()
		s.pending.Wait()
		close(ended)
	})
	d.park(s.own, s.call, ended, context.Canceled, func() {})
}
