// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Forward moves a call's messages between its client and a backend's channel until the backend has
// answered, and returns the outcome: nil, a *status.Error or the backend's own gRPC status. It fills
// Call.Header, Trailer, Endpoint, Attempts and BackendTime. It does not finish the stream.
//
// It returns when everything that it started is quiet. A unary call is moved in place; a call whose client streams has one
// goroutine more, which moves the request.
func Forward(c *Call, s Stream, conn grpc.ClientConnInterface) error {
	if c.Method.Unary() {
		return forwardUnary(c, s, conn)
	}
	return forwardStream(c, s, conn)
}

func forwardUnary(c *Call, s Stream, conn grpc.ClientConnInterface) error {
	u := new(unary)
	options := callOptions(u.options[:0], c, conn)
	var err error
	if u.request, err = RecvOnly(s); err != nil {
		return err
	}
	defer u.request.Free()
	ctx, cancel := outgoing(c, conn, &u.metadata)
	if cancel != nil {
		defer cancel()
	}
	options = append(options, &u.metadata)
	began := time.Now()
	c.Attempts++
	if carries(conn) {
		err = conn.Invoke(ctx, c.Method.Path, &u.request, &u.answer, append(options, &u.told)...)
		c.returned(began)
		c.told(&u.told)
	} else {
		err = conn.Invoke(ctx, c.Method.Path, &u.request, &u.answer, append(options, grpc.Header(&u.header), grpc.Trailer(&u.trailer), grpc.Peer(&u.from))...)
		c.returned(began)
		c.answered(u.from.Addr, u.header)
		c.ended(u.trailer)
	}
	if err != nil {
		u.answer.Free()
		return backendError(ctx, c, err)
	}
	return sendOn(c, s, u.answer)
}

// unary is what a call that does not stream has in memory while the backend has it, in one piece.
type unary struct {
	request, answer Message
	header, trailer metadata.MD
	from            peer.Peer
	metadata        MetadataOption
	told            AnswerOption
	options         [mostOptions]grpc.CallOption
}

// mostOptions is how many options a call has at most: three of callOptions, four of forwardUnary.
const mostOptions = 7

// sendOn sends a backend's message to the client, in a compression only if the protocol takes it.
func sendOn(c *Call, s Stream, m Message) error {
	if m.Encoding != c.AnswerEncoding {
		if err := m.Decompress(int64(c.Request.MaxAnswer())); err != nil {
			return answerError(c, err)
		}
	}
	return s.Send(m)
}

// RecvOnly receives the one message of a request that does not stream, and sees to it that there is no second. The caller owns it; the
// error is a *status.Error.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/statuscodes.md has UNIMPLEMENTED for both.
func RecvOnly(s Stream) (Message, error) {
	m, err := s.Recv()
	if errors.Is(err, io.EOF) {
		return m, status.Errorf(codes.Unimplemented, status.ReasonBadRequest, "the request has no message; this method takes one")
	}
	if err != nil {
		return m, err
	}
	extra, err := s.Recv()
	if errors.Is(err, io.EOF) {
		return m, nil
	}
	m.Free()
	if err != nil {
		return Message{}, err
	}
	extra.Free()
	return Message{}, status.Errorf(codes.Unimplemented, status.ReasonBadRequest, "the request has more than one message; this method takes one")
}

// outgoing returns the context of a call to a backend: the client's, with metadata and deadline; for a Carrier, the metadata is put into o. The function that ends it is nil for a unary call whose
// own context has the deadline: that one ends with the exchange, as soon as the answer is sent.
func outgoing(c *Call, conn grpc.ClientConnInterface, o *MetadataOption) (context.Context, context.CancelFunc) {
	ctx, accept := c.Context(), acceptCompressed(c)
	if carries(conn) {
		o.fields, o.accept = c.Metadata, accept
	} else {
		md := wire.MD(c.Metadata)
		if accept != "" {
			md.Set(acceptEncoding, accept)
		}
		ctx = metadata.NewOutgoingContext(ctx, md)
	}
	if c.Deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	if limit, ok := c.Context().Deadline(); ok && c.Method.Unary() && !limit.After(c.Deadline) {
		return ctx, nil
	}
	return context.WithDeadline(ctx, c.Deadline)
}

// returned is told that the backend, which has had the call since began, has it no more.
func (c *Call) returned(began time.Time) {
	since := began.Sub(c.Start)
	c.BackendTime += c.Stopped(StopBackend, since) - since
}

func (c *Call) answered(from net.Addr, header metadata.MD) {
	if from != nil {
		c.Endpoint = addressText(from)
	}
	c.Header = wire.AppendMD(c.Header, header, nil)
}

// told takes over what a Carrier has told of an answer.
func (c *Call) told(o *AnswerOption) {
	if o.from != nil {
		c.Endpoint = addressText(o.from)
	}
	c.Header, c.Trailer = append(c.Header, o.header...), append(c.Trailer, o.trailer...)
	if len(o.pushback) == 1 && wire.ValidValue(o.pushback[0]) {
		c.Trailer = append(c.Trailer, wire.Field{Name: retryPushback, Value: o.pushback[0]})
	}
}

// retryPushback is what a backend says to clients that would call again: when, or not at all. Of the names that gRPC keeps for
// itself it alone passes (gRFC A6).
const retryPushback = "grpc-retry-pushback-ms"

// ended takes over what the answer ended with.
func (c *Call) ended(trailer metadata.MD) {
	c.Trailer = wire.AppendMD(c.Trailer, trailer, nil)
	if when := trailer[retryPushback]; len(when) == 1 && wire.ValidValue(when[0]) {
		c.Trailer = append(c.Trailer, wire.Field{Name: retryPushback, Value: when[0]})
	}
}

func forwardStream(c *Call, s Stream, conn grpc.ClientConnInterface) error {
	options := callOptions(nil, c, conn)
	var only Message // of a request that does not stream: the backend is called when it is there
	if !c.Method.ClientStreams {
		var err error
		if only, err = RecvOnly(s); err != nil {
			return err
		}
		defer only.Free()
	}
	var fields MetadataOption
	ctx, cancel := outgoing(c, conn, &fields)
	defer cancel()
	options = append(options, &fields)
	idle := newIdleTimer(c.StreamIdle, cancel)
	defer idle.stop()
	var ending atomic.Bool
	if c.Ending != nil {
		defer context.AfterFunc(c.Ending, func() {
			ending.Store(true)
			cancel()
		})()
	}

	began := time.Now()
	c.Attempts++
	desc := &grpc.StreamDesc{StreamName: c.Method.Name, ClientStreams: c.Method.ClientStreams, ServerStreams: c.Method.ServerStreams}
	backend, err := conn.NewStream(ctx, desc, c.Method.Path, options...)
	if err != nil {
		c.returned(began)
		return backendError(ctx, c, err)
	}
	up := &requestPump{client: s, backend: backend, idle: idle, cancel: cancel, done: make(chan struct{})}
	if c.Method.ClientStreams {
		go up.run()
	} else if backend.SendMsg(&only) == nil { // its error comes again, with the status, from RecvMsg
		_ = backend.CloseSend() // likewise
	}
	err = pumpAnswer(c, s, backend, idle)
	c.returned(began)
	if err != nil && idle.fired.Load() {
		err = status.Errorf(codes.DeadlineExceeded, status.ReasonStreamIdle, "no message moved for %s", c.StreamIdle)
	}
	if err != nil && ending.Load() {
		err = endingError(c)
	}
	if err != nil {
		err = backendError(ctx, c, err)
	}
	cancel()
	if c.Method.ClientStreams && !up.join(s) && err != nil && up.err != nil {
		return up.err // the request failed first, and that ended the backend's side
	}
	return err
}

// pumpAnswer moves the backend's answer to the client until its end.
func pumpAnswer(c *Call, s Stream, backend grpc.ClientStream, idle *idleTimer) error {
	header, err := backend.Header()
	if err == nil {
		var from net.Addr
		if p, ok := peer.FromContext(backend.Context()); ok { // grpc.Peer would tell only at the end
			from = p.Addr
		}
		c.answered(from, header)
		if header != nil { // nil: trailers only (T183)
			err = s.SendHeader()
		}
	}
	if err == nil && !c.Method.ServerStreams {
		return pumpOne(c, s, backend, idle)
	}
	for err == nil {
		var m Message
		if err = backend.RecvMsg(&m); err == nil {
			idle.touch()
			err = sendOn(c, s, m)
		}
	}
	c.ended(backend.Trailer())
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// pumpOne moves the one message of a backend's answer to the client, when the status is known: a message before an error is dropped (T152),
// and the client's head may have to say which trailers come (T168).
func pumpOne(c *Call, s Stream, backend grpc.ClientStream, idle *idleTimer) error {
	var only, second Message
	missing := backend.RecvMsg(&only)
	err := missing
	if missing == nil {
		idle.touch()
		err = backend.RecvMsg(&second)
	}
	c.ended(backend.Trailer())
	switch {
	case missing == nil && errors.Is(err, io.EOF):
		return sendOn(c, s, only)
	case errors.Is(err, io.EOF):
		err = status.Errorf(codes.Internal, status.ReasonBackendError, "the backend answered OK with no message")
	case err == nil:
		second.Free()
		err = status.Errorf(codes.Internal, status.ReasonBackendError, "the backend answered with more than one message")
	}
	only.Free()
	return err
}

// requestPump moves a request's messages to the backend.
type requestPump struct {
	client  Stream
	backend grpc.ClientStream
	idle    *idleTimer
	cancel  context.CancelFunc

	done     chan struct{} // closed when run has returned
	failed   atomic.Bool   // err is set, and is why the backend's side ends
	err      error         // why the request failed; read after done
	panicked *Panic        // read after done
}

func (p *requestPump) run() {
	defer close(p.done)
	defer func() {
		if r := recover(); r != nil {
			p.panicked = &Panic{Value: r, Stack: debug.Stack()}
			p.cancel()
		}
	}()
	for {
		m, err := p.client.Recv()
		if errors.Is(err, io.EOF) {
			// What CloseSend returns, RecvMsg says as well.
			_ = p.backend.CloseSend()
			return
		}
		if err != nil {
			p.err = err
			p.failed.Store(true) // before cancel, whose effect may be seen before done is closed
			p.cancel()
			return
		}
		p.idle.touch()
		err = p.backend.SendMsg(&m)
		m.Free()
		if err != nil {
			return // the backend ended the call; RecvMsg has its status
		}
	}
}

// join waits for run. A run that still waits for the client is told that nothing more is wanted; it
// returns true then, because what run fails with is of its own making. A panic of run goes on here, in the goroutine
// that serves the call, where it is recovered.
func (p *requestPump) join(client Stream) (interrupted bool) {
	select {
	case <-p.done:
	default:
		interrupted = !p.failed.Load()
		client.CloseRecv()
		<-p.done
	}
	if p.panicked != nil {
		panic(p.panicked) //nolint:forbidigo // it is a panic; this is where it is recovered
	}
	return interrupted
}

// Panic is a panic of a goroutine that a call has beside its own, as it goes on in the call's own.
type Panic struct {
	// Value is what the goroutine panicked with.
	Value any
	// Stack is where.
	Stack []byte
}

// String says the value.
func (p *Panic) String() string { return fmt.Sprint(p.Value) }
