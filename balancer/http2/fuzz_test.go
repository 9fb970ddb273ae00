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
)

// script is a connection whose server says what was written before, and reads everything.
type script struct {
	net.Conn // nil: what is not needed

	mu     sync.Mutex
	says   []byte
	pieces int
	opened chan struct{} // closed when the calls are sent: what the server says behind its settings answers them
	greets int           // bytes of says that are its settings
	read   int
	closed chan struct{}
	once   sync.Once
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	at := s.read
	s.mu.Unlock()
	if at >= s.greets {
		select {
		case <-s.opened:
		case <-s.closed:
			return 0, net.ErrClosed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.says) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(s.says), s.pieces)
	if s.read < s.greets {
		n = min(n, s.greets-s.read)
	}
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
			server := &script{
				says: append(bytes.Clone(settings), whole[:at]...), greets: len(settings), pieces: pieces, opened: make(chan struct{}), closed: make(chan struct{}),
			}
			cfg := plain()
			ready := make(chan struct{})
			cfg.Ready, cfg.Left = func(uint32) { close(ready) }, func(error, bool) {}
			conn := http2.New(server, &cfg)
			<-ready
			s, m := http2.NewStream(most, true), message("request")
			if err := conn.Open(t.Context(), s, request(), &m, true); err != nil {
				t.Fatal(err)
			}
			close(server.opened)
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
		server := &script{
			says: append(bytes.Clone(settings), says...), greets: len(settings), pieces: 1 + int(pieces)*97, opened: make(chan struct{}), closed: make(chan struct{}),
		}
		cfg := plain()
		ready, left := make(chan struct{}), make(chan struct{}, 10)
		cfg.Ready = func(uint32) { close(ready) }
		cfg.Left = func(error, bool) { left <- struct{}{} }
		conn := http2.New(server, &cfg)
		<-ready
		ctx, cancel := context.WithTimeout(t.Context(), patience)
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
			m := message(large[:200_000])
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
		close(server.opened)
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
