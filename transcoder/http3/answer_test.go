// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"
	quichttp3 "github.com/quic-go/quic-go/http3"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// A request comes as it was sent, and its answer as it was written.
func TestRequestAndAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got transcoder.Request
		var sent string
		w := connect(t, func(ex transcoder.Exchange) {
			got = *ex.Request()
			sent, _ = body(ex)
			out := &transcoder.Out{Status: 201, Header: wire.Header{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}, {Name: "connection", Value: "close"}, {Name: "bad", Value: "a\nb"}}}
			_ = ex.Write(out)
			end := &transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer("x"), mem.SliceBuffer("yz")}, Trailer: wire.Header{{Name: "t", Value: "3"}}, End: transcoder.EndClean}
			_ = ex.Write(end)
		}, nil)
		a, err := w.do("POST", "/a%2Fb//c?q=%20#", strings.NewReader("hello"), "Cookie", "a=b", "Cookie", "c=d", "X-One", "1")
		if err != nil || a.status != 201 || a.body != "xyz" {
			t.Fatalf("%+v, %v", a, err)
		}
		if diff := cmp.Diff(http.Header{"A": {"1", "2"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}, a.header); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(http.Header{"T": {"3"}}, a.trailer); diff != "" {
			t.Errorf("trailers (-want +got):\n%s", diff)
		}
		if sent != "hello" || got.Method != "POST" || got.Path != "/a%2Fb//c" || got.Query != "q=%20" || got.Authority != "test" || got.Scheme != "https" ||
			got.Major != 3 || got.ContentLength != 5 || got.Listener != "main" || got.Remote.String() != "10.0.0.1:1000" || got.TLS == nil || got.TLS.NegotiatedProtocol != "h3" {
			t.Errorf("%q, %+v", sent, got)
		}
		for name, want := range map[string]string{"cookie": "a=b; c=d", "x-one": "1", "content-length": "5"} {
			if got.Header.Count(name) != 1 || got.Header.Get(name) != want {
				t.Errorf("%s: %v", name, got.Header)
			}
		}
		if got.Header.Has("host") {
			t.Error("host stands beside the authority")
		}
	})
}

// Lengths, and answers that have no body.
func TestLengthsOfAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method string
		status       int
		header       wire.Header
		data         string
		length       int64
		body         string
	}{
		{"all at once", "GET", 200, nil, "abc", 3, "abc"},
		{"nothing", "GET", 200, nil, "", 0, ""},
		{"its own", "GET", 200, wire.Header{{Name: "content-length", Value: "3"}}, "abc", 3, "abc"},
		{"HEAD", "HEAD", 200, wire.Header{{Name: "content-length", Value: "3"}}, "abc", 3, ""}, // T43
		{"204", "GET", 204, nil, "abc", 0, ""},
		{"304", "GET", 304, nil, "", -1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := connect(t, func(ex transcoder.Exchange) {
					_ = ex.Write(&transcoder.Out{Status: tt.status, Header: tt.header, Data: mem.BufferSlice{mem.SliceBuffer(tt.data)}, End: transcoder.EndClean})
				}, nil)
				a, err := w.do(tt.method, "/", nil)
				if err != nil || a.status != tt.status || a.body != tt.body || a.length != tt.length {
					t.Errorf("%+v, %v", a, err)
				}
			})
		})
	}
}

// Bodies of both directions, larger than every window, come through in order; a piece comes when it is flushed.
func TestBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat("0123456789abcdef", 64<<10)
		next := make(chan struct{})
		w := connect(t, func(ex transcoder.Exchange) {
			if ex.Request().Path == "/pieces" {
				for i, text := range []string{"one", "two", "three"} {
					status := 0
					if i == 0 {
						status = 200
					}
					if err := piece(ex, status, text); err != nil {
						t.Error(err)
					}
					<-next
				}
				_ = ex.Write(&transcoder.Out{End: transcoder.EndClean})
				return
			}
			_ = piece(ex, 200, "")
			for {
				b, err := ex.Read()
				if b != nil {
					_ = ex.Write(&transcoder.Out{Data: mem.BufferSlice{b}})
				}
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Error(err)
					break
				}
			}
			_ = ex.Write(&transcoder.Out{End: transcoder.EndClean})
		}, func(s *setting) {
			s.server.InitialStreamReceiveWindow, s.server.MaxStreamReceiveWindow = 64<<10, 64<<10
			s.server.InitialConnectionReceiveWindow, s.server.MaxConnectionReceiveWindow = 64<<10, 64<<10
		})
		for _, from := range []io.Reader{strings.NewReader(large), struct{ io.Reader }{strings.NewReader(large)}} { // its length known, and not
			a, err := w.do("POST", "/", from)
			if err != nil || a.body != large {
				t.Errorf("%d bytes of %d, %v", len(a.body), len(large), err)
			}
		}
		str := w.send(true, get("/pieces"))
		defer str.CancelRead(0x100)
		for _, want := range []string{"one", "two", "three"} {
			synctest.Wait() // nothing moves but what has been flushed
			data := make([]byte, 4096)
			n, err := str.Read(data)
			if err != nil || !strings.HasSuffix(string(data[:n]), want) {
				t.Fatalf("%q, %v", data[:n], err)
			}
			next <- struct{}{}
		}
	})
}

// T128, T136: an answer that does not end well cannot be taken for whole, and what was written before reaches the client, whether it knows
// of resets that deliver or not.
func TestT136_BrokenAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		serve func(ex transcoder.Exchange)
		logs  bool
	}{
		{"aborted", func(ex transcoder.Exchange) {
			_ = ex.Write(&transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer("more")}, End: transcoder.EndAbort})
		}, false},
		{"not ended", func(ex transcoder.Exchange) {
			_ = ex.Write(&transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer("more")}, Flush: true})
		}, false},
		{"a panic that says so", func(ex transcoder.Exchange) { _ = piece(ex, 0, "more"); panic(http.ErrAbortHandler) }, false},
		{"a panic", func(ex transcoder.Exchange) { _ = piece(ex, 0, "more"); panic("broken") }, true},
		{"a panic behind the end", func(ex transcoder.Exchange) {
			_ = piece(ex, 0, "more")
			_ = ex.Write(&transcoder.Out{End: transcoder.EndClean})
			panic("broken")
		}, true},
	} {
		for _, partial := range []bool{false, true} {
			name := tt.name
			if partial {
				name += ", partial delivery"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := connect(t, func(ex transcoder.Exchange) {
						_ = piece(ex, 200, "some")
						tt.serve(ex)
					}, func(s *setting) { s.client.EnableStreamResetPartialDelivery = partial })
					a, err := w.do("GET", "/", nil)
					if e, ok := errors.AsType[*quichttp3.Error](err); a.body != "somemore" || !ok || !e.Remote || e.ErrorCode != quichttp3.ErrCodeInternalError {
						t.Errorf("%+v, %v", a, err)
					}
					if logged := strings.Contains(w.log.String(), "serving a request panicked"); logged != tt.logs {
						t.Errorf("the log: %s", w.log)
					}
					if a, err := w.do("GET", "/", nil); a.status != 200 {
						t.Errorf("the next request: %v", err)
					}
				})
			})
		}
	}
}

// D9: a client that takes nothing is cut off, and one that is only slow is not.
func TestD9_WriteStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const window = 16 << 10
		var took time.Duration
		failed := make(chan error, 1)
		w := connect(t, func(ex transcoder.Exchange) {
			from := time.Now()
			err := piece(ex, 200, strings.Repeat("x", 10*window))
			took = time.Since(from)
			failed <- err
		}, func(s *setting) {
			s.client.InitialStreamReceiveWindow, s.client.MaxStreamReceiveWindow = window, window
		})
		w.greet(settings())
		str := w.send(true, get("/"))
		if err := <-failed; err == nil || took != 30*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		synctest.Wait()
		if m := read(str); reset(m.err) != 0x10c { // H3_REQUEST_CANCELLED
			t.Errorf("%v", m.err)
		}

		slow := w.send(true, get("/"))
		for {
			time.Sleep(5 * time.Second) // the time of the bubble: nothing waits
			data := make([]byte, window)
			if _, err := slow.Read(data); err != nil {
				break
			}
		}
		if err := <-failed; err != nil || took < 30*time.Second {
			t.Errorf("slow: %v after %s", err, took)
		}
	})
}

// D13: a client that waits to be asked for its body is, when the body is wanted, and not when the answer came first.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, func(ex transcoder.Exchange) {
			if ex.Request().Path == "/refused" {
				whole(ex, 401, "")
				return
			}
			text, err := body(ex)
			if err != nil {
				t.Error(err)
			}
			whole(ex, 200, text)
		}, nil)
		w.greet(settings())
		str := w.send(false, post("expect", "100-continue"))
		synctest.Wait()
		if _, err := str.Write(frame(0x00, []byte("body"))); err != nil {
			t.Fatal(err)
		}
		_ = str.Close()
		m := read(str)
		if len(m.heads) != 2 || m.heads[0] != ":status: 100\n" || !strings.HasPrefix(m.heads[1], ":status: 200\n") || m.data != "body" || m.err != nil {
			t.Errorf("%+v, %v", m, m.err)
		}
		str = w.send(false, get("/refused", "expect", "100-continue"))
		if m := read(str); len(m.heads) != 1 || !strings.HasPrefix(m.heads[0], ":status: 401\n") {
			t.Errorf("%+v", m)
		}
	})
}

// T140: the context of a call ends when its client goes away, in whatever way it does.
func TestT140_ClientGoesAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(w *world, str *quic.Stream)
	}{
		{"it wants no answer", func(_ *world, str *quic.Stream) { str.CancelRead(0x10c) }},
		{"it takes its request back", func(_ *world, str *quic.Stream) { str.CancelWrite(0x10c) }},
		{"both", func(_ *world, str *quic.Stream) { str.CancelRead(0x10c); str.CancelWrite(0x10c) }},
		{"the connection is over", func(w *world, _ *quic.Stream) { _ = w.client.CloseWithError(0x100, "") }},
		{"the gateway closes it", func(w *world, _ *quic.Stream) { w.conn.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan error, 1)
				w := connect(t, func(ex transcoder.Exchange) {
					go func() { _, err := body(ex); ended <- err }()
					<-ex.Context().Done()
					if err := piece(ex, 200, "x"); err == nil {
						t.Error("an answer can be written")
					}
				}, nil)
				w.greet(settings())
				str := w.send(false, post(), frame(0x00, []byte("some")))
				synctest.Wait()
				from := time.Now()
				tt.do(w, str)
				if err := <-ended; err == nil {
					t.Error("the body ended well")
				}
				if took := time.Since(from); took > time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// CloseRead ends a Read that waits, and the client is told to send no more; the answer still comes.
func TestCloseRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, func(ex transcoder.Exchange) {
			read := make(chan error, 1)
			go func() { _, err := body(ex); read <- err }()
			synctest.Wait()
			ex.CloseRead()
			if err := <-read; err == nil {
				t.Error("the body ended well")
			}
			if err := ex.Context().Err(); err != nil {
				t.Errorf("the call is cancelled: %v", err)
			}
			whole(ex, 200, "early")
		}, nil)
		w.greet(settings())
		str := w.send(false, post(), frame(0x00, []byte("some")))
		if m := read(str); m.err != nil || m.data != "early" {
			t.Errorf("%+v", m)
		}
		if _, err := str.Write([]byte("x")); reset(err) != 0x100 { // H3_NO_ERROR
			t.Errorf("the client may go on: %v", err)
		}
	})
}
