// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

const get = "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\n\r\n"

// A request is as it was sent, whatever pieces it comes in, and its body is all that belongs to it.
func TestRequests(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 10_000)
	for name, tt := range map[string]struct{ request, fields, body string }{
		"plain":           {"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n", "", ""},
		"order and space": {"GET /x HTTP/1.1\r\nX-B:  c d \t\r\nHost:a.example\r\nx-b:\r\nA: \xc3\xa4\r\n\r\n", "x-b=c d;x-b=;a=\xc3\xa4;", ""},
		"length":          {"GET /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello", "content-length=5;", "hello"},
		"long":            {fmt.Sprintf("POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n%s", len(large), large), fmt.Sprintf("content-length=%d;", len(large)), large},
		"chunks":          {"GET /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00a;a=\"b\" ;c\r\n, world of\r\n0\r\n\r\n", "", "hello, world of"},
		"trailers":        {"GET /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0 ;x\r\nX-Y: z\r\nHost: b\r\n\r\n", "", "h"},
		"a large chunk":   {fmt.Sprintf("GET /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n%X\r\n%s\r\n0\r\n\r\n", len(large), large), "", large},
		"small chunks":    {"GET /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 10_000) + "0\r\n\r\n", "", strings.Repeat("x", 10_000)},
		"a large head":    {"GET /x HTTP/1.1\r\nHost: a.example\r\nX-A: " + large[:7000] + "\r\n\r\n", "x-a=" + large[:7000] + ";", ""},
	} {
		for _, piece := range []int{1 << 20, 1500, 7} {
			if len(tt.request)/piece > 3000 {
				continue
			}
			t.Run(fmt.Sprintf("%s in pieces of %d", name, piece), func(t *testing.T) {
				t.Parallel()
				w := open(t, plain(echo))
				go func() {
					for rest := tt.request + get; rest != ""; {
						n := min(piece, len(rest))
						if _, err := io.WriteString(w.socket, rest[:n]); err != nil {
							return // the test has ended
						}
						rest = rest[n:]
					}
				}()
				a := w.answer("GET")
				if a.status != 200 || a.body != tt.body || a.header.Get("X-Path") != "/x" || a.header.Get("X-Fields") != tt.fields || a.last {
					t.Errorf("got %.300v", a)
				}
				if a := w.answer("GET"); a.status != 200 || a.header.Get("X-Query") != "b=c" || a.body != "" {
					t.Errorf("then %.300v", a)
				}
			})
		}
	}
}

// Requests that come together are answered in their order, one at a time.
func TestPipelining(t *testing.T) {
	t.Parallel()
	w := open(t, plain(echo))
	const n = 500
	go func() {
		for i := range n {
			w.send(fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\nx\r\n", i)) // with the line that is one too many
		}
	}()
	for i := range n {
		if a := w.answer("POST"); a.header.Get("X-Path") != fmt.Sprintf("/%d", i) || a.body != "x" {
			t.Fatalf("answer %d is %+v", i, a)
		}
	}
}

// An answer ends in the way that its status, its length and the version of the request ask for.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		http10 = "GET / HTTP/1.0\r\n\r\n"
		kept   = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
		closes = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"
		head   = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
	)
	text := func(s ...string) (data mem.BufferSlice) {
		for _, s := range s {
			data = append(data, mem.SliceBuffer(s))
		}
		return data
	}
	field := func(name, value string) wire.Header { return wire.Header{{Name: name, Value: value}} }
	large := strings.Repeat("x", 300_000)
	for name, tt := range map[string]struct {
		request string
		outs    []transcoder.Out
		want    answer
	}{
		"whole":          {get, []transcoder.Out{{Status: 200, Data: text("a", "b"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"2"}}, body: "ab"}},
		"empty":          {get, []transcoder.Out{{Status: 404, End: transcoder.EndClean}}, answer{status: 404, header: http.Header{"Content-Length": {"0"}}}},
		"large":          {get, []transcoder.Out{{Status: 200, Data: text(large, "b", large), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"600001"}}, body: large + "b" + large}},
		"pieces":         {get, []transcoder.Out{{Status: 200, Data: text("a"), Flush: true}, {Data: text("b"), Flush: true}, {Data: text(large)}, {End: transcoder.EndClean}}, answer{status: 200, header: http.Header{}, body: "ab" + large}},
		"given length":   {get, []transcoder.Out{{Status: 200, Header: field("content-length", "3"), Data: text("a")}, {Data: text("bc"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"3"}}, body: "abc"}},
		"trailers":       {get, []transcoder.Out{{Status: 200, Header: field("trailer", "x-t"), Data: text("a"), Trailer: field("x-t", "1"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Trailer:X-T": {"1"}}, body: "a"}},
		"no content":     {get, []transcoder.Out{{Status: 204, Data: text("a"), Header: field("content-length", "1"), End: transcoder.EndClean}}, answer{status: 204, header: http.Header{}}},
		"not modified":   {get, []transcoder.Out{{Status: 304, Header: field("content-length", "1"), End: transcoder.EndClean}}, answer{status: 304, header: http.Header{}}},
		"HEAD":           {head, []transcoder.Out{{Status: 200, Header: field("content-length", "5"), Data: text("a"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"5"}}}},
		"the last":       {closes, []transcoder.Out{{Status: 200, End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"0"}}, last: true}},
		"1.0":            {http10, []transcoder.Out{{Status: 200, Data: text("a"), Flush: true}, {Data: text("b"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{}, body: "ab", last: true}},
		"1.0, kept":      {kept, []transcoder.Out{{Status: 200, Data: text("a"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"1"}, "Connection": {"keep-alive"}}, body: "a"}},
		"1.0, pieces":    {kept, []transcoder.Out{{Status: 200, Data: text("a"), Flush: true}, {Data: text("b"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{}, body: "ab", last: true}},
		"aborted":        {get, []transcoder.Out{{Status: 200, Data: text("a"), Flush: true}, {End: transcoder.EndAbort}}, answer{status: 200, header: http.Header{}, body: "a", broken: true}},                                                                     // T136
		"1.0, aborted":   {http10, []transcoder.Out{{Status: 200, Data: text("a"), Flush: true}, {End: transcoder.EndAbort}}, answer{status: 200, header: http.Header{}, body: "a", last: true, broken: true}},                                                      // T128
		"not ended":      {get, []transcoder.Out{{Status: 200, Data: text("a"), Flush: true}}, answer{status: 200, header: http.Header{}, body: "a", broken: true}},                                                                                                 // T128
		"too short":      {get, []transcoder.Out{{Status: 200, Header: field("content-length", "3"), Data: text("a"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"3"}}, body: "a", broken: true}},                       // T128
		"too long":       {get, []transcoder.Out{{Status: 200, Header: field("content-length", "3"), Data: text("a")}, {Data: text("bcde"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"3"}}, body: "a", broken: true}}, // T128
		"length is none": {get, []transcoder.Out{{Status: 200, Header: field("content-length", "x"), Data: text("a"), End: transcoder.EndClean}}, answer{status: 200, header: http.Header{"Content-Length": {"1"}}, body: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(func(ex transcoder.Exchange) {
				for i := range tt.outs {
					out := tt.outs[i]
					if ex.Write(&out) != nil {
						return
					}
				}
			}))
			got := w.ask(tt.request)
			if got.header.Get("Date") == "" {
				t.Error("there is no date")
			}
			if tt.want.header.Get("Date") == "" {
				got.header.Del("Date")
			}
			if got.status != tt.want.status || got.body != tt.want.body || got.last != tt.want.last && !tt.want.broken || got.broken != tt.want.broken ||
				fmt.Sprint(got.header) != fmt.Sprint(tt.want.header) {
				t.Errorf("got %.300v\nwant %.300v", got, tt.want)
			}
			if got.last || got.broken {
				if rest := w.closes(); rest != "" {
					t.Errorf("there is more: %q", rest)
				}
			} else if again := w.ask(tt.request); again.status != got.status || again.body != got.body {
				t.Errorf("then %.300v", again)
			}
		})
	}
}

// A handler that panics ends its connection, and the log says where.
func TestPanic(t *testing.T) {
	t.Parallel()
	w := open(t, plain(func(transcoder.Exchange) { panic("of a test") }))
	w.send(get)
	if rest := w.closes(); rest != "" {
		t.Errorf("it is answered: %q", rest)
	}
	<-w.ended
	if !strings.Contains(w.log.String(), "of a test") {
		t.Errorf("the log is %q", w.log)
	}
}

// Threat D13: a client that waits to be told that it may send the body is told when the body is asked for, and not before or without.
func TestThreatD13ExpectContinue(t *testing.T) {
	t.Parallel()
	const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n"
	t.Run("asked for", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(echo))
		w.send(head)
		if line, err := w.in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = w.in.ReadString('\n')
		if a := w.ask("body"); a.status != 200 || a.body != "body" || a.last {
			t.Errorf("got %+v", a)
		}
		if a := w.ask(head + "more"); a.status != 200 || a.body != "more" { // it has not waited
			t.Errorf("got %+v", a)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(func(ex transcoder.Exchange) { say(ex, 401, "no") }))
		if a := w.ask(head); a.status != 401 || !a.last {
			t.Errorf("got %+v", a)
		}
		if rest := w.closes(); rest != "" {
			t.Errorf("then %q", rest)
		}
	})
	t.Run("something else", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(echo))
		if a := w.ask("POST / HTTP/1.1\r\nHost: a\r\nExpect: money\r\nContent-Length: 4\r\n\r\n"); a.status != 417 || !a.last || w.begun.Load() > 0 {
			t.Errorf("got %+v", a)
		}
	})
}

// What is left of a body that nobody has read is never taken for a request, and the client is left time to take its answer (threats D8, D12).
func TestThreatsD8D12RestOfABody(t *testing.T) {
	t.Parallel()
	for name, framing := range map[string]string{
		"length": "Content-Length: 1000000\r\n\r\n", "chunks": "Transfer-Encoding: chunked\r\n\r\nf4240\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(func(ex transcoder.Exchange) { say(ex, 403, "no") }))
			w.send("POST / HTTP/1.1\r\nHost: a\r\n" + framing)
			for range 50 {
				w.send(get)
			}
			if a := w.answer("POST"); a.status != 403 || a.body != "no" || !a.last {
				t.Errorf("got %+v", a)
			}
			if rest := w.closes(); rest != "" || w.begun.Load() != 1 {
				t.Errorf("then %q, and %d requests were served", rest, w.begun.Load())
			}
		})
	}
	t.Run("more than sockets hold", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(func(ex transcoder.Exchange) { say(ex, 413, "too large") }))
		const size = 16 << 20
		w.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size))
		for range size / (1 << 20) { // a client that reads nothing before it has sent all
			w.send(strings.Repeat("x", 1<<20))
		}
		if a := w.answer("POST"); a.status != 413 || a.body != "too large" || !a.last {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("one that came whole", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(func(ex transcoder.Exchange) { say(ex, 403, "no") }))
		for range 2 {
			if a := w.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"); a.status != 403 || a.last {
				t.Errorf("got %+v", a)
			}
		}
	})
}

// CloseRead ends a Read that waits, and what comes later is no request.
func TestCloseRead(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome", "chunks": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nso",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(func(ex transcoder.Exchange) {
				timer := time.AfterFunc(brief, ex.CloseRead)
				defer timer.Stop()
				_, err := all(ex)
				if err == nil || ex.Context().Err() != nil {
					t.Errorf("%v, %v", err, ex.Context().Err())
				}
				if _, again := ex.Read(); again == nil {
					t.Error("it can be read again")
				}
				say(ex, 408, "late")
			}))
			if a := w.ask(request); a.status != 408 || !a.last {
				t.Errorf("got %+v", a)
			}
			w.closes()
		})
	}
	t.Run("behind the end", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(func(ex transcoder.Exchange) {
			_, _ = all(ex)
			ex.CloseRead()
			echo(ex)
		}))
		for range 20 {
			if a := w.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"); a.status != 200 || a.last {
				t.Fatalf("got %+v", a)
			}
		}
	})
}

// A client that goes while its request is served cancels it at once, whether it was going to send more or not.
func TestGoneClients(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"no body": get, "whole body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "half a body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\nbody",
		"chunks": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reset %v", name, reset), func(t *testing.T) {
				t.Parallel()
				reading := make(chan struct{})
				w := open(t, plain(func(ex transcoder.Exchange) {
					close(reading)
					_, _ = all(ex)
					<-ex.Context().Done()
				}))
				w.send(request)
				<-reading
				if reset {
					_ = w.below.SetLinger(0)
				}
				_ = w.socket.Close()
				select {
				case <-w.ended:
				case <-time.After(patience):
					t.Error("it goes on")
				}
			})
		}
	}
}

// What is written while it is taken is not held up, and messages that come together leave together.
func TestStreams(t *testing.T) {
	t.Parallel()
	step := make(chan struct{})
	w := open(t, plain(func(ex transcoder.Exchange) {
		_ = ex.Write(&transcoder.Out{Status: 200, Flush: true})
		for range step {
			_ = ex.Write(&transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer("message")}, Flush: true})
		}
		for range 10_000 {
			_ = ex.Write(&transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer("message")}, Flush: true})
		}
		_ = ex.Write(&transcoder.Out{End: transcoder.EndClean})
	}))
	w.send(get)
	r, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	buf := make([]byte, len("message"))
	for range 10 {
		step <- struct{}{}
		if _, err := r.Body.Read(buf); err != nil || string(buf) != "message" {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	close(step)
	n := 0
	for {
		k, err := r.Body.Read(buf)
		if n += k; err != nil {
			break
		}
	}
	if n != 70_000 {
		t.Errorf("%d bytes came", n)
	}
}

// Bodies can be read while the answer is written (T143).
func TestT143FullDuplex(t *testing.T) {
	t.Parallel()
	w := open(t, plain(func(ex transcoder.Exchange) {
		_ = ex.Write(&transcoder.Out{Status: 200, Flush: true})
		for {
			b, err := ex.Read()
			out := &transcoder.Out{Flush: true}
			if b != nil {
				out.Data = mem.BufferSlice{b}
			}
			if err != nil {
				out.End = transcoder.EndClean
			}
			if werr := ex.Write(out); werr != nil || err != nil {
				return
			}
		}
	}))
	w.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	r, err := http.ReadResponse(w.in, nil)
	if err != nil || !r.Close { // the body had not come
		t.Fatalf("%+v, %v", r, err)
	}
	defer func() { _ = r.Body.Close() }()
	for _, message := range []string{"one", "two"} {
		w.send(fmt.Sprintf("%d\r\n%s\r\n", len(message), message))
		buf := make([]byte, 3)
		if n, err := r.Body.Read(buf); err != nil || string(buf[:n]) != message {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	w.send("0\r\n\r\n")
	w.closes()
}

// A WebSocket begins with whatever has come behind its request, and what a handshake is refused with is an answer like others.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	const handshake = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	const hello = "\x81\x85\x00\x00\x00\x00hello" // with a mask of zeros
	serve := func(ex transcoder.Exchange) {
		u, ok := ex.(transcoder.Upgrader)
		if !ok {
			t.Error("it is no Upgrader")
			return
		}
		socket, err := u.Upgrade("", wire.Header{{Name: "x-a", Value: "b"}}, 1000)
		if err != nil {
			return
		}
		for {
			_, data, err := socket.Read(ex.Context())
			if err != nil {
				return
			}
			err = socket.Write(true, data.ReadOnlyData())
			data.Free()
			if err != nil {
				return
			}
		}
	}
	for name, first := range map[string]string{"with the request": hello, "later": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(serve))
			w.send(handshake + "\r\n" + first)
			r, err := http.ReadResponse(w.in, nil)
			if err != nil || r.StatusCode != 101 || r.Header.Get("X-A") != "b" || r.Header.Get("Sec-WebSocket-Accept") == "" {
				t.Fatalf("%+v, %v", r, err)
			}
			_ = r.Body.Close()
			if first == "" {
				time.Sleep(brief)
				w.send(hello)
			}
			got := make([]byte, 7)
			if _, err := io.ReadFull(w.in, got); err != nil || string(got) != "\x81\x05hello" {
				t.Errorf("%q, %v", got, err)
			}
			_ = w.socket.Close()
			<-w.ended
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(serve))
		a := w.ask(strings.Replace(handshake, "13", "8", 1) + "\r\n")
		if a.status != 400 || a.header.Get("Sec-WebSocket-Version") != "13" || !a.last {
			t.Errorf("got %+v", a)
		}
		w.closes()
	})
	t.Run("with a body", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(serve))
		if a := w.ask(handshake + "Content-Length: 10\r\n\r\n" + hello[:5]); a.status != 400 || !a.last {
			t.Errorf("got %+v", a)
		}
		w.closes()
	})
}
