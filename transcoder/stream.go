// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Stream is the client's side of a call. Recv is called from one goroutine at a time,
// the others from one at a time; the two may run together.
type Stream interface {
	// Recv waits for the next message of the request; the caller owns it. io.EOF says that the client has
	// sent all. Any other error is a *status.Error.
	Recv() (Message, error)
	// CloseRecv makes a Recv that waits, and all later ones, fail. Any goroutine may call it.
	CloseRecv()
	// SendHeader says that the backend's header metadata, Call.Header, is complete. Protocols that can send it now do.
	SendHeader() error
	// Send sends a message, whose ownership passes; it waits while the client is slow.
	Send(m Message) error
	// Finish sends the end of the answer, Call.Err and Call.Trailer, and gives back what the stream holds. It is called once, last,
	// when no Recv runs any more.
	Finish() error
}

// NewStream returns the Stream of an Exchange whose protocol frames messages with f.
func NewStream(c *Call, ex Exchange, f Framer) Stream {
	if own, ok := f.(Streamer); ok && c.Method != nil {
		return own.Stream(c, ex)
	}
	s := &framedStream{call: c, ex: ex, framer: f}
	s.out.Data, s.out.Header = s.pieces[:0], s.fields[:0]
	if c.Method != nil && c.Method.ServerStreams {
		s.heart = newHeart(f, c, s.heartbeat)
	}
	return s
}

// framedStream drives a Framer over an Exchange: the goroutine that calls it does
// the waiting that neither the Framer nor the policies do.
type framedStream struct {
	call   *Call
	ex     Exchange
	framer Framer

	recvErr  error       // what every later Recv returns
	lastRead bool        // the last piece was pushed
	slow     *time.Timer // ends a body that takes too long
	tooSlow  atomic.Bool // slow has fired

	heart   *heart // nil for answers that are not kept alive; what is below is written in its turns
	out     Out
	sendErr error // what every later Send returns

	// Room for what out has in most answers.
	pieces [1]mem.Buffer
	fields [12]wire.Field
}

func (s *framedStream) Recv() (Message, error) {
	for s.recvErr == nil {
		m, ok, err := s.framer.Next(s.call)
		if ok {
			s.call.MessagesIn++
			return m, nil
		}
		if err == nil && s.lastRead {
			err = io.EOF
		}
		if err == nil {
			err = s.read()
		}
		s.recvErr = err
	}
	return Message{}, s.recvErr
}

// read moves one piece of the body from the Exchange to the Framer.
func (s *framedStream) read() error {
	s.startClock()
	buf, err := s.ex.Read()
	if buf != nil {
		s.call.BytesIn += int64(buf.Len())
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if buf != nil {
			buf.Free()
		}
		return s.readError(err)
	}
	if s.lastRead = err != nil; s.lastRead && !s.stopClock() {
		if buf != nil {
			buf.Free()
		}
		s.tooSlow.Store(true)
		return s.readError(err)
	}
	return s.framer.Push(s.call, buf, s.lastRead)
}

// startClock bounds the time in which a body that is not a stream of messages comes (threat D8). It starts when
// more than the head is needed and known to come.
func (s *framedStream) startClock() {
	c := s.call
	if s.slow != nil || c.Request.ContentLength == 0 || c.Method == nil || c.Method.ClientStreams {
		return
	}
	end := c.Deadline
	if limit := c.Request.bodyTimeout(); limit > 0 && (end.IsZero() || c.Start.Add(limit).Before(end)) {
		end = c.Start.Add(limit)
	}
	if end.IsZero() {
		return
	}
	s.slow = time.AfterFunc(time.Until(end), func() {
		s.tooSlow.Store(true)
		s.ex.CloseRead()
	})
}

// stopClock reports whether the clock was stopped in time.
func (s *framedStream) stopClock() bool { return s.slow == nil || s.slow.Stop() }

// readError says why a body could not be read: an error that already is a
// status stays, the rest is the client's doing.
func (s *framedStream) readError(err error) error {
	if e, ok := errors.AsType[*status.Error](err); ok {
		return e
	}
	if s.tooSlow.Load() {
		return &status.Error{
			Code: codes.DeadlineExceeded, Reason: status.ReasonDeadlineExceeded, HTTP: http.StatusRequestTimeout,
			Message: "the body of the request did not come in time",
		}
	}
	if s.call.Context().Err() != nil {
		return contextError(s.call)
	}
	return &status.Error{
		Code: codes.InvalidArgument, Reason: status.ReasonBadRequest, Cause: err,
		Message: "the body of the request ends before it is complete",
	}
}

func (s *framedStream) CloseRecv() { s.ex.CloseRead() }

// heartbeat writes a sign of life. That the client is gone is told by the next Send.
func (s *framedStream) heartbeat(h Heartbeater) {
	h.Heartbeat(s.call, &s.out)
	_ = s.write()
}

func (s *framedStream) SendHeader() error {
	s.heart.lock()
	defer s.heart.unlock()
	s.framer.Header(s.call, &s.out)
	return s.answer()
}

func (s *framedStream) Send(m Message) error {
	s.heart.lock()
	defer s.heart.unlock()
	if err := s.framer.Message(s.call, m, &s.out); err != nil {
		s.out.Data.Free()
		s.out.Reset()
		return err
	}
	s.call.MessagesOut++
	return s.answer()
}

func (s *framedStream) Finish() error {
	s.stopClock()
	s.framer.Close()
	s.heart.lock()
	defer s.heart.unlock()
	s.heart.stop()
	s.framer.End(s.call, &s.out)
	return s.answer()
}

// answer is write for the call's own goroutine, which alone may look at what the gateway adds to the head.
func (s *framedStream) answer() error {
	if s.out.Status != 0 {
		s.out.Header = append(s.out.Header, s.call.AnswerFields...)
		if s.call.Explain {
			s.out.Header = appendTimes(s.out.Header, s.call)
		}
	}
	return s.write()
}

func (s *framedStream) write() error {
	defer s.out.Reset()
	if s.out.Status == 0 && len(s.out.Data) == 0 && s.out.End == EndNone && !s.out.Flush {
		return s.sendErr
	}
	if s.out.Status != 0 {
		s.call.HTTPStatus = s.out.Status
		s.call.FirstByte = time.Now()
	}
	s.call.BytesOut += int64(s.out.Data.Len())
	if err := s.ex.Write(&s.out); err != nil && s.sendErr == nil {
		s.sendErr = &status.Error{
			Code: codes.Canceled, Reason: status.ReasonClientCancelled, Cause: err, Message: "the client went away",
		}
	}
	return s.sendErr
}
