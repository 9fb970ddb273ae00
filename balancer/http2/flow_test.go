// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// peer is a server that keeps to the windows that it has, and counts those that it gives.
type peer struct {
	*world

	initial int            // of what a stream may send to it
	given   map[uint32]int // of that, what each stream has left; 0 is the connection
	had     map[uint32]int // of what it may send, what each stream has left
	acks    int            // of its PINGs
}

func newPeer(t testing.TB, cfg http2.Config, initial int) *peer {
	t.Helper()
	p := &peer{open(t, cfg, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: uint32(initial)}), initial, map[uint32]int{0: 65535}, map[uint32]int{0: cfg.ConnectionWindow}, 0} //nolint:gosec // small
	return p
}

// begins reads the head of a call.
func (p *peer) begins() uint32 {
	p.Helper()
	for {
		if f, ok := p.read().(*xhttp2.MetaHeadersFrame); ok {
			p.given[f.StreamID], p.had[f.StreamID] = p.initial, 64<<10
			return f.StreamID
		}
	}
}

// read reads a frame, and fails if that is not within the windows.
func (p *peer) read() xhttp2.Frame {
	p.Helper()
	f := until[xhttp2.Frame](p.world)
	switch f := f.(type) {
	case *xhttp2.DataFrame:
		p.given[0] -= len(f.Data())
		if p.given[f.StreamID] -= len(f.Data()); len(f.Data()) > 0 && min(p.given[0], p.given[f.StreamID]) < 0 {
			p.Fatalf("%d bytes come; the windows of the connection and the stream are then %d and %d", len(f.Data()), p.given[0], p.given[f.StreamID])
		}
	case *xhttp2.WindowUpdateFrame:
		p.had[f.StreamID] += int(f.Increment)
	case *xhttp2.PingFrame:
		p.acks++
	}
	return f
}

func (p *peer) grant(stream uint32, n int) {
	p.Helper()
	p.given[stream] += n
	p.Must(p.Framer.WriteWindowUpdate(stream, uint32(n))) //nolint:gosec // small
}

// takes reads what comes of a stream up to its end, and grants in turn what it is given.
func (p *peer) takes(stream uint32, grants ...int) []byte {
	p.Helper()
	var got []byte
	for i := 0; ; {
		for _, id := range []uint32{0, stream} {
			if p.given[id] <= 0 {
				p.grant(id, grants[i%len(grants)])
				i++
			}
		}
		f, ok := p.read().(*xhttp2.DataFrame)
		if !ok || f.StreamID != stream {
			continue
		}
		if got = append(got, f.Data()...); f.StreamEnded() {
			return got
		}
	}
}

// sync reads all that was sent because of what the client has read by now.
func (p *peer) sync() {
	p.Helper()
	p.Must(p.Framer.WritePing(false, [8]byte{1}))
	for before := p.acks; p.acks == before; {
		p.read()
	}
}

// sends sends a piece of an answer in frames of so many bytes with so much padding, and returns what could not be sent because the client grants no more.
func (p *peer) sends(stream uint32, b []byte, size, padding int) []byte {
	p.Helper()
	for stalled := false; len(b) > 0; {
		n := min(size, len(b), p.had[0]-padding-1, p.had[stream]-padding-1)
		if n <= 0 {
			if stalled {
				return b
			}
			p.sync()
			stalled = true
			continue
		}
		stalled = false
		if padding > 0 {
			p.Must(p.Framer.WriteDataPadded(stream, false, b[:n], make([]byte, padding)))
			n += padding + 1
			b = b[n-padding-1:]
		} else {
			p.data(stream, false, b[:n])
			b = b[n:]
		}
		p.had[0] -= n
		p.had[stream] -= n
	}
	return nil
}

// Messages of all sizes go and come, whatever the windows are, in whatever frames.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, initial := range []int{0, 1, 16_383, 65_535, 1 << 20} {
		for _, size := range []int{0, 1, 1000, 1024, 1025, 16_379, 16_384, 32 << 10, 32<<10 + 1, 65_530, 70_000, 300_000, 3 << 20} {
			if size > 1<<20 && initial != 65_535 {
				continue
			}
			t.Run(fmt.Sprint(initial, size), func(t *testing.T) {
				t.Parallel()
				p := newPeer(t, plain(), initial)
				text := strings.Repeat(framestest.Large, 3)[:size]
				one := p.start(t.Context(), text)
				id := p.begins()
				if got := p.takes(id, 1, 2, 3, 1000, 16_384, 40_000); !bytes.Equal(got, framed(text)) {
					t.Errorf("%d bytes come", len(got))
				}
				p.Headers(id, false, p.okay())
				if rest := p.sends(id, framed(text), 10_000, 0); len(rest) > 0 {
					t.Fatalf("%d bytes are not granted", len(rest))
				}
				p.trailers(id)
				one.ends(t, text)

				// And as two of a stream, with padding.
				s := http2.NewStream(most, false)
				sent := make(chan error, 1)
				go func() {
					m := http2.Message{Compressed: true, Data: mem.BufferSlice{mem.SliceBuffer(text[:size/2]), mem.SliceBuffer(nil), mem.SliceBuffer(text[size/2:])}}
					err := p.conn.Open(t.Context(), s, request(), nil, false)
					sent <- errors.Join(err, s.Send(t.Context(), &m, false), s.Send(t.Context(), &m, true))
				}()
				id = p.begins()
				want := framed(text)
				want[0] = 1
				want = append(want, want...)
				if got := p.takes(id, 30_000, 100, 16_384); !bytes.Equal(got, want) {
					t.Errorf("%d bytes come", len(got))
				}
				if err := within(t, sent); err != nil {
					t.Errorf("sending ends with %v", err)
				}
				p.Headers(id, false, p.okay())
				for range 2 {
					if rest := p.sends(id, want[:len(want)/2], 16_000, 200); len(rest) > 0 {
						t.Fatalf("%d bytes are not granted", len(rest))
					}
					m, err := s.Recv(t.Context())
					if err != nil || !m.Compressed || taken(m) != text {
						t.Errorf("received %v", err)
					}
				}
				p.trailers(id)
				if _, err := received(t, s); !errors.Is(err, io.EOF) {
					t.Errorf("it ends with %v", err)
				}
			})
		}
	}
}

// DATA may be split anywhere, and be padded: within the prefix of a message as well as within or between messages.
func TestSplitMessages(t *testing.T) {
	t.Parallel()
	texts := []string{"", "first", strings.Repeat("x", 1030), "", "last"}
	var all []byte
	for _, text := range texts {
		all = append(all, framed(text)...)
	}
	var cuts [][]int
	for at := range len(all) {
		cuts = append(cuts, []int{at}, []int{at, min(at+3, len(all))})
	}
	var each []int
	for at := range 40 {
		each = append(each, at)
	}
	cuts = append(cuts, each)
	p := newPeer(t, plain(), 65535)
	for i, cut := range cuts {
		s := http2.NewStream(most, false)
		p.Must(p.conn.Open(t.Context(), s, request(), nil, false))
		s.CloseSend()
		id := p.begins()
		p.Headers(id, false, p.okay())
		from := 0
		for _, at := range append(cut, len(all)) {
			if rest := p.sends(id, all[from:at], most, i%3); len(rest) > 0 {
				t.Fatalf("cut at %v: %d bytes are not granted", cut, len(rest))
			}
			from = at
		}
		p.trailers(id)
		for _, want := range texts {
			if got, err := received(t, s); got != want || err != nil {
				t.Fatalf("cut at %v: received %.20q, %v, want %.20q", cut, got, err, want)
			}
		}
		if _, err := received(t, s); !errors.Is(err, io.EOF) {
			t.Fatalf("cut at %v: it ends with %v", cut, err)
		}
	}
}

// An answer that ends within a message is none (gRPC's PROTOCOL-HTTP2, "Length-Prefixed-Message").
func TestMessagesThatBreakOff(t *testing.T) {
	t.Parallel()
	w := open(t, plain())
	all := framed("answer")
	for at := 1; at < len(all); at++ {
		one := w.unary("request")
		s, id := w.streaming()
		for _, id := range []uint32{one.id, id} {
			w.Headers(id, false, w.okay())
			w.data(id, false, all[:at])
			w.trailers(id)
		}
		one.fails(t, codes.Internal)
		if _, err := received(t, s); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("cut at %d it ends with %v", at, err)
		}
	}
	w.works()
}

// A server may change the windows of streams at any time, also to less than what was sent (RFC 9113 section 6.9.2).
func TestWindowsThatChange(t *testing.T) {
	t.Parallel()
	p := newPeer(t, plain(), 1000)
	s := http2.NewStream(most, false)
	sent := make(chan error, 1)
	go func() {
		m := message(framestest.Large)
		err := p.conn.Open(t.Context(), s, request(), nil, false)
		sent <- errors.Join(err, s.Send(t.Context(), &m, true))
	}()
	id := p.begins()
	p.grant(0, 2<<20)
	next := func(want int) {
		t.Helper()
		for want > 0 {
			if f, ok := p.read().(*xhttp2.DataFrame); ok {
				want -= len(f.Data())
			}
		}
		if want < 0 {
			t.Fatalf("%d bytes more come than there is room for", -want)
		}
	}
	change := func(to int) {
		t.Helper()
		p.given[id] += to - p.initial
		p.initial = to
		p.Must(p.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: uint32(to)})) //nolint:gosec // small
	}
	next(1000)
	change(400) // it is 600 below zero
	p.sync()
	p.grant(id, 600)
	p.sync()
	p.grant(id, 1)
	next(1)
	change(0)
	p.grant(id, 399)
	p.sync()
	change(1)
	p.sync()
	change(10_000)
	next(9_999)
	p.grant(id, 1)
	next(1)
	p.takes(id, 1<<20)
	if err := within(t, sent); err != nil {
		t.Errorf("sending ends with %v", err)
	}
	// And for those to come.
	one := p.start(t.Context(), framestest.Large)
	id = p.begins()
	p.takes(id, 50_000)
	p.answer(id, "answer")
	one.ends(t, "answer")
}

// Of messages that nobody takes there are as many bytes as the window has, and one message: others of the connection do not suffer, and nothing is lost.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	for _, sizes := range [][]int{{1000}, {0, 1, 2}, {30_000}, {200_000, 10}, {10, 200_000}, {65_531, 65_531, 1}, {40_000, 65_536}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			t.Parallel()
			cfg := plain()
			p := newPeer(t, cfg, 65535)
			s := http2.NewStream(most, false)
			p.Must(p.conn.Open(t.Context(), s, request(), nil, false))
			s.CloseSend()
			id := p.begins()
			p.Headers(id, false, p.okay())
			var all []byte
			var texts []string
			largest := 0
			for i := 0; len(all) < 800_000 && i < 50_000; i++ {
				size := sizes[i%len(sizes)]
				texts = append(texts, framestest.Large[i:i+size])
				all = append(all, framed(texts[i])...)
				largest = max(largest, size+5)
			}
			left := all
			took := 0
			for i, want := range texts {
				if i%max(1, len(texts)/100) == 0 { // not each time, where there are many
					left = p.sends(id, left, 9000, 0)
				}
				if held, room := len(all)-len(left)-took, cfg.StreamWindow+largest; held > room {
					t.Fatalf("%d bytes are held, there is to be room for %d", held, room)
				}
				if i == 0 {
					// Nobody has taken anything yet: another gets all that it is sent.
					one := p.start(t.Context(), "request")
					other := p.begins()
					p.Headers(other, false, p.okay())
					if rest := p.sends(other, framed(framestest.Large), 16_384, 0); len(rest) > 0 {
						t.Fatalf("%d bytes of another are not granted", len(rest))
					}
					p.trailers(other)
					one.ends(t, framestest.Large)
				}
				got, err := received(t, s)
				if got != want || err != nil {
					t.Fatalf("message %d of %d has %d bytes, %v", i, len(texts), len(got), err)
				}
				took += len(want) + 5
			}
			if len(left) > 0 {
				t.Errorf("%d bytes were never granted", len(left))
			}
			p.trailers(id)
			if _, err := received(t, s); !errors.Is(err, io.EOF) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// What comes of calls that have ended is granted again: the connection's window does not leak.
func TestWindowsOfTheDead(t *testing.T) {
	t.Parallel()
	p := newPeer(t, plain(), 65535)
	for range 50 {
		one := p.start(t.Context(), "request")
		id := p.begins()
		p.Must(p.Framer.WriteRSTStream(id, xhttp2.ErrCodeCancel))
		one.fails(t, codes.Canceled)
		if rest := p.sends(id, make([]byte, 60_000), 16_000, 100); len(rest) > 0 {
			t.Fatalf("%d bytes are not granted", len(rest))
		}
	}
}

// echo is a server of golang.org/x/net, which answers with what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	_, _ = w.Write(body)
}

// served is a connection to a server of golang.org/x/net, which takes so many calls at a time; wait ends it.
func served(t *testing.T, streams uint32) (conn *http2.Conn, wait func()) {
	t.Helper()
	client, server := framestest.Pair(t)
	var serving sync.WaitGroup
	serving.Go(func() {
		x := &xhttp2.Server{MaxConcurrentStreams: streams}                          //nolint:staticcheck // net/http's accepts its connections itself
		x.ServeConn(server, &xhttp2.ServeConnOpts{Handler: http.HandlerFunc(echo)}) //nolint:staticcheck // likewise
	})
	cfg := plain()
	ready := make(chan uint32, 1)
	var drained atomic.Bool
	cfg.Ready = func(streams uint32) { ready <- streams }
	cfg.Left = func(err error, _ bool) {
		if !drained.Load() {
			t.Errorf("the connection leaves: %v", err)
		}
	}
	conn = http2.New(client, &cfg)
	if n := within(t, ready); n != streams {
		t.Errorf("the server takes %d calls at a time", n)
	}
	return conn, func() {
		drained.Store(true)
		conn.Drain()
		within(t, conn.Done())
		serving.Wait()
	}
}

// Many calls share a connection, with all kinds of sizes, and each gets its own.
func TestManyCalls(t *testing.T) {
	t.Parallel()
	conn, wait := served(t, 20)
	var calls sync.WaitGroup
	for i := range 50 {
		calls.Go(func() {
			for j := range 10 {
				at, size := i*10+j, []int{0, 10, 1000, 20_000, 100_000}[(i+j)%5]
				text := framestest.Large[at : at+size]
				s := http2.NewStream(most, i%2 == 0)
				m := message(text)
				if err := conn.Open(t.Context(), s, request("x-call", fmt.Sprint(at)), &m, true); err != nil {
					t.Errorf("a call is not sent: %v", err)
					return
				}
				if i%2 == 0 {
					c := &call{Stream: s, ended: make(chan *status.Status, 1)}
					c.ended <- s.Wait(t.Context())
					c.ends(t, text)
					continue
				}
				got, err := received(t, s)
				if got != text || err != nil {
					t.Errorf("%d bytes come back of %d, %v", len(got), len(text), err)
				}
				if _, err := received(t, s); !errors.Is(err, io.EOF) {
					t.Errorf("it ends with %v", err)
				}
			}
		})
	}
	calls.Wait()
	wait()
}

// Calls that are taken back at any time, in great numbers, do not harm others, and leave nothing behind.
func TestManyCallsThatAreTakenBack(t *testing.T) {
	t.Parallel()
	conn, wait := served(t, 1000) // this server bears with as many calls, taken back and not yet begun, four times
	var calls sync.WaitGroup
	for i := range 20 {
		random := rand.New(rand.NewPCG(1, uint64(i))) //nolint:gosec // the same each time
		calls.Go(func() {
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(3000))*time.Microsecond)
				back(ctx, t, conn, random.IntN(4), random.IntN(100_000))
				cancel()
			}
		})
	}
	for i := range 3 { // others, which are not
		calls.Go(func() {
			for range 20 {
				s := http2.NewStream(most, true)
				m := message(framestest.Large[i : 100_000*i])
				if err := conn.Open(t.Context(), s, request(), &m, true); err != nil {
					t.Errorf("a call is not sent: %v", err)
					return
				}
				c := &call{Stream: s, ended: make(chan *status.Status, 1)}
				c.ended <- s.Wait(t.Context())
				c.ends(t, framestest.Large[i:100_000*i])
			}
		})
	}
	calls.Wait()
	wait()
}

// back makes a call that ctx ends, and returns when that has ended.
func back(ctx context.Context, t *testing.T, conn *http2.Conn, messages, size int) {
	s := http2.NewStream(most, false)
	if err := conn.Open(ctx, s, request(), nil, false); err != nil {
		if !errors.Is(err, context.DeadlineExceeded) || s.Opened() {
			t.Errorf("a call is not sent: %v", err)
		}
		return
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		for range messages {
			m := message(framestest.Large[:size])
			if err := s.Send(ctx, &m, false); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("sending ends with %v", err)
				}
				return
			}
		}
		s.CloseSend()
	})
	got := 0
	for {
		m, err := s.Recv(ctx)
		if err == nil {
			if taken(m) != framestest.Large[:size] {
				t.Error("a message is another")
			}
			got++
			continue
		}
		if errors.Is(err, io.EOF) && got != messages {
			t.Errorf("%d messages come back of %d", got, messages)
		} else if !errors.Is(err, io.EOF) && status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("a call ends with %v", err)
		}
		break
	}
	sending.Wait()
}
