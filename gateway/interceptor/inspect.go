// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// inspect returns a stream whose messages are seen by the stages that want to; the same stream where none does.
func (ch *Chain) inspect(c *transcoder.Call, s transcoder.Stream) transcoder.Stream {
	var inspectors []Inspector
	for i := range ch.stages {
		if in, ok := ch.stages[i].Admitter.(Inspector); ok && in.Inspects(c) {
			inspectors = append(inspectors, in)
		}
	}
	if len(inspectors) == 0 {
		return s
	}
	return &inspected{Stream: s, call: c, inspectors: inspectors}
}

// inspected is a stream whose messages are seen before they are handed on.
type inspected struct {
	transcoder.Stream

	call       *transcoder.Call
	inspectors []Inspector
	number     int64 // of messages
	err        error // what every later Recv returns
}

func (s *inspected) Recv() (transcoder.Message, error) {
	if s.err != nil {
		return transcoder.Message{}, s.err
	}
	m, err := s.Stream.Recv()
	if err != nil {
		return m, err
	}
	s.number++
	for _, in := range s.inspectors {
		if err := in.Inspect(s.call, s.number, &m); err != nil {
			m.Free()
			s.err = err
			return transcoder.Message{}, err
		}
	}
	return m, nil
}
