// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// script is a connection whose server says what was written before, and reads everything.
type script struct {
	net.Conn // nil: what is not needed

	mu     sync.Mutex
	says   []byte
	pieces int
	gates  []gate
	read   int
	closed chan struct{}
	once   sync.Once
}

// saying is the connection of a server that says parts, each of which but the first once the gate before it is opened.
func saying(pieces int, parts ...[]byte) *script {
	s := &script{pieces: pieces, closed: make(chan struct{})}
	for i, part := range parts {
		if i > 0 {
			s.gates = append(s.gates, gate{len(s.says), make(chan struct{})})
		}
		s.says = append(s.says, part...)
	}
	return s
}

// open opens a gate.
func (s *script) open(i int) { close(s.gates[i].opened) }

// gate is up to where the server says what it does before something: that a call is sent, which is answered behind it.
type gate struct {
	at     int
	opened chan struct{}
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	at := s.read
	s.mu.Unlock()
	most := min(len(p), s.pieces)
	for _, g := range s.gates {
		if at < g.at {
			most = min(most, g.at-at)
			break
		}
		select {
		case <-g.opened:
		case <-s.closed:
			return 0, net.ErrClosed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.says) == 0 {
		return 0, io.EOF
	}
	n := min(most, len(s.says))
	copy(p, s.says[:n])
	s.says = s.says[n:]
	s.read += n
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
		return len(p), nil
	}
}

func (s *script) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (*script) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline says that there is none, in vain: what is read comes at once, or the end does.
func (*script) SetReadDeadline(time.Time) error { return nil }

// said is what a server sends that does as write says.
func said(write func(f *xhttp2.Framer, block func(pairs ...string) []byte)) []byte {
	var b, section bytes.Buffer
	f := xhttp2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	encoder := hpack.NewEncoder(&section)
	write(f, func(pairs ...string) []byte {
		section.Reset()
		for i := 0; i < len(pairs); i += 2 {
			_ = encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
		}
		return bytes.Clone(section.Bytes())
	})
	return b.Bytes()
}

// A server may vanish behind any byte of what it says, and that may come in pieces of any size: calls whose answer is not whole are UNAVAILABLE.
func TestServersThatVanishAnywhere(t *testing.T) {
	t.Parallel()
	settings := said(func(f *xhttp2.Framer, _ func(...string) []byte) { _ = f.WriteSettings() })
	text := strings.Repeat("x", 17_000)
	whole := said(func(f *xhttp2.Framer, block func(...string) []byte) {
		head := block(":status", "200", "content-type", "application/grpc", "a", "b")
		_ = f.WriteRawFrame(xhttp2.FrameHeaders, xhttp2.FlagHeadersPriority|xhttp2.FlagHeadersPadded, 1, append(append([]byte{3, 0, 0, 0, 0, 7}, head[:5]...), 0, 0, 0))
		_ = f.WriteContinuation(1, true, head[5:])
		_ = f.WritePing(false, [8]byte{})
		all := framed(text)
		_ = f.WriteDataPadded(1, false, all[:3], make([]byte, 5))
		_ = f.WriteData(1, false, all[3:16_384+3])
		_ = f.WriteDataPadded(1, false, all[16_384+3:], make([]byte, 100))
		_ = f.WriteWindowUpdate(0, 1)
		_ = f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block("grpc-status", "0"), EndHeaders: true, EndStream: true})
	})
	for at := 0; at <= len(whole); at++ {
		if at > 200 && at < len(whole)-200 && at%397 != 0 {
			continue // in the middle of the message
		}
		small := 7
		if at > 200 {
			small = 1021
		}
		for _, pieces := range []int{small, 1 << 20} {
			server := saying(pieces, settings, whole[:at])
			cfg := plain()
			ready := make(chan struct{})
			cfg.Ready, cfg.Left = func(uint32) { close(ready) }, func(error, bool) {}
			conn := http2.New(server, &cfg)
			<-ready
			s, m := http2.NewStream(most, true), message("request")
			if err := conn.Open(t.Context(), s, request(), &m, true); err != nil {
				t.Fatal(err)
			}
			server.open(0)
			st := s.Wait(t.Context())
			want := codes.Unavailable
			if at == len(whole) {
				want = codes.OK
			}
			if st.Code() != want {
				t.Errorf("cut at %d of %d it ends with %v, want %v", at, len(whole), st, want)
			}
			if m, ok := s.Message(); ok && taken(m) != text || !ok && want == codes.OK {
				t.Errorf("cut at %d of %d the message is another", at, len(whole))
			}
			within(t, conn.Done())
		}
	}
}

// FuzzServer: whatever a server says, no call hangs, none goes well that was not answered, nothing panics, and nothing stays.
func FuzzServer(f *testing.F) {
	head := func(f *xhttp2.Framer, id uint32, end bool, block []byte) {
		_ = f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: end})
	}
	for _, write := range []func(*xhttp2.Framer, func(...string) []byte){
		func(f *xhttp2.Framer, block func(...string) []byte) { // answers to all
			for _, id := range []uint32{1, 3, 5} {
				head(f, id, false, block(":status", "200", "content-type", "application/grpc", "a", "b"))
				_ = f.WriteData(id, false, framed("answer"))
				_ = f.WriteDataPadded(id, false, framed("another"), make([]byte, 10))
				head(f, id, true, block("grpc-status", "0", "grpc-message", "a%20b", "x-bin", "AAA"))
			}
		},
		func(f *xhttp2.Framer, block func(...string) []byte) { // a bit of everything
			_ = f.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 3}, xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: 1})
			_ = f.WriteWindowUpdate(0, 10)
			_ = f.WriteWindowUpdate(3, 10)
			_ = f.WritePing(false, [8]byte{})
			_ = f.WritePriority(1, xhttp2.PriorityParam{})
			_ = f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "103"), EndHeaders: false})
			_ = f.WriteContinuation(1, true, block("a", "b"))
			head(f, 1, true, block(":status", "404", "content-type", "text/html"))
			_ = f.WriteRSTStream(3, xhttp2.ErrCodeRefusedStream)
			_ = f.WriteGoAway(3, xhttp2.ErrCodeNo, []byte("bye"))
		},
		func(f *xhttp2.Framer, block func(...string) []byte) { // a large message in small pieces
			head(f, 3, false, block(":status", "200", "content-type", "application/grpc"))
			text := framed(strings.Repeat("x", 40_000))
			for len(text) > 0 {
				n := min(len(text), 777)
				_ = f.WriteData(3, false, text[:n])
				text = text[n:]
			}
			_ = f.WriteData(3, true, nil)
		},
	} {
		f.Add(said(write), uint8(0))
		f.Add(said(write), uint8(1))
	}
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), uint8(7))
	f.Add([]byte{}, uint8(3))
	settings := said(func(f *xhttp2.Framer, _ func(...string) []byte) { _ = f.WriteSettings() })
	f.Fuzz(func(t *testing.T, says []byte, pieces uint8) {
		server := saying(1+int(pieces)*97, settings, says)
		cfg := plain()
		ready, left := make(chan struct{}), make(chan struct{}, 10)
		cfg.Ready = func(uint32) { close(ready) }
		cfg.Left = func(error, bool) { left <- struct{}{} }
		conn := http2.New(server, &cfg)
		<-ready
		ctx, cancel := context.WithTimeout(t.Context(), framestest.Patience)
		defer cancel()
		var calls sync.WaitGroup
		open := func(s *http2.Stream, m *http2.Message, last bool) {
			if err := conn.Open(ctx, s, request(), m, last); err != nil {
				t.Errorf("a call is not sent: %v", err)
			}
		}
		one, three, five := http2.NewStream(1<<20, true), http2.NewStream(1<<20, false), http2.NewStream(10, false)
		m := message("request")
		open(one, &m, true)
		open(three, nil, false)
		open(five, &m, true)
		calls.Go(func() {
			if st := one.Wait(ctx); st.Code() == codes.OK && !one.Answered() {
				t.Error("a call went well without an answer")
			}
			if m, ok := one.Message(); ok {
				m.Data.Free()
			}
		})
		calls.Go(func() {
			m := message(framestest.Large[:200_000])
			if err := three.Send(ctx, &m, true); err != nil && !errors.Is(err, io.EOF) {
				t.Errorf("sending ends with %v", err)
			}
		})
		for _, s := range []*http2.Stream{three, five} {
			calls.Go(func() {
				s.Header(ctx)
				for {
					m, err := s.Recv(ctx)
					if err != nil {
						if errors.Is(err, io.EOF) && !s.Answered() {
							t.Error("a stream went well without an answer")
						}
						return
					}
					m.Data.Free()
				}
			})
		}
		server.open(0)
		calls.Wait()
		select {
		case <-conn.Done():
		case <-ctx.Done():
			t.Fatal("the connection does not end")
		}
		if ctx.Err() != nil {
			t.Error("a call hangs")
		}
		if len(left) != 1 {
			t.Errorf("it left %d times", len(left))
		}
		if _, ok := one.Ended(); !ok {
			t.Error("a call has not ended")
		}
	})
}

// FuzzLoneCall is the same of a call that is alone on its connection, and so reads that itself.
func FuzzLoneCall(f *testing.F) {
	settings := said(func(f *xhttp2.Framer, _ func(...string) []byte) { _ = f.WriteSettings() })
	answer := func(id uint32) []byte {
		return said(func(f *xhttp2.Framer, block func(...string) []byte) {
			_ = f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: block(":status", "200", "content-type", "application/grpc"), EndHeaders: true})
			_ = f.WriteDataPadded(id, false, framed("answer"), make([]byte, 3))
			_ = f.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: block("grpc-status", "0"), EndHeaders: true, EndStream: true})
		})
	}
	f.Add(answer(3), uint8(0))
	f.Add(answer(3)[:20], uint8(1))
	f.Add(append(answer(3), "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00"...), uint8(200)) // and GOAWAY
	f.Add(append([]byte("\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00"), answer(3)...), uint8(200))
	f.Add([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong\x00\x00\x04\x03\x00\x00\x00\x00\x03\x00\x00\x00\x07"), uint8(0)) // PING, RST_STREAM
	f.Add([]byte("\x00\x00\x00\x09\x04\x00\x00\x00\x03"), uint8(0))                                                             // CONTINUATION of nothing
	f.Fuzz(func(t *testing.T, says []byte, pieces uint8) {
		server := saying(1+int(pieces)*97, settings, answer(1), says)
		cfg := plain()
		ready, left := make(chan struct{}), make(chan struct{}, 10)
		cfg.Ready = func(uint32) { close(ready) }
		cfg.Left = func(error, bool) { left <- struct{}{} }
		conn := http2.New(server, &cfg)
		<-ready
		ctx, cancel := context.WithTimeout(t.Context(), framestest.Patience)
		defer cancel()
		for i := range 2 {
			s, m := http2.NewStream(1<<20, true), message("request")
			if err := conn.Open(ctx, s, request(), &m, true); err != nil {
				t.Errorf("a call is not sent: %v", err)
			}
			server.open(i)
			st := s.Wait(ctx)
			if i == 0 && st.Code() != codes.OK || st.Code() == codes.OK && !s.Answered() {
				t.Errorf("call %d ends with %v", i, st)
			}
			if m, ok := s.Message(); ok {
				m.Data.Free()
			}
		}
		select {
		case <-conn.Done():
		case <-ctx.Done():
			t.Fatal("the connection does not end")
		}
		if ctx.Err() != nil || len(left) != 1 {
			t.Errorf("a call hangs: %v; it left %d times", ctx.Err(), len(left))
		}
	})
}
