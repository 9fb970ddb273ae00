// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// maxError is how many bytes are kept of an event that may be an error. Of a longer one the code is not known.
const maxError = 1 << 20

// readEvents hands on Server-Sent Events as they come, of which one may be the error at the end: a gateway that gives up a stream ends its
// answer as well as one that is through with it, and nothing but this event tells them apart.
func readEvents(ctx context.Context, call *Call, body io.Reader) error {
	var e events
	if err := readRaw(ctx, call, io.TeeReader(body, &e)); err != nil {
		return err
	}
	if e.failure != nil {
		return e.failure
	}
	return nil
}

// events looks for errors among events that are written to it.
//
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
type events struct {
	line    []byte // so far
	name    string
	data    []byte
	failure *Failure // the last
}

// Write implements io.Writer.
func (e *events) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		e.line = append(e.line, line[:min(len(line), maxError-len(e.line))]...)
		if ended {
			e.end(bytes.TrimSuffix(e.line, []byte("\r")))
			e.line = e.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

// end takes a line that is whole.
func (e *events) end(line []byte) {
	if len(line) == 0 {
		if e.name == "error" {
			e.failure = failureOf(http.StatusInternalServerError, e.data)
		}
		e.name, e.data = "", e.data[:0]
		return
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "event":
		e.name = string(value)
	case "data":
		if len(e.data) > 0 {
			value = append([]byte("\n"), value...)
		}
		e.data = append(e.data, value[:min(len(value), maxError-len(e.data))]...)
	}
}
