// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import "github.com/dragoman-gateway/dragoman/internal/frames"

// connError is why a connection cannot go on.
type connError frames.Wrong

func (e *connError) Error() string { return e.Text }

// streamError is why a stream cannot.
type streamError struct {
	stream uint32
	code   frames.Code
	text   string
}

func (e *streamError) Error() string { return e.text }
