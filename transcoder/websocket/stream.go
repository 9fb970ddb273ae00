// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package websocket

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Close codes.
const (
	closeOK    = 1000
	closeError = 4000 // and the gRPC code: 4000 to 4999 are for applications (RFC 6455, section 7.4.2)
	maxReason  = 123  // bytes of a reason (section 5.5)
)

// pongWait is how long a client may take to answer a ping.
const pongWait = 10 * time.Second

// frame is a message as it came.
type frame struct {
	text bool
	data mem.Buffer
}

// stream is the client's side of a call. A goroutine reads what comes, always, since pings, pongs and the client's end are among it; it
// waits for whoever takes a message before it reads the next one. Another sends pings.
type stream struct {
	*session
	call   *transcoder.Call
	ex     transcoder.Exchange
	ctx    context.Context //nolint:containedctx // the call's own: it ends when the client goes away
	cancel context.CancelFunc

	opening sync.Once
	openErr error
	socket  transcoder.Socket // nil while it is none
	work    sync.WaitGroup
	frames  chan frame    // closed when the client has ended its stream
	done    chan struct{} // closed when nobody takes frames any more
	stopped sync.Once

	mu    sync.Mutex
	fault error // what the client did wrong, or how it went; guarded by mu

	sent    int  // messages given by Recv
	ended   bool // the request has all its messages
	sendErr error
}

func newStream(s *session, c *transcoder.Call, ex transcoder.Exchange) *stream {
	st := &stream{session: s, call: c, ex: ex, frames: make(chan frame), done: make(chan struct{})}
	st.ctx, st.cancel = context.WithCancel(c.Context())
	c.SetContext(st.ctx)
	return st
}

// open makes the connection a WebSocket, when the call was admitted: the first message is asked for, or sent.
func (s *stream) open() error {
	s.opening.Do(func() {
		u, ok := s.ex.(transcoder.Upgrader)
		if !ok {
			s.openErr = status.Errorf(codes.Unimplemented, status.ReasonUnsupported, "this server cannot switch to WebSocket")
			return
		}
		socket, err := u.Upgrade(s.subprotocol, s.answerFields(), s.call.Request.MaxMessage())
		if err != nil {
			s.openErr = &status.Error{Code: codes.InvalidArgument, Reason: status.ReasonBadRequest, Message: "the request for a WebSocket is not one", Cause: err}
			s.sendErr = s.openErr // it was answered
			return
		}
		s.socket = socket
		s.call.HTTPStatus, s.call.FirstByte = 101, time.Now()
		s.work.Go(s.read)
		s.work.Go(s.ping)
	})
	return s.openErr
}

// read hands on what comes, until the client ends.
func (s *stream) read() {
	closed := false
	for {
		text, data, err := s.socket.Read(s.ctx)
		if err != nil {
			s.fail(readError(err))
			return
		}
		if closed {
			data.Free()
			s.fail(status.Errorf(codes.InvalidArgument, status.ReasonBadRequest, "a message came behind the end of the stream"))
			return
		}
		if text && data.Len() == 0 { // half of the conversation is over
			data.Free()
			closed = true
			close(s.frames)
			continue
		}
		select {
		case s.frames <- frame{text, data}:
		case <-s.done:
			data.Free()
		case <-s.ctx.Done():
			data.Free()
			return
		}
	}
}

// fail ends the call for what the client did; the first reason counts.
func (s *stream) fail(err error) {
	s.mu.Lock()
	if s.fault == nil {
		s.fault = err
	}
	s.mu.Unlock()
	s.cancel()
}

// faultOr returns what the client did wrong, if anything, instead of an error that comes of it.
func (s *stream) faultOr(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return s.fault
	}
	return err
}

func readError(err error) error {
	if errors.Is(err, transcoder.ErrMessageTooBig) {
		return status.Errorf(codes.ResourceExhausted, status.ReasonMessageTooLarge, "%s", err)
	}
	return &status.Error{Code: codes.Canceled, Reason: status.ReasonClientCancelled, Message: "the client went away", Cause: err}
}

// ping finds out about clients that vanished without a word, and keeps the connection alive for whatever is on the way.
func (s *stream) ping() {
	ticker := time.NewTicker(s.call.Request.Heartbeat())
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, pongWait)
		err := s.socket.Ping(ctx)
		cancel()
		if err != nil && s.ctx.Err() == nil {
			s.fail(&status.Error{Code: codes.Canceled, Reason: status.ReasonClientCancelled, Message: "the client does not answer", Cause: err})
			return
		}
	}
}

// Recv returns the next message. The first one of a route, or by option each, has what path and query say (T142); a route without a body needs no frame for it.
func (s *stream) Recv() (transcoder.Message, error) {
	if err := s.open(); err != nil {
		return transcoder.Message{}, err
	}
	if s.ended {
		return transcoder.Message{}, io.EOF
	}
	if s.plan != nil && !s.plan.TakesBody() {
		s.ended = true
		return s.bind(nil)
	}
	select {
	case f, ok := <-s.frames:
		if !ok {
			s.ended = true
			if s.sent == 0 && s.plan != nil && s.plan.Bound(&bind.Request{Query: s.call.Request.Query, Header: s.call.Request.Header}) {
				return s.bind(nil)
			}
			return transcoder.Message{}, io.EOF
		}
		if !s.call.Method.ClientStreams {
			s.ended = true
			s.stop()
		}
		s.call.BytesIn += int64(f.data.Len())
		if f.text {
			defer f.data.Free()
			return s.bind(f.data.ReadOnlyData())
		}
		return s.binary(f.data)
	case <-s.done:
		return transcoder.Message{}, status.Errorf(codes.Canceled, status.ReasonClientCancelled, "nothing more is wanted")
	case <-s.ctx.Done():
		return transcoder.Message{}, s.faultOr(status.Errorf(codes.Canceled, status.ReasonClientCancelled, "the client went away"))
	}
}

// bind makes a message of JSON.
func (s *stream) bind(json []byte) (transcoder.Message, error) {
	out := buffers.Take()
	var err error
	r := bind.Request{Match: &s.match, Query: s.call.Request.Query, Body: json, Header: s.call.Request.Header}
	switch {
	case s.plan == nil:
		*out, err = s.call.Method.Codec.Message(s.call.Method.Desc.Input()).AppendWire(*out, json, &s.config.Bind.Decode)
		err = bind.BodyError(err)
	case s.sent == 0 || s.config.BindEvery:
		*out, err = s.plan.Bind(*out, &r)
	default:
		*out, err = s.plan.BindMore(*out, &r)
	}
	if err != nil {
		buffers.Put(out)
		return transcoder.Message{}, err
	}
	return s.received(mem.NewBuffer(out, &buffers)), nil
}

// binary makes a message of protobuf. What the path says cannot be put into it: such a client sends the whole message.
func (s *stream) binary(data mem.Buffer) (transcoder.Message, error) {
	if s.plan != nil {
		data.Free()
		return transcoder.Message{}, status.Errorf(codes.InvalidArgument, status.ReasonUnsupported,
			"this path takes text frames; for binary ones connect to %s", s.call.Method.Path)
	}
	return s.received(data), nil
}

func (s *stream) received(data mem.Buffer) transcoder.Message {
	s.sent++
	s.call.MessagesIn++
	return transcoder.Message{Data: mem.BufferSlice{data}}
}

// stop says that no more frames are taken.
func (s *stream) stop() { s.stopped.Do(func() { close(s.done) }) }

func (s *stream) CloseRecv() { s.stop() }

// SendHeader does nothing: there is no place for metadata.
func (s *stream) SendHeader() error { return nil }

// Send sends a message of the answer.
func (s *stream) Send(m transcoder.Message) error {
	data, free := m.Bytes()
	defer free()
	if err := s.open(); err != nil {
		return err
	}
	if s.sendErr != nil {
		return s.sendErr
	}
	text := s.subprotocol != Proto
	if text {
		out := buffers.Take()
		defer buffers.Put(out)
		var err error
		if *out, err = s.json(*out, data); err != nil {
			return &status.Error{
				Code: codes.Internal, Reason: status.ReasonSchemaMismatch, Cause: err, Message: "the backend's answer does not fit its schema",
			}
		}
		data = *out
	}
	s.call.MessagesOut++
	s.call.BytesOut += int64(len(data))
	if err := s.socket.Write(text, data); err != nil {
		s.sendErr = s.faultOr(&status.Error{Code: codes.Canceled, Reason: status.ReasonClientCancelled, Cause: err, Message: "the client went away"})
	}
	return s.sendErr
}

// json appends a message of the answer: of a route, the part that is its body.
func (s *stream) json(dst, message []byte) ([]byte, error) {
	answer := s.call.Method.Codec.Message(s.call.Method.Desc.Output())
	if b := s.call.Binding; b != nil && b.ResponseField != nil {
		return answer.Field(b.ResponseField).AppendJSON(dst, message, &s.config.Encode)
	}
	return answer.AppendJSON(dst, message, &s.config.Encode)
}

// Finish ends the conversation, or says as HTTP why there was none. It returns when nothing of the stream runs any more.
func (s *stream) Finish() error {
	if s.call.Err == nil {
		_ = s.open() // a call that ended without a message is a conversation, too
	}
	s.opening.Do(func() {}) // no later
	s.stop()
	if s.socket == nil {
		if s.call.Err == nil {
			s.call.Err = s.openErr
		}
		if s.sendErr != nil { // it was answered
			s.cancel()
			return s.sendErr
		}
		return s.refuse()
	}
	s.call.Err = s.outcome()
	code, reason := closeOK, ""
	if s.call.Err != nil {
		st := status.Proto(s.call.Err)
		code, reason = closeError+min(int(st.GetCode()), 999), clip(st.GetMessage())
	}
	if s.gone() {
		s.socket.Abort()
	} else if err := s.socket.Close(code, reason); err != nil && s.sendErr == nil {
		s.sendErr = &status.Error{Code: codes.Canceled, Reason: status.ReasonClientCancelled, Cause: err, Message: "the client went away"}
	}
	s.cancel()
	s.work.Wait()
	return s.sendErr
}

// outcome is how the call ended: by what the client did, where that came first.
func (s *stream) outcome() error {
	if s.call.Err == nil {
		return nil
	}
	return s.faultOr(s.call.Err)
}

// gone tells whether there is nobody to say the end to.
func (s *stream) gone() bool {
	return status.ReasonOf(s.faultOr(nil)) == status.ReasonClientCancelled
}

// refuse answers as HTTP.
func (s *stream) refuse() error {
	defer s.cancel()
	out := &transcoder.Out{}
	s.End(s.call, out)
	out.Header = append(out.Header, s.call.AnswerFields...)
	s.call.HTTPStatus, s.call.FirstByte = out.Status, time.Now()
	if err := s.ex.Write(out); err != nil {
		return &status.Error{Code: codes.Canceled, Reason: status.ReasonClientCancelled, Cause: err, Message: "the client went away"}
	}
	return nil
}

// clip cuts a reason to what fits into a close frame, at the end of a character.
func clip(s string) string {
	if len(s) <= maxReason {
		return s
	}
	n := maxReason
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// answerFields are fields of the answer that switches protocols.
func (s *stream) answerFields() (h wire.Header) {
	if s.call.RequestID != "" {
		h.Add("x-request-id", s.call.RequestID)
	}
	return append(h, s.call.AnswerFields...)
}
