// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// elements cuts the body of a client's stream into JSON values as it comes (T141). It finds where a value ends and does not look at
// whether it is one: that is the codec's.
type elements struct {
	array  bool // one JSON array; else a value on each line
	values bool // neither of the two: values that follow each other
	limit  int64

	data  []byte // what was pushed and not compacted away
	buf   []byte // the part of data that is not yet used
	at    int    // how much of buf was looked at
	state arrayState
	depth int  // of brackets and braces in the value at hand
	text  bool // at is inside a string
	slash bool // behind a backslash in it
}

// arrayState is where in an array at is.
type arrayState uint8

const (
	arrayBefore arrayState = iota // nothing has come yet
	arrayFirst                    // behind the bracket: a value or the end
	arrayValue                    // at a value
	arrayInside                   // in a value
	arrayBehind                   // behind a value: a comma or the end
	arrayAfter                    // behind the array
)

// push moves what is not used to the front once for each piece, and not once for each value.
func (e *elements) push(data []byte) {
	e.data = append(e.data[:copy(e.data, e.buf)], data...)
	e.buf = e.data
}

// next returns the next value; more says that it is not there yet, end that there are no more. last says that all of the body was
// pushed. The value is good until the next push.
func (e *elements) next(last bool) (value []byte, more, end bool, err error) {
	switch {
	case e.values:
		value, more, end, err = e.nextValue(last)
	case e.array:
		value, more, end, err = e.nextOfArray(last)
	default:
		value, more, end, err = e.nextLine(last)
	}
	if err == nil && (int64(len(value)) > e.limit || more && int64(len(e.buf)) > e.limit) {
		err = tooLarge(e.limit)
	}
	return value, more, end, err
}

// take returns the first n bytes of what is not used, without drop bytes behind them.
func (e *elements) take(n, drop int) []byte {
	value := e.buf[:n:n]
	e.buf = e.buf[n+drop:]
	e.at = 0
	return value
}

// nextLine returns the next line that is not blank. What begins a record of a JSON text sequence is taken for space.
func (e *elements) nextLine(last bool) (value []byte, more, end bool, err error) {
	for {
		i := bytes.IndexByte(e.buf[e.at:], '\n')
		var line []byte
		switch {
		case i >= 0:
			line = e.take(e.at+i, 1)
		case !last:
			e.at = len(e.buf)
			return nil, true, false, nil
		case len(e.buf) == 0:
			return nil, false, true, nil
		default:
			line = e.take(len(e.buf), 0)
		}
		if line = bytes.Trim(line, " \t\r\x1e"); len(line) > 0 {
			return line, false, false, nil
		}
	}
}

func arrayError(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, status.ReasonBadJSON, "body: "+format, args...)
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skip drops white space; it is false when nothing else is there.
func (e *elements) skip() bool {
	i := 0
	for i < len(e.buf) && space(e.buf[i]) {
		i++
	}
	e.take(i, 0)
	return len(e.buf) > 0
}

func (e *elements) nextOfArray(last bool) (value []byte, more, end bool, err error) {
	for {
		if e.state != arrayInside && !e.skip() {
			switch {
			case !last:
				return nil, true, false, nil
			case e.state == arrayBefore || e.state == arrayAfter: // no body at all is an empty stream
				return nil, false, true, nil
			}
			return nil, false, false, arrayError("the array ends before its last element does")
		}
		switch e.state {
		case arrayBefore:
			if e.buf[0] != '[' {
				return nil, false, false, arrayError("it must be an array of messages; for a message on each line send application/x-ndjson")
			}
			e.take(1, 0)
			e.state = arrayFirst
		case arrayFirst:
			if e.buf[0] == ']' {
				e.take(1, 0)
				e.state = arrayAfter
				continue
			}
			e.state = arrayValue
		case arrayValue:
			if c := e.buf[0]; c == ',' || c == ']' {
				return nil, false, false, arrayError("an element of the array is missing")
			}
			e.state, e.depth, e.text, e.slash = arrayInside, 0, false, false
		case arrayInside:
			n, found := e.elementSize()
			switch {
			case found:
				e.state = arrayBehind
				return bytes.TrimRight(e.take(n, 0), " \t\r\n"), false, false, nil
			case last:
				return nil, false, false, arrayError("the array ends before its last element does")
			}
			return nil, true, false, nil
		case arrayBehind:
			switch c := e.buf[0]; c {
			case ',':
				e.state = arrayValue
			case ']':
				e.state = arrayAfter
			default:
				return nil, false, false, arrayError("there is no comma between two elements of the array")
			}
			e.take(1, 0)
		case arrayAfter:
			return nil, false, false, arrayError("there is something behind the array")
		}
	}
}

// elementSize returns how long the value at the beginning of buf is, once its end is there: an object, array or string ends by itself, so that
// it is passed on before what follows has come, and anything else at the comma or the bracket behind it.
func (e *elements) elementSize() (int, bool) {
	if c := e.buf[0]; c == '{' || c == '[' || c == '"' {
		return e.valueSize()
	}
	n := bytes.IndexAny(e.buf[e.at:], ",]")
	if n < 0 {
		e.at = len(e.buf)
		return 0, false
	}
	return e.at + n, true
}
