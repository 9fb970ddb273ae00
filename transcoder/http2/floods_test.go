// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/dragoman-gateway/dragoman/internal/framestest"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// holding serves requests with "x-hold" until they end, and echoes others.
func holding(ex transcoder.Exchange) {
	if ex.Request().Header.Has("x-hold") {
		<-ex.Context().Done()
		return
	}
	echo(ex)
}

// flood sends until the connection breaks, or so many times, while what comes is read; it returns why the connection ended.
func flood(w *world, times int, send func(i int) error) (xhttp2.ErrCode, int) {
	type end struct{ code xhttp2.ErrCode }
	ended := make(chan end, 1)
	go func() {
		for {
			f, err := w.Framer.ReadFrame()
			if err != nil {
				ended <- end{}
				return
			}
			if away, ok := f.(*xhttp2.GoAwayFrame); ok && away.ErrCode != xhttp2.ErrCodeNo {
				ended <- end{away.ErrCode}
				return
			}
		}
	}()
	sent := 0
	for sent < times && send(sent) == nil {
		sent++
	}
	select {
	case e := <-ended:
		return e.code, sent
	case <-time.After(framestest.Patience):
		return 0, sent
	}
}

// Threats D2, D3, D5: what costs a client next to nothing is bounded, and who goes on is told to calm down.
func TestThreatsD2D3D5Floods(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		send func(w *world) func(i int) error
	}{
		{"D2 requests that are taken back", func(w *world) func(int) error {
			return func(i int) error {
				stream := uint32(2*i + 1) //nolint:gosec // few
				return errors.Join(w.ask(stream, w.get("x-hold", "1")), w.Framer.WriteRSTStream(stream, xhttp2.ErrCodeCancel))
			}
		}},
		{"D3 requests that must be reset", func(w *world) func(int) error {
			return func(i int) error {
				stream := uint32(2*i + 1) //nolint:gosec // few
				w.Framer.AllowIllegalWrites = true
				return errors.Join(w.ask(stream, w.get("x-hold", "1")), w.Framer.WriteWindowUpdate(stream, 0))
			}
		}},
		{"D3 requests that are malformed", func(w *world) func(int) error {
			return func(i int) error {
				return w.ask(uint32(2*i+1), w.get("connection", "close")) //nolint:gosec // few
			}
		}},
		{"D3 more requests than may be open", func(w *world) func(int) error {
			return func(i int) error {
				return w.ask(uint32(2*i+1), w.get("x-hold", "1")) //nolint:gosec // few
			}
		}},
		{"D5 PING", func(w *world) func(int) error { return func(int) error { return w.Framer.WritePing(false, [8]byte{}) } }},
		{"D5 answers to no PING", func(w *world) func(int) error { return func(int) error { return w.Framer.WritePing(true, [8]byte{}) } }},
		{"D5 SETTINGS", func(w *world) func(int) error { return func(int) error { return w.Framer.WriteSettings() } }},
		{"D5 PRIORITY", func(w *world) func(int) error {
			return func(int) error { return w.Framer.WritePriority(1, xhttp2.PriorityParam{Weight: 1}) }
		}},
		{"D5 frames that nobody knows", func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteRawFrame(0xfa, 0, 0, []byte("x")) }
		}},
		{"D5 large frames that nobody knows", func(w *world) func(int) error {
			return func(int) error { return w.Framer.WriteRawFrame(0xfa, 0, 0, make([]byte, 12<<10)) }
		}},
		{"D5 empty DATA", func(w *world) func(int) error {
			w.Headers(1, false, w.get("x-hold", "1"))
			return func(int) error { return w.Framer.WriteData(1, false, nil) }
		}},
		{"D5 windows that grow by one", func(w *world) func(int) error {
			w.Headers(1, false, w.get("x-hold", "1"))
			return func(int) error { return w.Framer.WriteWindowUpdate(1, 1) }
		}},
		{"D5 DATA of a stream that has ended", func(w *world) func(int) error {
			w.Headers(1, true, w.get())
			return func(i int) error {
				if i == 0 {
					w.Headers(3, false, w.get("x-hold", "1"))
					return w.Framer.WriteRSTStream(3, xhttp2.ErrCodeCancel)
				}
				return w.Framer.WriteData(3, false, nil)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := plain(holding)
			w := open(t, cfg)
			const most = 20_000
			code, sent := flood(w, most, row.send(w))
			// It may be cut off in the middle of what it sends, and not read why.
			if sent == most && code == 0 || code != 0 && code != xhttp2.ErrCodeEnhanceYourCalm {
				t.Errorf("after %d it ends with %s", sent, code)
			}
			framestest.Eventually(t, "all handlers have ended", func() bool { return w.running.Load() == 0 })
			if got := w.most.Load(); got > int64(cfg.MaxStreams) {
				t.Errorf("%d handlers ran at a time", got)
			}
			if got := w.begun.Load(); got > 1000 {
				t.Errorf("%d requests were served", got)
			}
		})
	}
}

// Threat D2: clients that take requests back now and then, among many that are answered, go on.
func TestThreatD2SomeMayBeTakenBack(t *testing.T) {
	t.Parallel()
	w := open(t, plain(holding))
	stream := uint32(1)
	for range 500 {
		w.Headers(stream, true, w.get("x-hold", "1"))
		w.Must(w.Framer.WriteRSTStream(stream, xhttp2.ErrCodeCancel))
		stream += 2
		w.Headers(stream, true, w.get())
		if a := w.answer(stream); a.status != "200" {
			t.Fatalf("got %+v", a)
		}
		stream += 2
	}
}

// Threat D4: a head that goes on and on ends the connection, 64 KiB beyond what it may have at most.
func TestThreatD4HeadsWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, fragment := range map[string][]byte{
		"fields":         bytes.Repeat([]byte{0x00, 0x01, 'a', 0x01, 'b'}, 200),
		"nothing":        nil,
		"a single value": append([]byte{0x00, 0x01, 'a', 0x7f, 0x80, 0x80, 0x80, 0x01}, make([]byte, 1000)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(echo))
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.get()}))
			code, sent := flood(w, 20_000, func(int) error { return w.Framer.WriteContinuation(1, false, fragment) })
			if code != 0 && code != xhttp2.ErrCodeEnhanceYourCalm && code != xhttp2.ErrCodeCompression || code == 0 && sent == 20_000 {
				t.Errorf("after %d it ends with %s", sent, code)
			}
			if w.begun.Load() > 0 {
				t.Error("it was served")
			}
		})
	}
}

// Threat D6: frames, flags and settings that nobody knows harm nothing.
func TestThreatD6ThingsOfNoUse(t *testing.T) {
	t.Parallel()
	w := open(t, plain(echo), xhttp2.Setting{ID: 0xfafa, Val: 1}, xhttp2.Setting{ID: xhttp2.SettingMaxFrameSize, Val: 1<<24 - 1}, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 0})
	for kind := xhttp2.FrameType(0x0a); kind < 0x20; kind++ {
		w.Must(w.Framer.WriteRawFrame(kind, 0xff, 1, []byte("anything")))
		w.Must(w.Framer.WriteRawFrame(kind, 0, 0, nil))
	}
	w.Must(w.Framer.WritePriority(9, xhttp2.PriorityParam{StreamDep: 9}))
	w.Must(w.Framer.WriteRawFrame(xhttp2.FrameHeaders, xhttp2.FlagHeadersEndHeaders|xhttp2.FlagHeadersEndStream|xhttp2.FlagHeadersPriority|xhttp2.FlagHeadersPadded, 1,
		append(append([]byte{3, 0, 0, 0, 0, 7}, w.get()...), 0, 0, 0)))
	if a := w.answer(1); a.status != "200" {
		t.Errorf("got %+v", a)
	}
	w.Must(w.Framer.WriteGoAway(0, xhttp2.ErrCodeNo, nil))
	w.Headers(3, true, w.get())
	if a := w.answer(3); a.status != "200" {
		t.Errorf("behind GOAWAY got %+v", a)
	}
}

// Threats D1, D16: heads that grow by reference, and are held open, hold little, and a hostile byte does not cost many.
func TestThreatsD1D16HeadBomb(t *testing.T) { //nolint:paralleltest // it counts memory
	w := open(t, plain(holding))
	// A value is put into the table once, and referred to by one byte each time.
	value := strings.Repeat("x", 4000)
	w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.get("x-hold", "1", "bomb", value), EndHeaders: true}))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sent := 0
	for stream := uint32(3); stream < 3+2*200; stream += 2 {
		block := append(w.get("x-hold", "1", "bomb", value), bytes.Repeat([]byte{0xbe}, 2000)...)
		sent += len(block)
		if w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true}) != nil {
			break
		}
	}
	framestest.Eventually(t, "all were seen", func() bool {
		w.Must(w.Framer.WritePing(false, [8]byte{1}))
		for {
			f, err := w.Framer.ReadFrame()
			if err != nil {
				return true // it was told to calm down
			}
			if p, ok := f.(*xhttp2.PingFrame); ok && p.IsAck() {
				return true
			}
		}
	})
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 4<<20 { //nolint:gosec // small
		t.Errorf("%d bytes are held", held)
	}
	if allocated > uint64(20*sent) { //nolint:gosec // positive
		t.Errorf("%d bytes were allocated for %d", allocated, sent)
	}
}
