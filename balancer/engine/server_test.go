// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// server is a server at the level of frames, which answers as a test says, also against all rules.
type server struct {
	address  string
	settings []xhttp2.Setting
	// begun is called with the head of a request, more with each piece that follows, ended at its end; nil for not at all. They must not block.
	begun, more, ended func(*conn, *request)
	// pinged is called when the client asks for a sign of life; nil for not at all.
	pinged func(*conn)
	// quiet is to say nothing at all.
	quiet bool

	listener net.Listener
	running  sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]*conn
	accepted int
	stopped  bool
}

// conn is a connection of a server's.
type conn struct {
	server *server
	socket net.Conn
	number int // of the server's, from 1

	mu      sync.Mutex // guards what follows
	framer  *xhttp2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
	resets  map[uint32]xhttp2.ErrCode // that the client sent

	requests map[uint32]*request // only the reader's
}

// request is what has come of one.
type request struct {
	id     uint32
	fields []hpack.HeaderField
	body   []byte
	over   bool
}

func (r *request) get(name string) (values []string) {
	for _, f := range r.fields {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return values
}

// newServer starts a server, which ends with the test.
func newServer(tb testing.TB, s *server) *server {
	tb.Helper()
	s.serve(listen(tb))
	tb.Cleanup(s.stop)
	return s
}

func (s *server) serve(l net.Listener) {
	s.listener, s.address, s.conns = l, l.Addr().String(), map[net.Conn]*conn{}
	s.running.Go(func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			s.take(socket)
		}
	})
}

// take serves a connection.
func (s *server) take(socket net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		_ = socket.Close()
		return
	}
	s.accepted++
	c := &conn{server: s, socket: socket, number: s.accepted, framer: xhttp2.NewFramer(socket, socket), requests: map[uint32]*request{}, resets: map[uint32]xhttp2.ErrCode{}}
	s.conns[socket] = c
	s.running.Go(func() { s.run(c) })
}

// pipes starts a server that is reached in memory, by its dial.
func pipes(tb testing.TB, s *server) *server {
	tb.Helper()
	s.conns = map[net.Conn]*conn{}
	tb.Cleanup(s.stop)
	return s
}

func (s *server) dial(context.Context, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	s.take(theirs)
	return ours, nil
}

func (s *server) stop() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
	s.mu.Lock()
	s.stopped = true
	for socket := range s.conns {
		_ = socket.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// each calls f for all connections there are.
func (s *server) each(f func(*conn)) {
	s.mu.Lock()
	var all []*conn
	for _, c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		f(c)
	}
}

func (s *server) run(c *conn) {
	defer func() {
		_ = c.socket.Close()
		s.mu.Lock()
		delete(s.conns, c.socket)
		s.mu.Unlock()
	}()
	if _, err := io.ReadFull(c.socket, make([]byte, len(xhttp2.ClientPreface))); err != nil {
		return
	}
	if s.quiet {
		_, _ = io.Copy(io.Discard, c.socket)
		return
	}
	c.framer.AllowIllegalWrites = true
	c.encoder = hpack.NewEncoder(&c.block)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := c.framer.WriteSettings(s.settings...); err != nil {
		return
	}
	for {
		f, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		c.frame(f)
	}
}

func (c *conn) frame(f xhttp2.Frame) {
	switch f := f.(type) {
	case *xhttp2.SettingsFrame:
		if !f.IsAck() {
			c.write(func(w *xhttp2.Framer) error { return w.WriteSettingsAck() })
		}
	case *xhttp2.PingFrame:
		if !f.IsAck() {
			if c.server.pinged != nil {
				c.server.pinged(c)
			}
			data := f.Data
			c.write(func(w *xhttp2.Framer) error { return w.WritePing(true, data) })
		}
	case *xhttp2.MetaHeadersFrame:
		r := &request{id: f.StreamID, fields: slices.Clone(f.Fields), over: f.StreamEnded()}
		c.requests[r.id] = r
		if c.server.begun != nil {
			c.server.begun(c, r)
		}
		if f.StreamEnded() {
			c.end(r)
		}
	case *xhttp2.DataFrame:
		if n := f.Length; n > 0 {
			id := f.StreamID
			c.write(func(w *xhttp2.Framer) error {
				return cmpOr(w.WriteWindowUpdate(0, n), w.WriteWindowUpdate(id, n))
			})
		}
		r := c.requests[f.StreamID]
		if r == nil {
			return
		}
		r.body = append(r.body, f.Data()...)
		r.over = f.StreamEnded()
		if c.server.more != nil {
			c.server.more(c, r)
		}
		if f.StreamEnded() {
			c.end(r)
		}
	case *xhttp2.RSTStreamFrame:
		delete(c.requests, f.StreamID)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.resets[f.StreamID] = f.ErrCode
	}
}

func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) end(r *request) {
	delete(c.requests, r.id)
	if c.server.ended != nil {
		c.server.ended(c, r)
	}
}

// write writes a frame. That it cannot be is seen by the reader.
func (c *conn) write(f func(*xhttp2.Framer) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = f(c.framer)
}

// mostFrame is the largest frame that clients take.
const mostFrame = 16 << 10

// head writes a head, or trailers, of names and values.
func (c *conn) head(id uint32, end bool, fields ...string) {
	c.write(func(w *xhttp2.Framer) error {
		c.block.Reset()
		for i := 0; i < len(fields); i += 2 {
			_ = c.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // to memory
		}
		b := slices.Clone(c.block.Bytes())
		piece := b[:min(len(b), mostFrame)]
		b = b[len(piece):]
		err := w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: piece, EndStream: end, EndHeaders: len(b) == 0})
		for len(b) > 0 && err == nil {
			piece = b[:min(len(b), mostFrame)]
			b = b[len(piece):]
			err = w.WriteContinuation(id, len(b) == 0, piece)
		}
		return err
	})
}

// ok writes the head of a good answer, with more fields.
func (c *conn) ok(id uint32, fields ...string) {
	c.head(id, false, slices.Concat([]string{":status", "200", "content-type", "application/grpc"}, fields)...)
}

// data writes a piece of an answer.
func (c *conn) data(id uint32, end bool, b []byte) {
	c.write(func(w *xhttp2.Framer) error {
		for len(b) > mostFrame {
			if err := w.WriteData(id, false, b[:mostFrame]); err != nil {
				return err
			}
			b = b[mostFrame:]
		}
		return w.WriteData(id, end, b)
	})
}

// say writes messages.
func (c *conn) say(id uint32, messages ...string) {
	for _, m := range messages {
		c.data(id, false, message(0, m))
	}
}

func (c *conn) reset(id uint32, code xhttp2.ErrCode) {
	c.write(func(w *xhttp2.Framer) error { return w.WriteRSTStream(id, code) })
}

func (c *conn) goAway(last uint32, code xhttp2.ErrCode, text string) {
	c.write(func(w *xhttp2.Framer) error { return w.WriteGoAway(last, code, []byte(text)) })
}

// close closes the connection.
func (c *conn) close() { _ = c.socket.Close() }

// closeLater closes it once all that was written has been read: when the client closes its side.
func (c *conn) closeLater() {
	if half, ok := c.socket.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the reader sees what becomes of it
	}
}

// message returns a message with its prefix.
func message(flag byte, text string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(text)))
	return append(b, text...)
}
