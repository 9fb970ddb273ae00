// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"io"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// replay is the client's side of a call of which the request has come, and whose answer is looked at before it is sent.
type replay struct {
	request  *transcoder.Message // stays whoever's it is
	received bool
	answer   transcoder.Message
	answered bool // answer is there, and the replay's own
}

var _ transcoder.Stream = (*replay)(nil)

// Recv returns the request, once.
func (r *replay) Recv() (transcoder.Message, error) {
	if r.received {
		return transcoder.Message{}, io.EOF
	}
	r.received = true
	r.request.Data.Ref()
	return transcoder.Message{Data: slices.Clone(r.request.Data), Encoding: r.request.Encoding}, nil
}

// CloseRecv does nothing: no Recv waits.
func (r *replay) CloseRecv() {}

// SendHeader does nothing: the head of an answer of one message is sent with it.
func (r *replay) SendHeader() error { return nil }

// Send keeps the answer.
func (r *replay) Send(m transcoder.Message) error {
	if r.answered {
		m.Free()
		return status.Errorf(codes.Internal, status.ReasonBackendError, "the backend answered with more than one message")
	}
	r.answer, r.answered = m, true
	return nil
}

// Finish does nothing: that is for whoever began the call.
func (r *replay) Finish() error { return nil }

// free gives back an answer that was not handed on.
func (r *replay) free() {
	if r.answered {
		r.answered = false
		r.answer.Free()
	}
}
