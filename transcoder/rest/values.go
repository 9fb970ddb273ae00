// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

// nextValue returns the next of JSON values that follow each other, with white space between them or none, as grpc-gateway reads
// the body of a client's stream (T141). Like the other forms it finds where a value ends, and not whether it is one.
func (e *elements) nextValue(last bool) (value []byte, more, end bool, err error) {
	if e.state != arrayInside {
		if !e.skip() {
			return nil, !last, last, nil
		}
		e.state, e.depth, e.text, e.slash = arrayInside, 0, false, false
	}
	n, found := e.valueSize()
	switch {
	case found:
	case last:
		n = len(e.buf)
	default:
		return nil, true, false, nil
	}
	e.state = arrayBefore
	return e.take(n, 0), false, false, nil
}

// valueSize returns how long the value at the beginning of buf is, once its end is there: an object, array or string ends by itself,
// and anything else where something else begins.
func (e *elements) valueSize() (int, bool) {
	bare := e.buf[0] != '{' && e.buf[0] != '[' && e.buf[0] != '"'
	for ; e.at < len(e.buf); e.at++ {
		c := e.buf[e.at]
		switch {
		case e.text:
			switch {
			case e.slash:
				e.slash = false
			case c == '\\':
				e.slash = true
			case c == '"':
				e.text = false
			}
		case bare:
			if e.at > 0 && (space(c) || c == '{' || c == '[' || c == '"') {
				return e.at, true
			}
			continue
		case c == '"':
			e.text = true
		case c == '{' || c == '[':
			e.depth++
		case c == '}' || c == ']':
			e.depth--
		}
		if e.depth <= 0 && !e.text && !bare {
			e.at++
			return e.at, true
		}
	}
	return 0, false
}
