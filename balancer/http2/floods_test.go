// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/http2"
	"github.com/dragoman-gateway/dragoman/internal/framestest"
)

// mostFlood is how many frames a flood has that is not ended.
const mostFlood = 30_000

// flood sends until the connection breaks, or mostFlood times, while what comes is read; it returns why the connection ended, if that was told.
func (w *world) flood(send func(i int) error) (code xhttp2.ErrCode, sent int) {
	w.Helper()
	ended := make(chan xhttp2.ErrCode, 1)
	go func() {
		for {
			f, err := w.Framer.ReadFrame()
			if err != nil && !errors.As(err, new(xhttp2.StreamError)) {
				ended <- 0
				return
			}
			if away, ok := f.(*xhttp2.GoAwayFrame); ok {
				ended <- away.ErrCode
				return
			}
		}
	}()
	for sent < mostFlood && send(sent) == nil {
		sent++
	}
	if sent == mostFlood {
		_ = w.Socket.SetReadDeadline(time.Now().Add(framestest.Patience / 20))
	}
	return within(w, ended), sent
}

// Threat D5, of a server: frames that bring nothing end its connection, in whatever form they come, and so its calls, when it takes what is sent.
func TestFloods(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(w *world) func(i int) error{
		"PING":               func(w *world) func(int) error { return func(int) error { return w.Framer.WritePing(false, [8]byte{}) } },
		"answers to no PING": func(w *world) func(int) error { return func(int) error { return w.Framer.WritePing(true, [8]byte{}) } },
		"SETTINGS":           func(w *world) func(int) error { return func(int) error { return w.Framer.WriteSettings() } },
		"SETTINGS of the table": func(w *world) func(int) error {
			return func(i int) error {
				return w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: uint32(i % 4096)}) //nolint:gosec // small
			}
		},
		"SETTINGS of windows": func(w *world) func(int) error {
			return func(i int) error {
				return w.Framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: uint32(i)}) //nolint:gosec // small
			}
		},
		"answers to no SETTINGS": func(w *world) func(int) error { return func(int) error { return w.Framer.WriteSettingsAck() } },
		"PRIORITY": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WritePriority(1, xhttp2.PriorityParam{Weight: 1}) }
		},
		"frames that nobody knows": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteRawFrame(0xfa, 0, 0, []byte("x")) }
		},
		"large frames that nobody knows": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteRawFrame(0xfa, 0, 0, make([]byte, 12<<10)) }
		},
		"empty DATA": func(w *world) func(int) error {
			w.Headers(1, false, w.okay())
			return func(int) error { return w.Framer.WriteData(1, false, nil) }
		},
		"empty DATA of a stream that has ended": func(w *world) func(int) error {
			w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeCancel))
			return func(int) error { return w.Framer.WriteData(1, false, nil) }
		},
		"windows that grow by one": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteWindowUpdate(1, 1) }
		},
		"the connection's window, which grows by one": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteWindowUpdate(0, 1) }
		},
		"RST_STREAM": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteRSTStream(1, xhttp2.ErrCodeCancel) }
		},
		"GOAWAY": func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteGoAway(1<<31-1, xhttp2.ErrCodeNo, nil) }
		},
		"empty CONTINUATION": func(w *world) func(int) error {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
			return func(int) error { return w.Framer.WriteContinuation(1, false, nil) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain())
			one := w.unary("request")
			code, sent := w.flood(send(w))
			// It may be cut off in the middle of what it sends, and not read why.
			if sent == mostFlood && code == 0 || code != 0 && code != xhttp2.ErrCodeEnhanceYourCalm {
				t.Errorf("after %d it ends with %s", sent, code)
			}
			within(t, one.ended)
			w.gone()
		})
	}
}

// Threat D5, of a server that reads nothing: what it asks for is not gathered, and its connection ends.
func TestFloodsThatNobodyReads(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(w *world) error{
		"PING":     func(w *world) error { return w.Framer.WritePing(false, [8]byte{}) },
		"SETTINGS": func(w *world) error { return w.Framer.WriteSettings() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := framestest.Pair(t)
			narrow(t, client, server)
			w := beginOn(t, plain(), client, server)
			w.greet(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
			w.Must(w.Framer.WriteWindowUpdate(0, 1<<30))
			one := w.unary(framestest.Large + framestest.Large) // so that nothing leaves any more
			for i := 0; i < mostFlood && send(w) == nil; i++ {
			}
			one.fails(t, codes.Unavailable)
			w.gone()
		})
	}
}

// A server that sends what brings nothing with what brings something goes on: it grants windows and asks for signs of life as often as it likes.
func TestThingsOfSomeUse(t *testing.T) {
	t.Parallel()
	t.Run("windows for what is sent", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		s, id := w.streaming()
		sent := make(chan error, 1)
		go func() {
			var err error
			for range 3 {
				m := message(framestest.Large)
				err = errors.Join(err, s.Send(t.Context(), &m, false))
			}
			sent <- err
		}()
		updates := 0
		for got := 0; got < 3*(len(framestest.Large)+5); {
			n := len(until[*xhttp2.DataFrame](w).Data())
			for got += n; n > 0; n -= min(n, 500) { // 500 bytes at a time
				by := uint32(min(n, 500)) //nolint:gosec // small
				w.Must(w.Framer.WriteWindowUpdate(id, by))
				w.Must(w.Framer.WriteWindowUpdate(0, by))
				updates += 2
			}
		}
		if err := within(t, sent); err != nil || updates < 12_000 {
			t.Errorf("sending ends with %v after %d updates", err, updates)
		}
		w.answer(id, "answer")
		if got, err := received(t, s); got != "answer" || err != nil {
			t.Errorf("received %q, %v", got, err)
		}
	})
	t.Run("calls that are refused", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		s := &serverOf{w, func(id uint32) { w.Must(w.Framer.WriteRSTStream(id, xhttp2.ErrCodeRefusedStream)) }}
		refused := 0
		s.while(func() {
			for range 11_000 {
				one := http2.NewStream(most, true)
				m := message("request")
				if err := w.conn.Open(t.Context(), one, request(), &m, true); err != nil && !errors.Is(err, io.EOF) {
					t.Errorf("a call is not sent: %v", err)
					return
				}
				if one.Wait(t.Context()).Code() == codes.Unavailable && one.Unseen() {
					refused++
				}
			}
		})
		if refused != 11_000 {
			t.Errorf("%d calls were refused", refused)
		}
	})
}

// serverOf reads what comes, and handles each head.
type serverOf struct {
	*world

	handle func(id uint32)
}

// while serves until do has returned.
func (s *serverOf) while(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
		s.conn.Drain()
	}()
	for {
		f, err := s.Framer.ReadFrame()
		if err != nil {
			break // it is drained
		}
		if f, ok := f.(*xhttp2.MetaHeadersFrame); ok {
			s.handle(f.StreamID)
		}
	}
	<-done
}

// Threats D4, H4: a head of an answer that is larger than it may be fails its call alone, as long as it ends within 64 KiB more; one that goes on ends
// the connection.
func TestThreatsD4H4LargeHeads(t *testing.T) {
	t.Parallel()
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain())
		for _, size := range []int{9 << 10, 30 << 10, 60 << 10} {
			one, three := w.unary("request"), w.unary("request")
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: one.id, BlockFragment: w.okay()}))
			block := w.Fields("large", strings.Repeat("~", size)) // which is not shorter in Huffman's code
			for len(block) > 0 {
				n := min(len(block), 10_000)
				w.Must(w.Framer.WriteContinuation(one.id, n == len(block), block[:n]))
				block = block[n:]
			}
			one.fails(t, codes.Internal)
			if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != one.id || f.ErrCode != xhttp2.ErrCodeEnhanceYourCalm {
				t.Errorf("got %v", f)
			}
			w.answer(three.id, "answer")
			three.ends(t, "answer")
		}
		// The largest that there may be: each field counts 32 bytes more.
		most := 8<<10 - (len(":status200") + 32 + len("content-typeapplication/grpc") + 32 + len("large") + 32)
		for more, want := range map[int]codes.Code{0: codes.OK, 1: codes.Internal} {
			one := w.unary("request")
			w.Headers(one.id, false, w.okay("large", strings.Repeat("x", most+more)))
			w.data(one.id, false, framed("answer"))
			w.trailers(one.id)
			one.fails(t, want)
		}
		w.works()
	})
	for name, fragment := range map[string][]byte{
		"fields":         bytes.Repeat([]byte{0x00, 0x01, 'a', 0x01, 'b'}, 200),
		"nothing":        nil,
		"a single value": append([]byte{0x00, 0x01, 'a', 0x7f, 0x80, 0x80, 0x80, 0x01}, make([]byte, 1000)...),
	} {
		t.Run("without end: "+name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain())
			one := w.unary("request")
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.okay()}))
			code, sent := w.flood(func(int) error { return w.Framer.WriteContinuation(1, false, fragment) })
			if code != 0 && code != xhttp2.ErrCodeEnhanceYourCalm && code != xhttp2.ErrCodeCompression || code == 0 && sent == mostFlood {
				t.Errorf("after %d it ends with %s", sent, code)
			}
			one.fails(t, codes.Unavailable)
			w.gone()
		})
	}
}

// Threats D1, D16: heads that grow by reference hold nothing, and a hostile byte does not cost many.
func TestThreatsD1D16HeadBomb(t *testing.T) { //nolint:paralleltest // it counts memory
	w := open(t, plain())
	value := strings.Repeat("x", 4000)
	one, _ := w.streaming()
	// A value is put into the table once, and referred to by one byte each time.
	w.Headers(1, false, w.okay("bomb", value))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sent := 0
	for range 200 {
		c := w.unary("request")
		block := append(w.okay(), bytes.Repeat([]byte{0xbe}, 10_000)...)
		sent += len(block)
		w.Headers(c.id, false, block)
		c.fails(t, codes.Internal)
	}
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 1<<20 { //nolint:gosec // small
		t.Errorf("%d bytes are held", held)
	}
	if allocated > uint64(5*sent) { //nolint:gosec // positive
		t.Errorf("%d bytes were allocated for %d", allocated, sent)
	}
	one.Cancel(status.New(codes.Canceled, "the test is over"))
}

// What a server sends of a message is held only once it has come, whatever its prefix says.
func TestMessagesThatDoNotCome(t *testing.T) { //nolint:paralleltest // it counts memory
	w := open(t, plain())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all []*http2.Stream
	for range 100 {
		s, id := w.streaming()
		all = append(all, s)
		w.Headers(id, false, w.okay())
		w.data(id, false, []byte{0, 0, 0x40, 0, 0, 'x'}) // it is to be 4 MiB
	}
	w.works()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 100*40<<10 { //nolint:gosec // small
		t.Errorf("%d bytes are held", held)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range all {
		if _, err := s.Recv(ctx); status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
	}
}

// Threat D16: a byte of small messages that nobody takes does not cost many.
func TestThreatD16SmallMessages(t *testing.T) { //nolint:paralleltest // it counts memory
	for _, text := range []string{"", "x", "0123456789"} {
		cfg := plain()
		cfg.StreamWindow = 256 << 10
		w := open(t, cfg)
		s, id := w.streaming()
		w.Headers(id, false, w.okay())
		w.Must(w.Framer.WritePing(false, [8]byte{1}))
		until[*xhttp2.PingFrame](w)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		piece := bytes.Repeat(framed(text), 10_000/len(framed(text)))
		sent := 0
		for sent+len(piece) < cfg.StreamWindow {
			w.data(id, false, piece)
			sent += len(piece)
		}
		w.Must(w.Framer.WritePing(false, [8]byte{2}))
		until[*xhttp2.PingFrame](w)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 20*int64(sent) { //nolint:gosec // small
			t.Errorf("%d bytes are held for %d of messages of %d", held, sent, len(text))
		}
		for range sent / len(framed(text)) {
			if got, err := received(t, s); got != text || err != nil {
				t.Fatalf("received %q, %v", got, err)
			}
		}
	}
}

// Threat D16: settings that say the same thing over and over cost what one does, and the last counts.
func TestThreatD16RepeatedSettings(t *testing.T) { //nolint:paralleltest // it counts memory
	w := open(t, plain())
	const calls = 50
	var all []*call
	for range calls {
		all = append(all, w.start(t.Context(), framestest.Large[:200_000]))
	}
	for heads, got := 0, 0; heads < calls || got < 65535; { // they wait for the connection's window
		switch f := until[xhttp2.Frame](w).(type) {
		case *xhttp2.MetaHeadersFrame:
			heads++
		case *xhttp2.DataFrame:
			got += len(f.Data())
		}
	}
	var settings []xhttp2.Setting
	for i := range uint32(16_384 / 12) {
		settings = append(settings, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: i}, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: i % 2 * 65535})
	}
	settings = append(settings[:len(settings)-2], xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 1000}, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 50
	for range times {
		w.Must(w.Framer.WriteSettings(settings...))
		w.acknowledged()
	}
	runtime.ReadMemStats(&after)
	// The framer's own is a part of it.
	if allocated, sent := after.TotalAlloc-before.TotalAlloc, uint64(times*len(settings)*6); allocated > 5*sent {
		t.Errorf("%d bytes were allocated for %d", allocated, sent)
	}
	w.Must(w.Framer.WriteWindowUpdate(0, 1<<30))
	for ended := 0; ended < calls; {
		if f, ok := until[xhttp2.Frame](w).(*xhttp2.DataFrame); ok && len(f.Data()) > 0 {
			w.Must(w.Framer.WriteWindowUpdate(f.StreamID, 16_384))
			if f.StreamEnded() {
				w.answer(f.StreamID, "answer")
				ended++
			}
		}
	}
	for _, c := range all {
		c.ends(t, "answer")
	}
}

// narrow makes the buffers of a connection small, so that who does not read is noticed.
func narrow(t *testing.T, ends ...any) {
	t.Helper()
	for _, end := range ends {
		c, ok := end.(interface {
			SetReadBuffer(bytes int) error
			SetWriteBuffer(bytes int) error
		})
		if !ok {
			t.Fatalf("a %T has no buffers", end)
		}
		if err := errors.Join(c.SetReadBuffer(4<<10), c.SetWriteBuffer(4<<10)); err != nil {
			t.Fatal(err)
		}
	}
}
