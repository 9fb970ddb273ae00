// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package http2 provides the client's side of HTTP/2 as gRPC uses it, at the level of its frames: one goroutine reads a connection, whoever has
// written flushes what all have, and an answer wakes nobody but the call that waits for it.
package http2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// Config is what a connection needs to know.
type Config struct {
	// UserAgent is what requests say of this program.
	UserAgent string
	// Secure says that the connection is encrypted, which requests tell as their scheme.
	Secure bool
	// MaxHeader is the size in bytes of the largest list of fields that a server may answer with, as HTTP/2 counts them.
	MaxHeader int
	// StreamWindow and ConnectionWindow are how many bytes of an answer, and of all of a connection, may be under way before they are taken.
	StreamWindow, ConnectionWindow int
	// PingInterval is how long a server may be silent, while it has calls, before it is asked whether it is there; PingTimeout is how long it may
	// take to say so.
	PingInterval, PingTimeout time.Duration
	// Ready is called when the server has said what it takes: streams is how many calls at a time, 0 for any number.
	Ready func(streams uint32)
	// Left is called once, when the connection takes no more calls: err says why, and tooManyPings that it was asked for signs of life too
	// often.
	Left func(err error, tooManyPings bool)
}

// Conn is a connection to a server. It is safe for concurrent use.
type Conn struct {
	socket net.Conn
	config *Config

	// What follows belongs to the reader.
	in      []byte // what was read and not yet handled is in[at:end]
	at, end int
	decoder *hpack.Decoder
	block   block // the head that is being read
	events  []func()

	heard atomic.Int64  // since start, when something last came
	reads atomic.Uint64 // how often something has

	mu      sync.Mutex // guards all below, and what streams have
	streams map[uint32]*Stream
	next    uint32 // the number of the next stream
	most    int    // how many streams there may be
	list    int    // how large a list of fields the server takes
	waiting []*Stream
	greeted bool
	leaving bool  // it takes no more streams
	failed  error // why nothing is sent any more

	out     output
	heads   headEncoder
	window  int // how much may be sent
	initial int // of that of a new stream
	credit  int // of what came, how much can be granted again
	timer   *time.Timer
	idle    int           // frames in a row that brought nothing
	asked   uint64        // reads and one, when the server was asked whether it is there; 0 if it was not
	tired   bool          // it was asked too often
	bye     error         // why it takes no more
	turn    turns         // who reads
	told    bool          // Left was called
	over    chan struct{} // closed when the reader has returned
}

// linger is how long the last frames of a connection may take to leave.
const linger = time.Second

// unlimited is how many streams there may be where a server says nothing.
const unlimited = 1<<31 - 1

//nolint:gochecknoglobals // the zero of a monotonic clock
var start = time.Now()

// errLeaving is a connection that takes no more streams.
var errLeaving = errors.New("the connection is draining")

// errDrained is a connection whose last call has ended.
var errDrained = errors.New("the connection is not wanted any more")

// ErrLeaving tells whether a call has not been sent because its connection takes no more.
func ErrLeaving(err error) bool { return errors.Is(err, errLeaving) }

// New returns the connection that socket is. It sends the preface, and does not wait for the server's.
func New(socket net.Conn, cfg *Config) *Conn {
	c := &Conn{
		socket: socket, config: cfg, streams: map[uint32]*Stream{}, next: 1, most: unlimited, list: unlimited, window: frames.FirstWindow, initial: frames.FirstWindow,
		in: make([]byte, readSize), over: make(chan struct{}),
	}
	c.turn.init(socket)
	c.out.quick.init(socket, c.turn.raw)
	c.decoder = hpack.NewDecoder(frames.TableSize, c.block.field)
	c.decoder.SetMaxStringLength(cfg.MaxHeader + excess)
	c.heads.init()
	c.out.idle.L = &c.mu
	c.mu.Lock()
	b := append(c.out.Room(), frames.Preface...)
	b = frames.Append(b, 3*frames.SettingSize, frames.Settings, 0, 0)
	b = frames.AppendSetting(b, frames.SettingPush, 0)
	b = frames.AppendSetting(b, frames.SettingWindow, uint32(cfg.StreamWindow))  //nolint:gosec // it was checked
	b = frames.AppendSetting(b, frames.SettingHeaderList, uint32(cfg.MaxHeader)) //nolint:gosec // it was checked
	if more := cfg.ConnectionWindow - frames.FirstWindow; more > 0 {
		b = frames.AppendWindowUpdate(b, 0, more)
	}
	c.out.Pending = b
	c.out.urgent = true
	c.heard.Store(int64(time.Since(start)))
	c.timer = time.AfterFunc(cfg.PingInterval, c.poll)
	c.send()
	c.mu.Unlock()
	go c.serve()
	return c
}

// RemoteAddr returns the server's address.
func (c *Conn) RemoteAddr() net.Addr { return c.socket.RemoteAddr() }

// LocalAddr returns ours.
func (c *Conn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// Done is closed when the connection has ended and its goroutine has returned.
func (c *Conn) Done() <-chan struct{} { return c.over }

// Drain ends the connection when its last call has ended; it takes no more.
func (c *Conn) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = true
	c.turnAway()
	c.parting()
}

// Close ends the connection, with all that is under way, whose calls fail with err.
func (c *Conn) Close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(err)
}

// fail ends the connection. The caller holds mu.
func (c *Conn) fail(err error) {
	if c.failed != nil {
		return
	}
	c.failed = err
	c.leaving = true
	c.timer.Stop()
	c.out.stop()
	st := status.New(codes.Unavailable, err.Error())
	if s, ok := status.FromError(err); ok {
		st = s
	}
	for _, s := range c.streams {
		s.end(st)
	}
	clear(c.streams)
	c.turnAway()
	_ = c.socket.Close() // the reader notices
	if c.turn.reader == nobody {
		c.follow()
	}
	if c.turn.watch != nil {
		c.turn.watch.Stop()
	}
}

// turnAway tells those who wait for a place that there will be none. The caller holds mu.
func (c *Conn) turnAway() {
	for i, s := range c.waiting {
		c.waiting[i] = nil
		s.signal()
	}
	c.waiting = nil
	c.out.wake() // some wait for room, to begin
}

// parting ends a connection that takes no more and has nothing left. The caller holds mu.
func (c *Conn) parting() {
	if !c.leaving || len(c.streams) > 0 || c.failed != nil {
		return
	}
	if c.out.last && len(c.out.Pending) == 0 && !c.out.writing {
		c.fail(errDrained)
		return
	}
	if !c.out.last {
		c.out.last = true
		c.hurry()
		c.out.Pending = frames.AppendGoAway(c.out.Room(), 0, frames.NoError, "")
	}
	c.send()
}

// poll asks a server that has calls and is silent whether it is there.
func (c *Conn) poll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return
	}
	now, cfg := time.Since(start), c.config
	silent, reads := now-time.Duration(c.heard.Load()), c.reads.Load()
	asked := c.asked
	c.asked, c.idle = 0, 0
	switch {
	case asked == reads+1:
		c.fail(status.Error(codes.Unavailable, fmt.Sprintf("keepalive ping failed: the server has not answered within %v", cfg.PingTimeout)))
	case len(c.streams) == 0:
		c.timer.Reset(cfg.PingInterval)
	case silent >= cfg.PingInterval:
		c.asked = reads + 1
		c.out.Pending = frames.AppendPing(c.out.Room(), 0, make([]byte, frames.PingSize))
		c.out.urgent = true
		c.send()
		c.timer.Reset(cfg.PingTimeout)
	default:
		c.timer.Reset(cfg.PingInterval - silent)
	}
}

// take waits for a place for a stream, and for room for its head. The caller holds mu, which is given up meanwhile.
func (c *Conn) take(ctx context.Context, s *Stream) error {
	for !c.leaving && (len(c.streams) >= c.most || c.out.full()) {
		woken := s.woken
		if len(c.streams) >= c.most {
			c.waiting = append(c.waiting, s)
		} else {
			s.room = make(chan struct{}, 1)
			woken = s.room
			c.out.await(s)
		}
		c.mu.Unlock()
		select {
		case <-woken:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if err := ctx.Err(); err != nil {
			c.unwait(s)
			c.out.forget(s)
			c.admit() // it may have been told of a place
			return err
		}
	}
	if !c.leaving && !c.stands() {
		c.leaving = true
		c.turnAway()
	}
	if c.leaving {
		return errLeaving
	}
	if c.next > frames.LastStream {
		c.leaving = true
		c.turnAway()
		c.bye = errors.New("the connection has no numbers left for streams")
		go c.leave()
		return errLeaving
	}
	return nil
}

func (c *Conn) unwait(s *Stream) {
	if i := slices.Index(c.waiting, s); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
}

// admit tells the next that waits for a place of one. The caller holds mu.
func (c *Conn) admit() {
	if len(c.waiting) == 0 || len(c.streams) >= c.most {
		return
	}
	s := c.waiting[0]
	c.waiting[0] = nil
	if c.waiting = c.waiting[1:]; len(c.waiting) == 0 {
		c.waiting = nil
	}
	s.signal()
}

// leave says that the connection takes no more streams.
func (c *Conn) leave() {
	c.mu.Lock()
	err, tired, told := c.bye, c.tired, c.told
	c.told = true
	c.parting()
	c.mu.Unlock()
	if !told {
		c.config.Left(err, tired)
	}
}

// remove takes a stream out. The caller holds mu.
func (c *Conn) remove(s *Stream) {
	if c.streams[s.id] != s {
		return
	}
	delete(c.streams, s.id)
	c.turn.ended++
	if len(c.waiting) > 0 {
		c.admit()
	}
	if c.leaving {
		c.parting()
	}
}
