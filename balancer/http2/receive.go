// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/internal/buffers"
	"github.com/dragoman-gateway/dragoman/internal/frames"
	"github.com/dragoman-gateway/dragoman/internal/percent"
)

// fill reads a piece of a message, at most n bytes; it returns how many. It is called by the reader, which holds mu; it is given up while something
// is waited for.
func (c *Conn) fill(s *Stream, n int) (int, error) {
	took := 0
	if s.left < 0 {
		took = min(n, prefixSize-s.have)
		if err := c.read(s.prefix[s.have : s.have+took]); err != nil {
			return 0, err
		}
		s.have += took
	} else {
		if s.part == nil {
			s.begin()
		}
		took = min(n, len(s.part)-s.got)
		if err := c.read(s.part[s.got : s.got+took]); err != nil {
			return 0, err
		}
		s.got += took
		s.left -= took
	}
	if s.whole || len(s.ready) == 0 {
		c.grant(s, took) // or a message that is larger than the window would never be whole
	} else {
		s.owed += took
	}
	switch {
	case s.over: // while something was waited for
	case s.left < 0:
		if s.have == prefixSize {
			s.have = 0
			s.measure()
		}
	case s.got == len(s.part):
		s.add()
		if s.left == 0 {
			s.complete()
		}
	}
	return took, nil
}

// measure looks at the prefix of a message.
func (s *Stream) measure() {
	size := binary.BigEndian.Uint32(s.prefix[1:])
	switch {
	case int64(size) > int64(s.most):
		s.abort(frames.Cancel, status.Newf(codes.ResourceExhausted, "grpc: received message larger than max (%d vs. %d)", size, s.most))
		return
	case s.prefix[0] > 1:
		s.abort(frames.Cancel, status.Newf(codes.Internal, "grpc: received unexpected payload format %d", s.prefix[0]))
		return
	case s.whole && len(s.ready) > 0:
		s.abort(frames.Cancel, errSecond)
		return
	}
	if s.left = int(size); s.left == 0 {
		s.complete()
	}
}

//nolint:gochecknoglobals // a constant
var errSecond = status.New(codes.Internal, "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message")

// begin gets memory for the next part of a message.
func (s *Stream) begin() {
	n := s.left
	switch {
	case n > wholePart || len(s.parts) > 0:
		n = min(n, largePart)
		s.lent = buffers.Pool.Get(n)
		s.part = (*s.lent)[:n]
	case s.whole:
		s.part = make([]byte, n)
	default:
		if cap(s.slab)-len(s.slab) < n {
			s.slab = make([]byte, 0, slabSize)
		}
		at := len(s.slab)
		s.slab = s.slab[:at+n]
		s.part = s.slab[at : at+n : at+n]
	}
	s.got = 0
}

// add adds a part that is full to the message.
func (s *Stream) add() {
	var b mem.Buffer = mem.SliceBuffer(s.part)
	if s.lent != nil {
		*s.lent = s.part
		b = mem.NewBuffer(s.lent, buffers.Pool)
	}
	if s.parts == nil && s.one[0] == nil {
		s.parts = s.one[:0]
	}
	s.parts = append(s.parts, b)
	s.part, s.lent = nil, nil
}

// complete hands a message over. The caller holds mu.
func (s *Stream) complete() {
	s.ready = append(s.ready, Message{Compressed: s.prefix[0] == 1, Data: s.parts})
	s.parts, s.left = nil, -1
	if !s.whole {
		s.signal()
	}
}

// end ends the call. The caller holds mu.
func (s *Stream) end(st *status.Status) {
	if s.over {
		return
	}
	s.over, s.st = true, st
	s.done.Store(true)
	s.signal()
	s.wakeSender()
}

// abort ends the call, and tells the server that nothing more of it is wanted. The caller holds mu.
func (s *Stream) abort(why frames.Code, st *status.Status) {
	if s.over {
		return
	}
	c := s.conn
	c.out.Pending = frames.AppendReset(c.out.Room(), s.id, why)
	c.out.urgent = true
	s.end(st)
	c.remove(s)
}

// Cancel ends the call with st, unless it has ended.
func (s *Stream) Cancel(st *status.Status) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if !s.over {
		s.abort(frames.Cancel, st)
		s.conn.send() // whoever cancels does not wait for a write
	}
}

// head takes in a head or trailers. The caller holds mu.
func (s *Stream) head(b *block) {
	first := !s.headed
	a := answer{code: codes.Unknown, initial: first}
	into := &s.header
	if !first || b.end {
		into = &s.trailer
	}
	for i := range b.fields {
		a.field(&b.fields[i], into)
	}
	if first && !b.end && a.broken == "" && informational(a.http) {
		*into = nil
		return // there is another head to come
	}
	s.answered = true
	s.conn.out.quick.read = max(s.conn.out.quick.read, s.behind)
	if st := a.wrong(); st != nil {
		s.trailer = nil
		s.abort(frames.ProtocolError, st)
		return
	}
	if first {
		s.headed = !b.end
		s.encoding = a.encoding
	}
	if !b.end {
		if !s.whole {
			s.signal()
		}
		return
	}
	st := a.status()
	if st.Code() == codes.OK && (s.have > 0 || s.left > 0) {
		st = status.New(codes.Internal, io.ErrUnexpectedEOF.Error())
	}
	if !s.closed {
		c := s.conn
		c.out.Pending = frames.AppendReset(c.out.Room(), s.id, frames.NoError)
		c.out.urgent = true
	}
	s.end(st)
	s.conn.remove(s)
}

// answer is what the fields say that gRPC and HTTP have.
type answer struct {
	initial  bool
	http     string
	strange  string // the content type, if it is none of gRPC's
	grpc     bool   // it is
	code     codes.Code
	message  string
	details  []string // of the status, as they are on the wire
	encoding string
	plain    bool   // a field has come that is no pseudo field
	broken   string // why the fields are none of HTTP/2
	unknown  string // why the status is none
	failure  string // why another field is none of gRPC
}

var errNegative = errors.New("it is below zero")

func (a *answer) field(f *hpack.HeaderField, into *[]Field) {
	if f.IsPseudo() {
		a.pseudo(f)
		return
	}
	a.plain = true
	if !wellFormed(f) {
		a.broken = fmt.Sprintf("the server breaks the rules of HTTP/2: a field is malformed: %q", f.Name)
		return
	}
	switch f.Name {
	case "grpc-status":
		a.gave(f.Value)
		return
	case "grpc-message":
		a.message = percent.Decode(f.Value)
		return
	case "content-type":
		if !isGRPC(f.Value) {
			a.strange = f.Value
			return
		}
		a.grpc = true
	case "grpc-encoding":
		a.encoding = f.Value
		return
	case "grpc-message-type", "grpc-timeout", "te":
		return
	case "grpc-status-details-bin":
		a.details = append(a.details, f.Value)
	}
	if strings.HasSuffix(f.Name, "-bin") {
		if _, err := DecodeBinary(f.Value); err != nil {
			a.failure = fmt.Sprintf("transport: malformed %s: %v", f.Name, err)
			return
		}
	}
	if *into == nil {
		*into = make([]Field, 0, someFields)
	}
	*into = append(*into, Field{f.Name, f.Value})
}

// gave takes in a status of gRPC's.
func (a *answer) gave(code string) {
	if code == "0" {
		a.code = codes.OK
		return
	}
	n, err := strconv.ParseInt(code, 10, 32)
	if n < 0 && err == nil {
		err = errNegative
	}
	if err != nil {
		a.unknown = fmt.Sprintf("transport: malformed grpc-status: %v", err)
	}
	a.code = codes.Code(n) //nolint:gosec // it is not below zero, or is not used
}

// pseudo takes in a field of HTTP/2's own (RFC 9113 section 8.3).
func (a *answer) pseudo(f *hpack.HeaderField) {
	if f.Name != ":status" || a.plain || a.http != "" {
		a.broken = fmt.Sprintf("the server breaks the rules of HTTP/2: %s is none of an answer, or not where it is to be", f.Name)
		return
	}
	a.http = f.Value
}

// wellFormed tells whether a field is one that HTTP/2 knows (RFC 9113 section 8.2.1): what is not could be more than one to whom it is handed on.
func wellFormed(f *hpack.HeaderField) bool {
	for i := range len(f.Name) {
		if c := f.Name[i]; 'A' <= c && c <= 'Z' || !httpguts.IsTokenRune(rune(c)) {
			return false
		}
	}
	return f.Name != "" && httpguts.ValidHeaderFieldValue(f.Value)
}

// someFields is for how many there is room at first.
const someFields = 4

// isGRPC tells whether a content type is one of gRPC's.
func isGRPC(contentType string) bool {
	const base = "application/grpc"
	rest, ok := strings.CutPrefix(contentType, base)
	if !ok {
		rest, ok = strings.CutPrefix(strings.ToLower(contentType), base)
	}
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// DecodeBinary reads a value that is binary, with padding or without.
func DecodeBinary(v string) (string, error) {
	encoding := base64.RawStdEncoding
	if len(v)%4 == 0 {
		encoding = base64.StdEncoding
	}
	b, err := encoding.DecodeString(v)
	return string(b), err
}

// wrong returns why a head or trailers are not an answer of gRPC; nil if they are. What says that it is gRPC is not asked for its HTTP status.
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/http-grpc-status-mapping.md.
func (a *answer) wrong() *status.Status {
	switch {
	case a.broken != "":
		return status.New(codes.Internal, a.broken)
	case a.unknown != "":
		return status.New(codes.Unknown, a.unknown)
	case a.initial && !a.grpc:
		return a.foreign()
	case a.initial && a.http == "":
		return status.New(codes.Internal, "malformed header: missing HTTP status")
	case a.failure != "":
		return status.New(codes.Internal, a.failure)
	}
	return nil
}

// foreign returns what an answer that is not gRPC's means.
func (a *answer) foreign() *status.Status {
	kind := "malformed header: missing HTTP content-type"
	if a.strange != "" {
		kind = fmt.Sprintf("transport: received unexpected content-type %q", a.strange)
	}
	if a.http == "" {
		return status.New(codes.Internal, "malformed header: missing HTTP status; "+kind)
	}
	n, err := strconv.Atoi(a.http)
	switch {
	case err != nil:
		return status.Newf(codes.Internal, "transport: malformed http-status: %v", err)
	case n == http.StatusOK:
		return status.New(codes.Unknown, kind)
	case informational(a.http):
		return status.Newf(codes.Internal, "protocol error: informational header with status code %d must not have END_STREAM set", n)
	}
	return status.Newf(codeOf(n), "unexpected HTTP status code received from server: %d (%s); %s", n, http.StatusText(n), kind)
}

// informational tells whether an HTTP status is that of a head that another follows.
func informational(status string) bool { return len(status) == 3 && status[0] == '1' }

// codeOf derives a code from the HTTP status of an answer that is not gRPC's (T154).
//
// https://github.com/grpc/grpc/blob/v1.75.0/doc/http-grpc-status-mapping.md
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusBadRequest:
		return codes.Internal
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.Unimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codes.Unavailable
	default:
		return codes.Unknown
	}
}

//nolint:gochecknoglobals // a constant
var okay = status.New(codes.OK, "")

// status returns the call's, with its details if they are of the same.
func (a *answer) status() *status.Status {
	if a.code == codes.OK && a.message == "" && a.details == nil {
		return okay
	}
	if len(a.details) == 1 {
		var p spb.Status
		b, _ := DecodeBinary(a.details[0]) // it was, before it was taken
		switch {
		case proto.Unmarshal([]byte(b), &p) != nil: // it is something else
		case p.GetCode() == int32(a.code): //nolint:gosec // it has 31 bits
			return status.FromProto(&p)
		default:
			return status.Newf(codes.Internal, "grpc-status-details-bin mismatch: grpc-status=%v, grpc-message=%q, grpc-status-details-bin=%+v", a.code, a.message, &p)
		}
	}
	return status.New(a.code, a.message)
}

// Wait waits for the end of a call with whole, and returns its status. When ctx ends first, so does the call.
func (s *Stream) Wait(ctx context.Context) *status.Status {
	s.lead()
	for !s.done.Load() {
		select {
		case <-s.woken:
		case <-ctx.Done():
			s.Cancel(status.FromContextError(ctx.Err()))
		}
	}
	return s.st
}

// Message returns the one message of an answer, after Wait. It is false if there is none.
func (s *Stream) Message() (Message, bool) {
	if len(s.ready) == 0 {
		return Message{}, false
	}
	m := s.ready[0]
	s.ready = s.ready[:0]
	return m, true
}

// Recv waits for the next message of an answer. The error is io.EOF when there is none and all went well, or that of the status. When ctx ends first, so
// does the call.
func (s *Stream) Recv(ctx context.Context) (Message, error) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil && !s.over {
			s.abort(frames.Cancel, status.FromContextError(err))
			c.send() // whose time is up does not wait for a write
			s.drop()
		}
		if len(s.ready) > 0 {
			m := s.ready[0]
			s.ready[0] = Message{}
			if s.ready = s.ready[1:]; len(s.ready) == 0 {
				s.ready = s.two[:0]
			}
			s.repay(&m)
			return m, nil
		}
		if s.over {
			if s.st.Code() == codes.OK {
				return Message{}, io.EOF
			}
			return Message{}, s.st.Err()
		}
		c.mu.Unlock()
		select {
		case <-s.woken:
		case <-ctx.Done():
		}
		c.mu.Lock()
	}
}

// repay grants what a message took that is taken now. The caller holds mu.
func (s *Stream) repay(m *Message) {
	if s.owed == 0 {
		return
	}
	n := s.owed
	if len(s.ready) > 0 {
		n = min(n, m.Data.Len()+prefixSize)
	}
	s.owed -= n
	s.conn.grant(s, n)
	if s.conn.out.urgent {
		s.conn.flush()
	}
}

// drop frees what nobody will take. The caller holds mu.
func (s *Stream) drop() {
	for i := range s.ready {
		s.ready[i].Data.Free()
	}
	s.ready = nil
}

// Head returns the head of the answer of a call that has ended; nil if it had none.
func (s *Stream) Head() []Field {
	if !s.Headed() {
		return nil
	}
	return s.header
}

// Header waits for the head of the answer. It is nil for an answer that has none, because the call has ended before or with trailers alone.
func (s *Stream) Header(ctx context.Context) []Field {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for !s.headed && !s.over {
		c.mu.Unlock()
		select {
		case <-s.woken:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if err := ctx.Err(); err != nil && !s.headed && !s.over {
			s.abort(frames.Cancel, status.FromContextError(err))
			c.send() // whose time is up does not wait for a write
		}
	}
	if len(s.ready) > 0 || s.over {
		s.signal() // what was taken may have been of a message
	}
	if !s.headed {
		return nil
	}
	return s.header
}

// Headed tells whether a call that has ended had a head of its answer.
func (s *Stream) Headed() bool { return s.done.Load() && s.headed }

// Opened tells whether the call was sent. Only who has called Open may ask.
func (s *Stream) Opened() bool { return s.conn != nil }

// Ended tells whether the call has, and with which status.
func (s *Stream) Ended() (*status.Status, bool) {
	if !s.done.Load() {
		return nil, false
	}
	return s.st, true
}

// Trailer returns the trailers of a call that has ended.
func (s *Stream) Trailer() []Field {
	if !s.done.Load() {
		return nil
	}
	return s.trailer
}

// Encoding returns what the messages of an answer are compressed with, if they are. It is known when a message is.
func (s *Stream) Encoding() string { return s.encoding }

// Answered tells whether anything of the answer of a call that has ended came.
func (s *Stream) Answered() bool { return s.done.Load() && s.answered }

// Unseen tells whether the server has said of a call that has ended that it did not look at it.
func (s *Stream) Unseen() bool { return s.done.Load() && s.unseen }
