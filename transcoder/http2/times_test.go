// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"errors"
	"io"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/dragoman-gateway/dragoman/internal/framestest"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// brief is how long things may take that are to be too late.
const brief = 100 * time.Millisecond

// closes waits until the server closes the connection, and returns for how long it did not.
func (w *world) closes() time.Duration {
	w.Helper()
	began := time.Now()
	for {
		if _, err := w.Framer.ReadFrame(); err != nil {
			if errors.Is(err, io.EOF) {
				return time.Since(began)
			}
			w.Fatalf("it is not closed: %v", err)
		}
	}
}

// Threat D7: a head has a time in which it must come, in whatever pieces, and so have the first settings.
func TestThreatD7HeadsThatDoNotCome(t *testing.T) {
	t.Parallel()
	cfg := plain(echo)
	cfg.HeaderTimeout = brief
	for name, send := range map[string]func(*world){
		"half a frame": func(w *world) { w.Raw(0, 0, 100, 1, 4, 0, 0, 0, 1, 0x82) },
		"its end": func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.get()}))
		},
		"a piece now and then": func(w *world) {
			w.Must(w.Framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: w.get()}))
			for range 40 {
				if w.Framer.WriteContinuation(1, false, []byte{0x82}) != nil {
					return
				}
				time.Sleep(brief / 10)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, cfg)
			send(w)
			if code, text := w.ends(); code != xhttp2.ErrCodeEnhanceYourCalm || w.begun.Load() > 0 {
				t.Errorf("ends with %s %q", code, text)
			}
		})
	}
	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		w := begin(t, cfg)
		if code, _ := w.ends(); code != xhttp2.ErrCodeEnhanceYourCalm {
			t.Errorf("ends with %s", code)
		}
	})
	t.Run("a body may take longer", func(t *testing.T) {
		t.Parallel()
		w := open(t, cfg)
		w.Headers(1, false, w.get())
		time.Sleep(3 * brief)
		w.Must(w.Framer.WriteData(1, true, []byte("body")))
		if a := w.answer(1); a.body != "body" {
			t.Errorf("got %+v", a)
		}
	})
}

// A client that is silent is asked whether it is there; one that answers stays, one that does not is gone.
func TestPings(t *testing.T) {
	t.Parallel()
	cfg := plain(echo)
	cfg.PingAfter, cfg.PingTimeout = brief, 5*brief
	w := open(t, cfg)
	for range 3 {
		w.Must(w.Framer.WritePing(true, until[*xhttp2.PingFrame](w).Data))
	}
	w.Headers(1, true, w.get())
	if a := w.answer(1); a.status != "200" {
		t.Errorf("got %+v", a)
	}
	until[*xhttp2.PingFrame](w)
	w.closes()
}

// A connection without requests is ended after its time, with GOAWAY first; one that has some is not.
func TestIdle(t *testing.T) {
	t.Parallel()
	cfg := plain(holding)
	cfg.IdleTimeout = brief
	w := open(t, cfg)
	w.Headers(1, true, w.get("x-hold", "1"))
	time.Sleep(3 * brief)
	w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeCancel))
	if away := until[*xhttp2.GoAwayFrame](w); away.ErrCode != xhttp2.ErrCodeNo || away.LastStreamID != 1<<31-1 {
		t.Errorf("got %v", away)
	}
	if away := until[*xhttp2.GoAwayFrame](w); away.ErrCode != xhttp2.ErrCodeNo || away.LastStreamID != 1 {
		t.Errorf("then %v", away)
	}
	w.closes()
}

// Who is told to go elsewhere may still make the requests that were on their way, later ones are refused, and what is under way goes on.
func TestGoAway(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := open(t, plain(func(ex transcoder.Exchange) {
		if ex.Request().Header.Has("x-hold") {
			<-release
		}
		echo(ex)
	}))
	w.Headers(1, true, w.get("x-hold", "1"))
	framestest.Eventually(t, "it is served", func() bool { return w.begun.Load() == 1 })
	w.conn.GoAway()
	w.conn.GoAway() // once is enough
	until[*xhttp2.GoAwayFrame](w)
	w.Headers(3, true, w.get())
	if a := w.answer(3); a.status != "200" {
		t.Errorf("what was on its way got %+v", a)
	}
	if away := until[*xhttp2.GoAwayFrame](w); away.LastStreamID != 3 {
		t.Errorf("then %v", away)
	}
	w.Headers(5, true, w.get())
	if a := w.answer(5); !a.isReset || a.reset != xhttp2.ErrCodeRefusedStream {
		t.Errorf("a later one got %+v", a)
	}
	close(release)
	if a := w.answer(1); a.status != "200" {
		t.Errorf("what was under way got %+v", a)
	}
	if took := w.closes(); took > framestest.Patience/2 {
		t.Errorf("it was closed after %v", took)
	}
}

// Threat D9: who takes nothing of an answer is cut off; who is slow is not, and others on the connection go on.
func TestThreatD9StalledStreams(t *testing.T) {
	t.Parallel()
	cfg := plain(func(ex transcoder.Exchange) {
		if ex.Request().Path == "/x" {
			if err := ex.Write(&transcoder.Out{Status: 200, Data: data(framestest.Large), End: transcoder.EndClean}); err == nil {
				t.Error("nobody took it, and it was written")
			}
			return
		}
		echo(ex)
	})
	cfg.WriteStall = 3 * brief
	w := open(t, cfg)
	w.Headers(1, true, w.get())
	for got := 0; got < 65_535; {
		got += len(until[*xhttp2.DataFrame](w).Data())
	}
	for range 4 { // a bit now and then is enough
		time.Sleep(2 * brief)
		w.Must(w.Framer.WriteWindowUpdate(0, 100))
		w.Must(w.Framer.WriteWindowUpdate(1, 100))
		for got := 0; got < 100; {
			got += len(until[*xhttp2.DataFrame](w).Data())
		}
	}
	if f := until[*xhttp2.RSTStreamFrame](w); f.StreamID != 1 || f.ErrCode != xhttp2.ErrCodeCancel {
		t.Errorf("got %v", f)
	}
	w.Headers(3, true, w.Fields(":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"))
	if a := w.answer(3); a.status != "200" {
		t.Errorf("another got %+v", a)
	}
}

// Threat D9: a client that does not read its socket is gone after the time of a stall, and with it all its calls.
func TestThreatD9StalledConnections(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	cfg := plain(func(ex transcoder.Exchange) {
		defer close(ended)
		for ex.Write(&transcoder.Out{Status: 200, Data: data(framestest.Large)}) == nil {
		}
	})
	cfg.WriteStall = 3 * brief
	w := open(t, cfg, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
	w.Must(w.Framer.WriteWindowUpdate(0, 1<<31-1-65535))
	w.Headers(1, true, w.get())
	select {
	case <-ended:
	case <-time.After(framestest.Patience):
		t.Error("it goes on")
	}
}
