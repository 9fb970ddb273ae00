// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Streams says how the answers of methods that stream are written.
type Streams struct {
	// Format is the form for clients that take any; "" means StreamNDJSON.
	Format StreamFormat
	// SSEID is the name of a field of the message whose value is the id of an event; "" numbers the events from 1 (T137).
	SSEID string
	// SSERetry is how long an EventSource waits before it connects again; 0 leaves it to the browser.
	SSERetry time.Duration
	// BindEvery binds path and query into every message of a client's stream; else only into the first (T142).
	BindEvery bool
	// ValuesInBody reads the body of a client's stream as JSON values that follow each other, whatever its type; else it is an array,
	// or a value on each line (T141).
	ValuesInBody bool
}

// recordSeparator begins each record of a JSON text sequence (RFC 7464, section 2.2).
const recordSeparator = 0x1e

// records writes the messages of a stream in one form. It is the state of one answer.
type records struct {
	format StreamFormat
	id     *codec.Field // of the event, or nil
	retry  time.Duration
	n      int64 // records so far
}

// begin appends what stands before the first record.
func (r *records) begin(dst []byte) []byte {
	if r.format == StreamSSE && r.retry > 0 {
		dst = append(dst, "retry: "...)
		dst = strconv.AppendInt(dst, r.retry.Milliseconds(), 10)
		dst = append(dst, "\n\n"...)
	}
	return dst
}

// open appends what stands before the JSON of a record. id is the event's own, "" for its number.
func (r *records) open(dst []byte, id string) []byte {
	r.n++
	switch r.format {
	case StreamArray:
		if r.n == 1 {
			return append(dst, '[')
		}
		return append(dst, ",\n"...)
	case StreamSSE:
		dst = append(dst, "id: "...)
		if id != "" {
			dst = append(dst, id...)
		} else {
			dst = strconv.AppendInt(dst, r.n, 10)
		}
		return append(dst, "\ndata: "...)
	case StreamJSONSeq:
		return append(dst, recordSeparator)
	case StreamWrapped:
		return append(dst, `{"result":`...)
	case StreamNDJSON, StreamDelimited:
	}
	return dst
}

// close appends what stands behind the JSON of a record (T133).
func (r *records) close(dst []byte) []byte {
	switch r.format {
	case StreamArray, StreamDelimited:
		return dst
	case StreamSSE:
		return append(dst, "\n\n"...)
	case StreamWrapped:
		return append(dst, "}\n"...)
	case StreamNDJSON, StreamJSONSeq:
	}
	return append(dst, '\n')
}

// finish appends the end of a stream that is whole.
func (r *records) finish(dst []byte) []byte {
	switch r.format {
	case StreamArray:
		if r.n == 0 {
			return append(dst, "[]"...) // T135
		}
		return append(dst, ']')
	case StreamSSE:
		return append(dst, "event: end\ndata: {}\n\n"...) // T137: EventSource would else connect again, for ever
	case StreamNDJSON, StreamJSONSeq, StreamDelimited, StreamWrapped:
	}
	return dst
}

// fail appends the end of a stream that broke off, with the body of its error. It is false where the form has no way to say so; then
// the answer must end so that nobody takes it for whole (T136).
func (r *records) fail(dst []byte, body func([]byte) []byte) ([]byte, bool) {
	switch r.format {
	case StreamNDJSON, StreamWrapped:
		dst = append(dst, `{"error":`...)
		return append(body(dst), "}\n"...), true
	case StreamSSE:
		dst = append(dst, "event: error\ndata: "...)
		return append(body(dst), "\n\n"...), true
	case StreamArray, StreamJSONSeq, StreamDelimited:
	}
	return dst, false
}

// beat appends what keeps an answer alive and is no record (T133). It is false where the form has nothing of the kind.
func (r *records) beat(dst []byte) ([]byte, bool) {
	if r.format == StreamSSE {
		return append(dst, ": \n\n"...), true
	}
	return dst, false
}

// delimited appends a message with its length before it.
func delimited(dst, message []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(message)))
	return append(dst, message...)
}

// headFields are what the head of a stream says to proxies and caches (T137).
func (r *records) headFields(h *wire.Header) {
	h.Add("cache-control", "no-store, no-transform")
	if r.format == StreamSSE {
		h.Add("x-accel-buffering", "no") // nginx holds answers back else
	}
}

// eventID returns an id that can stand in an event.
func eventID(id string) string {
	if strings.ContainsAny(id, "\r\n\x00") {
		return ""
	}
	return id
}

// lastEventID passes on the id of the last event that an EventSource has seen (T137).
func lastEventID(c *transcoder.Call) {
	const name = "last-event-id"
	if id := c.Request.Header.Get(name); id != "" && wire.ValidValue(id) {
		c.Metadata.Set(name, id)
	}
}
