// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Header does nothing: the head waits for the first message or the end, so that an error before it has its
// proper status (T134).
func (f *framer) Header(*transcoder.Call, *transcoder.Out) {}

// Message writes a message of the answer, with the head if it is the first.
func (f *framer) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
	data, free := m.Bytes()
	defer free()
	code := 0
	if !f.started {
		var err error
		if code, err = f.success(c); err != nil {
			return err
		}
	}
	fields, options := f.toHeader(data)
	body := buffers.Take()
	contentType, err := f.encode(body, data, options)
	if err != nil {
		buffers.Put(body)
		return backendMessageError(err)
	}
	f.raw = f.raw || contentType != ""
	if !f.started {
		f.extra = append(f.extra, fields...)
	}
	if !c.Method.ServerStreams {
		f.whole(c, code, contentType, data, body, out)
		return nil
	}
	if !f.raw {
		*body = append(*body, '\n')
	}
	if !f.started {
		f.head(c, out, code, f.answerType(c, contentType))
	}
	out.Flush = true
	f.data(c, body, out)
	return nil
}

// whole writes an answer of one message.
func (f *framer) whole(c *transcoder.Call, code int, contentType string, message []byte, body *[]byte, out *transcoder.Out) {
	if f.reads(c) && code == http.StatusOK {
		tag := ""
		switch {
		case f.config.ETag == ETagContent:
			tag = contentTag(*body)
		case f.route.etag != nil:
			value, _ := f.text(f.route.etag, message)
			tag = tagOf(value)
		}
		if tag != "" {
			f.extra.Add("etag", tag)
			for _, h := range c.Request.Header {
				if h.Name == "if-none-match" && noneMatch(h.Value, tag) {
					code = http.StatusNotModified
				}
			}
		}
		if f.config.CacheControl != "" {
			f.extra.Add("cache-control", f.config.CacheControl)
		}
	}
	if bodiless(code) {
		buffers.Put(body)
		f.head(c, out, code, "")
		return
	}
	f.head(c, out, code, f.answerType(c, contentType))
	f.length(c, out, len(*body))
	f.data(c, body, out)
}

// reads tells whether a request is one that caches answer.
func (f *framer) reads(c *transcoder.Call) bool {
	return c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
}

// data writes a piece of a body, which answers to HEAD do not have (T43).
func (f *framer) data(c *transcoder.Call, body *[]byte, out *transcoder.Out) {
	if c.Request.Method == http.MethodHead {
		buffers.Put(body)
		return
	}
	out.Data = append(out.Data, mem.NewBuffer(body, &buffers))
}

// length says how long a body is, or, in HTTP/1.1, which trailers come behind it: it cannot have both.
func (f *framer) length(c *transcoder.Call, out *transcoder.Out, n int) {
	if c.Request.Major >= 2 || c.Request.Method == http.MethodHead || !takesTrailers(c) {
		out.Header.Add("content-length", strconv.Itoa(n))
		return
	}
	announced := false
	for _, field := range c.Trailer {
		if !f.dropped(field.Name) {
			out.Header.Add("trailer", field.Name)
			announced = true
		}
	}
	if !announced {
		out.Header.Add("content-length", strconv.Itoa(n))
	}
}

func (f *framer) answerType(c *transcoder.Call, fromBody string) string {
	switch {
	case fromBody != "":
		return fromBody
	case c.Method.ServerStreams:
		return "application/x-ndjson"
	default:
		return "application/json"
	}
}

// success returns the HTTP status of an answer that is no error (T121).
func (f *framer) success(c *transcoder.Call) (int, error) {
	if name := f.config.StatusHeader; name != "" && c.Header.Has(name) {
		value := c.Header.Get(name)
		code, err := strconv.Atoi(value)
		if err != nil || !slices.Contains(f.config.StatusAllowed, code) {
			return 0, &status.Error{
				Code: codes.Internal, Reason: status.ReasonBackendError, HTTP: http.StatusBadGateway,
				Message: "the backend chose an HTTP status that is not allowed",
			}
		}
		if location := c.Header.Get("location"); location != "" && (code == http.StatusCreated || code >= 300) {
			f.extra.Add("location", location)
		}
		return code, nil
	}
	if f.config.NoContentForEmpty && f.route.binding.ResponseField == nil && f.route.answer.Descriptor().FullName() == "google.protobuf.Empty" &&
		!c.Method.ServerStreams {
		return http.StatusNoContent, nil
	}
	return f.config.SuccessStatus, nil
}

// head writes the head of an answer, once.
func (f *framer) head(c *transcoder.Call, out *transcoder.Out, code int, contentType string) {
	f.started = true
	out.Status = code
	if contentType != "" {
		out.Header.Add("content-type", contentType)
		out.Header.Add("x-content-type-options", "nosniff") // T118, threat E12
	}
	out.Header = append(out.Header, f.extra...)
	for _, field := range c.Header {
		if !f.dropped(field.Name) {
			out.Header = append(out.Header, field)
		}
	}
	if !takesTrailers(c) && c.Method != nil && !c.Method.ServerStreams {
		for _, field := range c.Trailer {
			if slices.Contains(f.config.TrailersAsHeaders, field.Name) && !f.dropped(field.Name) {
				out.Header = append(out.Header, field)
			}
		}
	}
	if c.RequestID != "" {
		out.Header.Add("x-request-id", c.RequestID)
	}
}

// dropped tells whether a field of the backend's metadata is not sent to the client.
func (f *framer) dropped(name string) bool {
	return droppedAnswer(name) || name == f.config.StatusHeader || f.extra.Has(name)
}

// takesTrailers tells whether a client is sent trailers: in HTTP/1.1 it must say that it wants them (T168).
func takesTrailers(c *transcoder.Call) bool {
	if c.Request.Major >= 2 {
		return true
	}
	for _, field := range c.Request.Header {
		if field.Name != "te" {
			continue
		}
		for token := range strings.SplitSeq(field.Value, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "trailers") {
				return true
			}
		}
	}
	return false
}

// End ends the answer. What failed midway is never ended as if it were whole: a stream of JSON lines ends with an
// error line (T136), a body of raw bytes is cut off (T128).
func (f *framer) End(c *transcoder.Call, out *transcoder.Out) {
	out.End = transcoder.EndClean
	if f.bare == 0 && c.Err == nil && !f.started {
		f.empty(c, out)
	}
	switch {
	case f.bare != 0:
		f.head(c, out, f.bare, "")
	case !f.started:
		f.refuse(c, out)
	case c.Err != nil && f.raw:
		out.End = transcoder.EndAbort
	case c.Err != nil && c.Method.ServerStreams:
		line := buffers.Take()
		*line = append(*line, `{"error":`...)
		*line = f.config.errors.append(*line, f, c)
		*line = append(*line, "}\n"...)
		out.Data = append(out.Data, mem.NewBuffer(line, &buffers))
	case c.Err != nil:
		out.End = transcoder.EndAbort
	}
	if out.End == transcoder.EndClean && c.Request.Method != http.MethodHead && takesTrailers(c) {
		for _, field := range c.Trailer {
			if !f.dropped(field.Name) {
				out.Trailer = append(out.Trailer, field) // T168
			}
		}
	}
}

// empty writes the head of an answer without a message: a stream that ended at once. The status may still be refused.
func (f *framer) empty(c *transcoder.Call, out *transcoder.Out) {
	code, err := f.success(c)
	if err != nil {
		c.Err = err
		return
	}
	contentType := f.answerType(c, "")
	if f.route.rawBody {
		f.raw, contentType = true, defaultContentType
	}
	f.head(c, out, code, contentType)
}

// refuse writes an answer that is an error and nothing else.
func (f *framer) refuse(c *transcoder.Call, out *transcoder.Out) {
	body := buffers.Take()
	*body = f.config.errors.append(*body, f, c)
	f.extra.Add("cache-control", "no-store") // T203
	f.extra.Add("x-dragoman-reason", string(c.Reason()))
	code := status.HTTPOf(c.Err)
	if challenge := status.ChallengeOf(c.Err); challenge != "" && code == http.StatusUnauthorized {
		f.extra.Add("www-authenticate", challenge) // T157
	}
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		if after, ok := status.RetryAfter(c.Err); ok {
			f.extra.Add("retry-after", strconv.FormatInt(after, 10)) // T158
		}
	}
	f.head(c, out, code, f.config.errors.contentType)
	f.length(c, out, len(*body))
	f.data(c, body, out)
}

// backendMessageError says that a backend's message cannot be said in JSON (T120).
func backendMessageError(err error) error {
	return &status.Error{
		Code: codes.Internal, Reason: status.ReasonSchemaMismatch, HTTP: http.StatusBadGateway, Cause: err,
		Message: "the backend's answer does not fit its schema",
	}
}
