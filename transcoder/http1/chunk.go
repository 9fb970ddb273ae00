// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"

	"golang.org/x/net/http/httpguts"

	"github.com/dragoman-gateway/dragoman/transcoder/head"
)

// What a body in chunks may have beside its data.
const (
	// maxExtensions is how many bytes of extensions all chunks of a body may have (threat D12).
	maxExtensions = 4 << 10
	// maxTrailers is how many bytes of trailers there may be. Nothing of a request stands in them.
	maxTrailers = 4 << 10
	// maxSizeDigits is how many digits the size of a chunk may have: more would be more bytes than can be counted.
	maxSizeDigits = 15
	// maxChunkLine is how long the line may be that a chunk begins with.
	maxChunkLine = maxSizeDigits + maxExtensions
)

// What is wrong with the chunks of a body.
const (
	errChunkLine  = head.Malformed("a chunk begins with no size")
	errChunkEnd   = head.Malformed("a chunk is longer than its size")
	errExtensions = head.Malformed("the chunks have too many extensions")
	errTrailers   = head.Malformed("the trailers are too large")
	errTrailer    = head.Malformed("a trailer is no field")
)

// chunks is where a body in chunks has been read up to (RFC 9112 section 7.1).
type chunks struct {
	left       int64 // of the chunk's data
	ending     bool  // what ends the data of a chunk comes next
	trailing   bool  // trailers come, and then the end
	over       bool
	extensions int
	trailers   int
}

// next reads over what stands between the data of two chunks, as far as b has it. It returns how many bytes of b it has read; when it has read none and
// there is no error, b has not enough.
func (c *chunks) next(b []byte) (int, error) {
	switch {
	case c.ending:
		if len(b) > 0 && b[0] != '\r' || len(b) > 1 && b[1] != '\n' {
			return 0, errChunkEnd
		}
		if len(b) < len("\r\n") {
			return 0, nil
		}
		c.ending = false
		return len("\r\n"), nil
	case c.trailing:
		return c.trailer(b)
	}
	line, n, err := lineOf(b, maxChunkLine, errChunkLine)
	if n == 0 {
		return 0, err
	}
	size, digits := int64(0), 0
	for digits < len(line) {
		d := hexDigit(line[digits])
		if d < 0 {
			break
		}
		if digits++; digits > maxSizeDigits {
			return 0, errChunkLine
		}
		size = size<<4 | int64(d)
	}
	if digits == 0 {
		return 0, errChunkLine
	}
	if extension := line[digits:]; len(extension) > 0 {
		if bare := bytes.TrimLeft(extension, " \t"); len(bare) == 0 || bare[0] != ';' || !httpguts.ValidHeaderFieldValue(string(bare)) {
			return 0, errChunkLine
		}
		if c.extensions += len(extension); c.extensions > maxExtensions {
			return 0, errExtensions
		}
	}
	c.left = size
	c.trailing = size == 0
	return n, nil
}

// trailer reads a line of trailers, or the empty one behind them.
func (c *chunks) trailer(b []byte) (int, error) {
	line, n, err := lineOf(b, maxTrailers, errTrailers)
	if n == 0 {
		return 0, err
	}
	if c.trailers += n; c.trailers > maxTrailers {
		return 0, errTrailers
	}
	if len(line) == 0 {
		c.over = true
		return n, nil
	}
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !httpguts.ValidHeaderFieldName(string(name)) || !httpguts.ValidHeaderFieldValue(string(bytes.Trim(value, " \t"))) {
		return 0, errTrailer
	}
	return n, nil
}

// lineOf returns the line that b begins with, and its length with CR LF; 0 if its end is not there. The error tells that it is no line, or longer
// than most.
func lineOf(b []byte, most int, tooLong error) (line []byte, n int, err error) {
	i := bytes.IndexByte(b, '\n')
	switch {
	case i < 0 && len(b) > most, i > most:
		return nil, 0, tooLong
	case i < 0:
		if j := bytes.IndexByte(b, '\r'); j >= 0 && j < len(b)-1 {
			return nil, 0, errChunkLine
		}
		return nil, 0, nil
	case i == 0 || b[i-1] != '\r' || bytes.IndexByte(b[:i-1], '\r') >= 0:
		return nil, 0, errChunkLine
	}
	return b[:i-1], i + 1, nil
}

func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// took notes that n bytes of a chunk's data were read.
func (c *chunks) took(n int) {
	if c.left -= int64(n); c.left == 0 {
		c.ending = true
	}
}
