// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// edit returns a stream whose answers are changed by the stages that want to; the same stream, and nil, where none does.
func (ch *Chain) edit(c *transcoder.Call, s transcoder.Stream) (transcoder.Stream, *edited) {
	var e *edited
	need := func() *edited {
		if e == nil {
			e = &edited{Stream: s, call: c}
		}
		return e
	}
	for i := range ch.stages {
		if own, ok := ch.stages[i].Admitter.(Editor); ok && own.Edits(c) {
			need().messages = append(need().messages, own)
		}
		if own, ok := ch.stages[i].Admitter.(MetadataEditor); ok && own.EditsMetadata(c) {
			need().metadata = append(need().metadata, own)
		}
	}
	if e == nil {
		return s, nil
	}
	return e, e
}

// edited is a stream whose answers are changed before they are sent.
type edited struct {
	transcoder.Stream

	call       *transcoder.Call
	messages   []Editor
	metadata   []MetadataEditor
	head, tail bool // that were changed
}

func (s *edited) SendHeader() error {
	s.header()
	return s.Stream.SendHeader()
}

func (s *edited) Send(m transcoder.Message) error {
	s.header()
	if !s.call.Method.ServerStreams {
		s.trailer() // which is known, and may be told in the head
	}
	for _, e := range s.messages {
		if err := e.Edit(s.call, &m); err != nil {
			m.Free()
			return err
		}
	}
	return s.Stream.Send(m)
}

// end changes what is sent last, and returns the outcome.
func (s *edited) end(err error) error {
	s.header()
	s.trailer()
	for _, e := range s.messages {
		if err != nil {
			err = e.EditError(s.call, err)
		}
	}
	return err
}

func (s *edited) header() {
	if !s.head {
		s.head = true
		s.each(&s.call.Header)
	}
}

func (s *edited) trailer() {
	if !s.tail {
		s.tail = true
		s.each(&s.call.Trailer)
	}
}

func (s *edited) each(fields *wire.Header) {
	for _, e := range s.metadata {
		e.EditMetadata(s.call, fields)
	}
}
