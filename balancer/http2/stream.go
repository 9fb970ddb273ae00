// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// Field is one field of metadata: its name in lower case, and its value as it is on the wire. What is binary can be decoded.
type Field struct {
	Name, Value string
}

// Request is the head of a call.
type Request struct {
	// Path is "/package.Service/Method".
	Path string
	// Authority and ContentType are the fields of that name.
	Authority, ContentType string
	// Encoding is what the messages are compressed with; "" for nothing.
	Encoding string
	// Timeout is how long the call may take; 0 for any time.
	Timeout time.Duration
	// Fields are the metadata. They were checked, and what is binary is encoded.
	Fields []Field
}

// Message is one message, as it is on the wire.
type Message struct {
	// Compressed tells whether Data is compressed.
	Compressed bool
	// Data is the message. Whoever has the Message frees it.
	Data mem.BufferSlice
}

const (
	prefixSize = 5
	// wholePart is how large a message may be to have its own memory; larger ones are in pieces of so many bytes, from a pool.
	wholePart = 1 << 10
	largePart = 32 << 10
	// slabSize is the memory that small messages of a stream share.
	slabSize = 4 << 10
)

// Stream is one call. One goroutine may send while another receives.
type Stream struct {
	conn  *Conn
	id    uint32
	woken chan struct{} // receives something when what the receiver waits for has come
	most  int           // bytes of a message of the answer
	whole bool          // nobody waits for anything but the end
	until time.Time     // the deadline, zero for none

	// What follows belongs to the reader of the connection.
	prefix [prefixSize]byte
	have   int     // of prefix
	left   int     // bytes of the message that are still to come; below zero while the prefix is read
	part   []byte  // of the message, which is being read
	got    int     // of part
	lent   *[]byte // what part is of, nil if that is from no pool
	parts  mem.BufferSlice
	slab   []byte // memory of small messages

	// What follows is guarded by the connection's mu.
	behind   int // what was sent before it
	window   int
	taken    int // of the window that the server has
	credit   int
	owed     int         // bytes of messages that nobody has taken yet
	closed   bool        // the request has ended
	over     bool        // the call has ended: st is set
	done     atomic.Bool // over, for who does not have mu
	unseen   bool        // the server has not looked at it
	headed   bool        // fields of the answer have come
	answered bool        // anything of the answer has come
	waits    bool        // for room to send
	room     chan struct{}
	ready    []Message
	header   []Field
	trailer  []Field
	encoding string
	st       *status.Status

	one [1]mem.Buffer // memory for parts
	two [1]Message    // and for ready
}

// NewStream returns a stream that is not open yet. Messages of its answer have most bytes at most; with whole, it waits for nothing but the end
// of the answer, which has one message.
func NewStream(most int, whole bool) *Stream {
	s := &Stream{woken: make(chan struct{}, 1), most: most, whole: whole, left: -1}
	s.ready = s.two[:0]
	return s
}

func (s *Stream) signal() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *Stream) wakeSender() {
	if s.room != nil {
		select {
		case s.room <- struct{}{}:
		default:
		}
	}
}

// late tells whether the deadline has passed.
func (s *Stream) late() bool { return !s.until.IsZero() && !time.Now().Before(s.until) }

// Open begins a call on a connection, once there is a place for it. With a message it sends that, and last, which says that there is no other; data is
// not freed. The error is that of the context, a status, or one that ErrLeaving knows; nothing was sent unless Opened says so.
func (c *Conn) Open(ctx context.Context, s *Stream, r *Request, m *Message, last bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.take(ctx, s); err != nil {
		return err
	}
	if size := r.size(c.config); size > c.list {
		c.admit() // its place is another's
		return status.Errorf(codes.Internal, "header list size to send violates the maximum size (%d bytes) set by server", c.list)
	}
	c.idle = 0
	s.conn, s.id, s.window, s.behind = c, c.next, c.initial, c.out.quick.sent
	c.next += 2
	c.streams[s.id] = s
	if c.turn.reader == nobody && !s.whole {
		c.follow()
	}
	if r.Timeout > 0 {
		s.until = time.Now().Add(r.Timeout)
	}
	c.begin(s, r)
	if m == nil {
		c.flush()
		return nil
	}
	return s.send(ctx, m, last)
}

// size returns how large the list of fields is, as HTTP/2 counts, and a little more.
func (r *Request) size(cfg *Config) int {
	const others = 8*fieldOverhead + len(":method:scheme:path:authoritycontent-typeuser-agenttegrpc-timeoutPOSThttpstrailers00000000m")
	n := others + len(r.Path) + len(r.Authority) + len(r.ContentType) + len(cfg.UserAgent)
	if r.Encoding != "" {
		n += 2*(fieldOverhead+len(r.Encoding)) + len("grpc-encodinggrpc-accept-encoding")
	}
	for i := range r.Fields {
		n += len(r.Fields[i].Name) + len(r.Fields[i].Value) + fieldOverhead
	}
	return n
}

// begin adds the head of a call.
func (c *Conn) begin(s *Stream, r *Request) {
	h := &c.heads
	room := 256 + len(r.Path) + len(r.Authority)
	for i := range r.Fields {
		room += len(r.Fields[i].Name) + len(r.Fields[i].Value) + 8
	}
	b := c.out.RoomFor(room)
	at := len(b)
	b = frames.Append(b, 0, frames.Headers, frames.FlagEndHeaders, s.id)
	b = h.begin(b)
	b = h.common(b, c, r)
	if r.Timeout > 0 {
		var text [16]byte
		b = h.own(b, "grpc-timeout", string(appendTimeout(text[:0], r.Timeout)))
	}
	for i := range r.Fields {
		b = h.own(b, r.Fields[i].Name, r.Fields[i].Value)
	}
	c.out.Pending = cut(b, at, s.id)
}

// cut gives the head that begins at a place its length, and makes more frames of it if it is too long for one.
func cut(b []byte, at int, id uint32) []byte {
	n := len(b) - at - frames.HeaderSize
	if n <= frames.LeastSize {
		b[at], b[at+1], b[at+2] = byte(n>>16), byte(n>>8), byte(n) //nolint:gosec // it has 24 bits
		return b
	}
	block := slices.Clone(b[at+frames.HeaderSize:])
	b = b[:at]
	for kind, flags := uint8(frames.Headers), uint8(0); ; kind = frames.Continuation {
		piece := block[:min(len(block), frames.LeastSize)]
		if block = block[len(piece):]; len(block) == 0 {
			flags |= frames.FlagEndHeaders
		}
		b = append(frames.Append(b, len(piece), kind, flags, id), piece...)
		if len(block) == 0 {
			return b
		}
	}
}

// appendTimeout writes a timeout (https://github.com/grpc/grpc/blob/v1.75.0/doc/PROTOCOL-HTTP2.md): at most eight digits, rounded up.
func appendTimeout(b []byte, d time.Duration) []byte {
	const most = 100_000_000
	for _, u := range [...]struct {
		unit time.Duration
		sign byte
	}{{time.Nanosecond, 'n'}, {time.Microsecond, 'u'}, {time.Millisecond, 'm'}, {time.Second, 'S'}, {time.Minute, 'M'}} {
		if n := (d-1)/u.unit + 1; n < most {
			return append(strconv.AppendInt(b, int64(n), 10), u.sign)
		}
	}
	return append(strconv.AppendInt(b, int64((d-1)/time.Hour+1), 10), 'H')
}

// Send sends a message of the request; with last, there is no other. It waits while the server takes no more. The error is io.EOF when the
// call has ended, whose status Recv tells, or that of the context. data is not freed.
func (s *Stream) Send(ctx context.Context, m *Message, last bool) error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.over || s.closed {
		return io.EOF
	}
	return s.send(ctx, m, last)
}

// CloseSend ends the request.
func (s *Stream) CloseSend() {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.over || s.closed {
		return
	}
	s.closed = true
	c.out.Pending = frames.Append(c.out.RoomFor(frames.HeaderSize), 0, frames.Data, frames.FlagEndStream, s.id)
	c.flush()
}

// send sends a message. The caller holds mu, which is given up meanwhile.
func (s *Stream) send(ctx context.Context, m *Message, last bool) error {
	c := s.conn
	size := m.Data.Len()
	var prefix [prefixSize]byte
	if m.Compressed {
		prefix[0] = 1
	}
	binary.BigEndian.PutUint32(prefix[1:], uint32(size)) //nolint:gosec // a message of gRPC is shorter
	from := source{prefix: prefix[:], data: m.Data}
	for left := prefixSize + size; ; {
		for left > 0 && s.window > 0 && c.window > 0 && !c.out.full() {
			n := min(left, s.window, c.window, frames.LeastSize)
			left -= n
			flags := uint8(0)
			if last && left == 0 {
				flags = frames.FlagEndStream
				s.closed = true
			}
			b := frames.Append(c.out.RoomFor(frames.HeaderSize+n), n, frames.Data, flags, s.id)
			c.out.Pending = from.append(b, n)
			c.idle = 0
			s.window -= n
			c.window -= n
		}
		c.flush()
		switch {
		case s.over && left > 0:
			return io.EOF
		case left == 0:
			return nil
		case s.window > 0 && c.window > 0 && !c.out.full():
			continue
		}
		if err := s.await(ctx); err != nil {
			return err
		}
	}
}

// await waits until there may be room to send. The caller holds mu, which is given up meanwhile.
func (s *Stream) await(ctx context.Context) error {
	c := s.conn
	if s.room == nil {
		s.room = make(chan struct{}, 1)
	}
	if s.window > 0 {
		c.out.await(s)
	}
	if c.turn.reader == nobody {
		c.follow() // whoever is to make room must be read
	}
	c.mu.Unlock()
	var err error
	select {
	case <-s.room:
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.mu.Lock()
	if s.over {
		err = io.EOF
	}
	if err != nil {
		c.out.forget(s)
	}
	return err
}

// source is a message that is being sent.
type source struct {
	prefix []byte
	data   mem.BufferSlice
	at     int // in the first of data
}

func (f *source) append(b []byte, n int) []byte {
	took := min(len(f.prefix), n)
	b = append(b, f.prefix[:took]...)
	f.prefix = f.prefix[took:]
	for n -= took; n > 0; {
		p := f.data[0].ReadOnlyData()[f.at:]
		if len(p) == 0 {
			f.data, f.at = f.data[1:], 0
			continue
		}
		took = min(len(p), n)
		b = append(b, p[:took]...)
		f.at += took
		n -= took
	}
	return b
}
