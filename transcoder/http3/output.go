// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder/head"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// room is how much of an answer is gathered before it leaves: QUIC makes a packet of what it is given, and a head alone would be one.
const room = 4 << 10

// output gathers the frames of an answer and writes them to its stream.
type output struct {
	str     *quic.Stream
	stall   time.Duration
	gathers *gathering // nil while there is nothing
}

// gathering is what is to leave. It is kept for the next answer that needs one.
type gathering struct {
	frames  []byte
	section []byte // a head or trailers, encoded
	encoder *qpack.Encoder
}

var gatherings = sync.Pool{New: func() any {
	g := &gathering{frames: make([]byte, 0, room), section: make([]byte, 0, room)}
	g.encoder = qpack.NewEncoder(g)
	return g
}}

// Write is the encoder's.
func (g *gathering) Write(p []byte) (int, error) {
	g.section = append(g.section, p...)
	return len(p), nil
}

func (g *gathering) field(name, value string) {
	_ = g.encoder.WriteField(qpack.HeaderField{Name: name, Value: value}) // its errors are those of Write
}

// finish makes a frame of the fields.
func (g *gathering) finish() {
	_ = g.encoder.Close() // it has none
	g.frames = append(appendFrame(g.frames, frameHeaders, uint64(len(g.section))), g.section...)
	g.section = g.section[:0]
}

func (o *output) gathering() *gathering {
	if o.gathers == nil {
		g, ok := gatherings.Get().(*gathering)
		if !ok {
			panic("the pool has gatherings alone") //nolint:forbidigo // it cannot be
		}
		o.gathers = g
	}
	return o.gathers
}

// head adds a head. A length is that of the body, where the fields do not have it.
func (o *output) head(status int, header wire.Header, length ...int) {
	g := o.gathering()
	g.field(":status", strconv.Itoa(status))
	g.fields(header)
	for _, n := range length {
		g.field("content-length", strconv.Itoa(n))
	}
	if status >= http.StatusOK && !header.Has("date") {
		g.field("date", head.Date())
	}
	g.finish()
}

// fields adds trailers.
func (o *output) fields(trailer wire.Header) {
	g := o.gathering()
	g.fields(trailer)
	g.finish()
}

// fields encodes what can be sent.
func (g *gathering) fields(header wire.Header) {
	for i := range header {
		if name, ok := head.Sendable(&header[i]); ok {
			g.field(name, header[i].Value)
		}
	}
}

// data adds a DATA frame of n bytes. What does not fit in with the rest is written.
func (o *output) data(data mem.BufferSlice, n int) error {
	g := o.gathering()
	g.frames = appendFrame(g.frames, frameData, uint64(n)) //nolint:gosec // it is positive
	for _, b := range data {
		rest := b.ReadOnlyData()
		fits := min(len(rest), max(0, room-len(o.gathering().frames)))
		o.gathers.frames = append(o.gathers.frames, rest[:fits]...)
		if rest = rest[fits:]; len(rest) == 0 {
			continue
		}
		if err := o.flush(); err != nil {
			return err
		}
		for len(rest) > 0 {
			piece := rest[:min(len(rest), pieceWrite)]
			if err := o.write(piece); err != nil {
				return err
			}
			rest = rest[len(piece):]
		}
	}
	return nil
}

// flush writes what was gathered.
func (o *output) flush() error {
	if o.gathers == nil {
		return nil
	}
	defer o.free()
	if len(o.gathers.frames) == 0 {
		return nil
	}
	return o.write(o.gathers.frames)
}

// write waits until QUIC has taken a piece, or for as long as a client may take nothing (threat D9).
func (o *output) write(piece []byte) error {
	_ = o.str.SetWriteDeadline(time.Now().Add(o.stall)) // it has no error
	_, err := o.str.Write(piece)
	return err
}

// free gives the gathering back.
func (o *output) free() {
	g := o.gathers
	if g == nil {
		return
	}
	o.gathers = nil
	if cap(g.frames) > 2*room || cap(g.section) > 2*room {
		return // a large head made it large
	}
	g.frames, g.section = g.frames[:0], g.section[:0]
	gatherings.Put(g)
}
