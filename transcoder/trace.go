// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// Trace is the part that a call is of a trace. The zero value is that of a call for which no trace is kept.
//
// https://www.w3.org/TR/2021/REC-trace-context-1-20211123/
type Trace struct {
	// ID is the trace; zero where none is kept.
	ID [16]byte
	// Span is the call within the trace, Parent what it is a part of; zero where it is the first.
	Span, Parent [8]byte
	// Sampled tells that what belongs to the trace is recorded.
	Sampled bool
	// State is the tracestate that came with Parent.
	State string
	// Text is what a traceparent says of Span.
	Text string
}

// TraceParentSize is the length in bytes of what a traceparent says.
const TraceParentSize = 55

// Kept tells whether there is a trace.
func (t *Trace) Kept() bool { return t.ID != [16]byte{} }

// NewTraceID returns the id of a new trace. It is no secret.
func NewTraceID() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())   //nolint:gosec // no secret
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1) //nolint:gosec // never zero
	return id
}

// NewSpanID returns the id of a new part of a trace. It is no secret.
func NewSpanID() (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1) //nolint:gosec // never zero
	return id
}

// Of what is said of a trace: "00-" and the trace, "-" and the parent, "-" and the flags.
const (
	traceBegin  = 3
	traceEnd    = traceBegin + 32
	parentBegin = traceEnd + 1
	parentEnd   = parentBegin + 16
)

// ParentText returns what the traceparent of a request says that a part of the trace makes. The id of the trace is in it, as TraceText says.
func (t *Trace) ParentText(span [8]byte) string {
	var text [TraceParentSize]byte
	return string(t.AppendParent(text[:0], span))
}

// AppendParent appends what ParentText returns.
func (t *Trace) AppendParent(dst []byte, span [8]byte) []byte {
	text := [TraceParentSize]byte{0: '0', 1: '0', 2: '-', traceEnd: '-', parentEnd: '-', parentEnd + 1: '0', parentEnd + 2: '0'}
	hex.Encode(text[traceBegin:traceEnd], t.ID[:])
	hex.Encode(text[parentBegin:parentEnd], span[:])
	if t.Sampled {
		text[parentEnd+2] = '1'
	}
	return append(dst, text[:]...)
}

// TraceText returns the id of the trace that stands in what ParentText returned.
func TraceText(parent string) string { return parent[traceBegin:traceEnd] }
