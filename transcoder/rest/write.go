// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Header writes nothing: the head waits for the first message, the end or a heartbeat, so that an error before it has its
// proper status (T134).
func (f *framer) Header(*transcoder.Call, *transcoder.Out) { f.headerCame = true }

// Message writes a message of the answer, with the head if it is the first.
func (f *framer) Message(c *transcoder.Call, m transcoder.Message, out *transcoder.Out) error {
	defer m.Free()
	data := m.View()
	code := 0
	if !f.started {
		var err error
		if code, err = f.success(c); err != nil {
			return err
		}
	}
	body := buffers.Take()
	contentType, fields, err := f.appendBody(body, data)
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
	if !f.started {
		f.streamHead(c, out, code, contentType)
	}
	out.Flush = true
	f.data(c, body, out)
	return nil
}

// appendBody appends a message as the body or, of a stream, as a record of it. It returns the content type if it is a
// google.api.HttpBody's, and the fields of the message that are sent as header fields.
func (f *framer) appendBody(body *[]byte, message []byte) (contentType string, fields wire.Header, err error) {
	if f.records == nil {
		fields, options := f.toHeader(message)
		contentType, err = f.encode(body, message, options)
		return contentType, fields, err
	}
	if !f.started {
		*body = f.records.begin(*body)
	}
	if f.records.format == StreamDelimited {
		f.records.n++
		if fd := f.route.binding.ResponseField; fd != nil {
			message = lastField(message, fd.Number())
		}
		*body = delimited(*body, message)
		return "", nil, nil
	}
	id := ""
	if f.records.id != nil {
		text, _ := f.text(f.records.id, message)
		id = eventID(text)
	}
	*body = f.records.open(*body, id)
	if _, err = f.encode(body, message, &f.config.Encode); err != nil {
		return "", nil, err
	}
	*body = f.records.close(*body)
	return "", nil, nil
}

// streamHead writes the head of a stream's answer.
func (f *framer) streamHead(c *transcoder.Call, out *transcoder.Out, code int, contentType string) {
	if f.records != nil {
		contentType = f.records.format.contentType()
		f.records.headFields(&f.extra)
	}
	f.head(c, out, code, contentType)
}

// whole writes an answer of one message.
func (f *framer) whole(c *transcoder.Call, code int, contentType string, message []byte, body *[]byte, out *transcoder.Out) {
	contentType = f.answerType(contentType)
	tag := ""
	if f.reads(c) && code == http.StatusOK {
		tag = f.tag(message, *body)
		if f.config.CacheControl != "" {
			f.extra.Add("cache-control", f.config.CacheControl)
		}
	}
	if e := f.encoding(c, contentType, len(*body)); e != nil && !bodiless(code) {
		var packed bool
		if body, packed = f.compress(body, e); packed {
			f.extra.Add("content-encoding", e.Name())
			if tag != "" { // another representation has another strong tag
				tag = strings.TrimSuffix(tag, `"`) + "-" + e.Name() + `"`
			}
		}
	}
	if tag != "" {
		f.extra.Add("etag", tag)
		for _, h := range c.Request.Header {
			if h.Name == "if-none-match" && wire.NoneMatch(h.Value, tag) {
				code = http.StatusNotModified
			}
		}
	}
	if bodiless(code) {
		buffers.Put(body)
		f.extra.Del("content-encoding")
		f.head(c, out, code, "")
		return
	}
	f.head(c, out, code, contentType)
	f.length(c, out, len(*body))
	f.data(c, body, out)
}

// tag returns the entity tag of an answer; "" for none (T202).
func (f *framer) tag(message, body []byte) string {
	switch {
	case f.config.ETag == ETagContent:
		return contentTag(body)
	case f.route.etag != nil:
		value, _ := f.text(f.route.etag, message)
		return tagOf(value)
	}
	return ""
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
	if c.Request.Major >= 2 || c.Request.Method == http.MethodHead || !f.sendsTrailers(c) {
		out.Header.Add("content-length", strconv.Itoa(n))
		return
	}
	trailers := f.appendAnswer(nil, c.Trailer, trailerPrefix)
	for _, field := range trailers {
		out.Header.Add("trailer", field.Name)
	}
	if len(trailers) == 0 {
		out.Header.Add("content-length", strconv.Itoa(n))
	}
}

func (f *framer) answerType(fromBody string) string {
	if fromBody != "" {
		return fromBody
	}
	return "application/json"
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
	const own = 8 // of the gateway's own fields
	out.Header = slices.Grow(out.Header, own+len(f.extra)+len(c.Header))
	if contentType != "" {
		out.Header.Add("content-type", contentType)
		out.Header.Add("x-content-type-options", "nosniff") // T118, threat E12
	}
	out.Header = append(out.Header, f.extra...)
	out.Header = f.appendAnswer(out.Header, c.Header, metadataPrefix)
	if !f.sendsTrailers(c) && c.Method != nil && !c.Method.ServerStreams {
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
	return wire.NotForBrowser(name) || name == f.config.StatusHeader || f.extra.Has(name)
}

// sendsTrailers tells whether a client is sent trailers: in HTTP/1.1 it must say that it wants them (T168). In HTTP/3 as well: Chromium
// now and then takes an answer that ends in trailers, which pages cannot read, for one that broke off.
func (f *framer) sendsTrailers(c *transcoder.Call) bool {
	if f.config.TrailersOnRequest {
		return asksForTrailers(c) && (c.Method == nil || !c.Method.ServerStreams)
	}
	return c.Request.Major == 2 || asksForTrailers(c)
}

// asksForTrailers tells whether a client says that it takes trailers.
func asksForTrailers(c *transcoder.Call) bool {
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

// End ends the answer. What failed midway is never ended as if it were whole: a form that can say so does (T136), and all
// others are cut off (T128).
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
	case f.records != nil:
		f.endRecords(c, out)
	case c.Err != nil:
		out.End = transcoder.EndAbort
	}
	if out.End == transcoder.EndClean && c.Request.Method != http.MethodHead && f.sendsTrailers(c) {
		out.Trailer = f.appendAnswer(out.Trailer, c.Trailer, trailerPrefix) // T168
	}
}

// endRecords writes the end of a stream.
func (f *framer) endRecords(c *transcoder.Call, out *transcoder.Out) {
	body := buffers.Take()
	if c.Err == nil {
		*body = f.records.finish(*body)
	} else {
		var ok bool
		*body, ok = f.records.fail(*body, func(dst []byte) []byte { return f.config.errors.append(dst, f, c) })
		if !ok {
			out.End = transcoder.EndAbort
		}
	}
	f.data(c, body, out)
}

// empty writes the head of an answer without a message: a stream that ended at once (T135). The status may still be refused.
func (f *framer) empty(c *transcoder.Call, out *transcoder.Out) {
	code, err := f.success(c)
	if err != nil {
		c.Err = err
		return
	}
	if f.route.rawBody {
		f.raw = true
	}
	f.streamHead(c, out, code, defaultContentType)
	if f.records != nil {
		body := buffers.Take()
		*body = f.records.begin(*body)
		f.data(c, body, out)
	}
}

// Beats is how often an answer is kept alive whose form can be.
func (f *framer) Beats(c *transcoder.Call) time.Duration {
	if f.records == nil {
		return 0
	}
	if _, ok := f.records.beat(nil); !ok {
		return 0
	}
	return c.Request.Heartbeat()
}

// Heartbeat writes a sign of life, and the head if it is not written: from then on the answer is a success, and an error comes as a
// record (T134).
func (f *framer) Heartbeat(c *transcoder.Call, out *transcoder.Out) {
	body := buffers.Take()
	if !f.started {
		// What the backend sends as header may be on its way, and comes too late.
		silent := &transcoder.Call{Request: c.Request, RequestID: c.RequestID, Method: c.Method}
		if f.headerCame {
			silent.Header = c.Header
		}
		f.streamHead(silent, out, f.config.SuccessStatus, "")
		*body = f.records.begin(*body)
	}
	*body, _ = f.records.beat(*body)
	out.Flush = true
	f.data(c, body, out)
}

// refuse writes an answer that is an error and nothing else.
func (f *framer) refuse(c *transcoder.Call, out *transcoder.Out) {
	body := buffers.Take()
	*body = f.appendRefusal(*body, c)
	f.extra.Add("cache-control", "no-store") // T203
	if !c.HideReason {
		f.extra.Add(transcoder.ReasonHeader, string(c.Reason()))
	}
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

// backendMessageError says that a backend's message cannot be said in JSON (T120), or that it is not to be, because it holds an
// Any of a type that nobody here knows (T116).
func backendMessageError(err error) error {
	e := &status.Error{
		Code: codes.Internal, Reason: status.ReasonSchemaMismatch, HTTP: http.StatusBadGateway, Cause: err,
		Message: "the backend's answer does not fit its schema",
	}
	if bad, ok := errors.AsType[*codec.Error](err); ok && bad.Kind == codec.KindAnyType {
		e.HTTP, e.Message = http.StatusInternalServerError, "the backend's answer holds a message of a type that is not in the schema"
	}
	return e
}
