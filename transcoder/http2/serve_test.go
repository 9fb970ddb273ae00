// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/framestest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func data(text string) mem.BufferSlice { return mem.BufferSlice{mem.SliceBuffer(text)} }

// clientOn is a client of golang.org/x/net on a connection.
func clientOn(socket net.Conn) (*xhttp2.ClientConn, error) { //nolint:staticcheck // net/http's makes its connections itself
	return (&xhttp2.Transport{AllowHTTP: true}).NewClientConn(socket) //nolint:staticcheck // net/http's makes its connections itself
}

// Bodies of all sizes go and come, over windows that are smaller than they.
func TestBodies(t *testing.T) {
	t.Parallel()
	client, server := framestest.Pair(t)
	ended := serveOn(t, plain(echo), server)
	cc, err := clientOn(client)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 1000, 16 << 10, 70_000, 1 << 20} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.example/x", io.MultiReader(strings.NewReader(framestest.Large[:size]))) // of unknown length
		if err != nil {
			t.Fatal(err)
		}
		response, err := cc.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil || string(body) != framestest.Large[:size] {
			t.Errorf("%d bytes: %d came back, %v", size, len(body), err)
		}
	}
	_ = cc.Close()
	<-ended
}

// Small pieces of a body are one, and padding counts.
func TestSmallPieces(t *testing.T) {
	t.Parallel()
	w := open(t, plain(echo))
	w.Headers(1, false, w.get())
	want := ""
	for i := range 500 {
		w.Must(w.Framer.WriteDataPadded(1, i == 499, []byte{byte('a' + i%26)}, make([]byte, i%100)))
		want += string(rune('a' + i%26))
	}
	if a := w.answer(1); a.body != want {
		t.Errorf("got %q", a.body)
	}
}

// The head of an answer has a length where it is known, the date, and what is set; trailers come behind the body.
func TestAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v", 40<<10)
	for _, row := range []struct {
		name   string
		method string
		out    []transcoder.Out
		want   answer
	}{
		{"a body that is all there", "GET", []transcoder.Out{{Status: 200, Data: data("body"), End: transcoder.EndClean}}, answer{status: "200", header: map[string]string{"content-length": "4"}, body: "body"}},
		{"none", "GET", []transcoder.Out{{Status: 404, End: transcoder.EndClean}}, answer{status: "404", header: map[string]string{"content-length": "0"}}},
		{"in pieces", "GET", []transcoder.Out{{Status: 200, Flush: true}, {Data: data("a"), Flush: true}, {Data: data("b")}, {End: transcoder.EndClean}}, answer{status: "200", body: "ab"}},
		{"with trailers", "GET", []transcoder.Out{{Status: 200}, {Data: data("a")}, {Trailer: wire.Header{{Name: "grpc-status", Value: "0"}}, End: transcoder.EndClean}}, answer{status: "200", body: "a", trailer: map[string]string{"grpc-status": "0"}}},
		{"all at once, with trailers", "GET", []transcoder.Out{{Status: 200, Data: data("a"), Trailer: wire.Header{{Name: "T", Value: "0"}}, End: transcoder.EndClean}}, answer{status: "200", body: "a", trailer: map[string]string{"t": "0"}}},
		{"HEAD", "HEAD", []transcoder.Out{{Status: 200, Header: wire.Header{{Name: "content-length", Value: "4"}}, Data: data("body"), End: transcoder.EndClean}}, answer{status: "200", header: map[string]string{"content-length": "4"}}},
		{"204", "GET", []transcoder.Out{{Status: 204, Data: data("body"), End: transcoder.EndClean}}, answer{status: "204"}},
		{"304", "GET", []transcoder.Out{{Status: 304, End: transcoder.EndClean}}, answer{status: "304"}},
		{"fields of HTTP/1.1 are not sent, nor those that cannot be", "GET", []transcoder.Out{{Status: 200, Header: wire.Header{{Name: "connection", Value: "close"}, {Name: "Kept", Value: "1"}, {Name: "bad", Value: "a\nb"}}, End: transcoder.EndClean}}, answer{status: "200", header: map[string]string{"kept": "1"}}},
		{"a head of many frames", "GET", []transcoder.Out{{Status: 200, Header: wire.Header{{Name: "long", Value: long}}, End: transcoder.EndClean}}, answer{status: "200", header: map[string]string{"long": long}}},
		{"one that is not whole (T128, T136)", "GET", []transcoder.Out{{Status: 200, Data: data("a"), Flush: true}, {End: transcoder.EndAbort}}, answer{status: "200", body: "a", isReset: true, reset: xhttp2.ErrCodeInternal}},
		{"one that is not ended", "GET", []transcoder.Out{{Status: 200, Data: data("a")}}, answer{status: "200", body: "a", isReset: true, reset: xhttp2.ErrCodeInternal}},
		{"none at all", "GET", nil, answer{isReset: true, reset: xhttp2.ErrCodeInternal}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, plain(func(ex transcoder.Exchange) {
				for _, out := range row.out {
					if err := ex.Write(&out); err != nil {
						t.Error(err)
					}
				}
			}))
			w.Framer.MaxHeaderListSize = 1 << 20
			w.Headers(1, true, w.Fields(":method", row.method, ":scheme", "http", ":authority", "a", ":path", "/"))
			a := w.answer(1)
			if a.status != row.want.status || a.body != row.want.body || a.isReset != row.want.isReset || a.reset != row.want.reset {
				t.Errorf("got %.200v", a)
			}
			for name, value := range row.want.header {
				if a.header[name] != value {
					t.Errorf("%s is %.40q", name, a.header[name])
				}
			}
			for name, value := range row.want.trailer {
				if a.trailer[name] != value {
					t.Errorf("trailer %s is %q", name, a.trailer[name])
				}
			}
			if a.status != "" {
				if at, err := http.ParseTime(a.header["date"]); err != nil || time.Since(at) > time.Minute {
					t.Errorf("the date is %q", a.header["date"])
				}
			}
			if a.header["connection"]+a.header["bad"] != "" {
				t.Errorf("got %v", a.header)
			}
		})
	}
}

// What a client says of its body, and what it sends, are one (threat D8).
func TestThreatD8LengthsThatLie(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, length, body, want string }{
		{"right", "4", "body", "200"},
		{"too long", "3", "body", "400"},
		{"too short", "5", "body", "400"},
	} {
		w := open(t, plain(echo))
		w.Headers(1, false, w.get("content-length", row.length))
		w.Must(w.Framer.WriteData(1, true, []byte(row.body)))
		if a := w.answer(1); a.status != row.want {
			t.Errorf("%s: %+v", row.name, a)
		}
	}
}

// A body is asked for when somebody waits for it (threat D13).
func TestThreatD13ExpectContinue(t *testing.T) {
	t.Parallel()
	w := open(t, plain(func(ex transcoder.Exchange) {
		if ex.Request().Path == "/refuse" {
			_ = ex.Write(&transcoder.Out{Status: 401, End: transcoder.EndClean})
			return
		}
		echo(ex)
	}))
	w.Headers(1, false, w.get("expect", "100-continue"))
	if f := until[*xhttp2.MetaHeadersFrame](w); f.PseudoValue("status") != "100" || f.StreamEnded() {
		t.Errorf("got %v", f)
	}
	w.Must(w.Framer.WriteData(1, true, []byte("body")))
	if a := w.answer(1); a.status != "200" || a.body != "body" {
		t.Errorf("got %+v", a)
	}
	w.Headers(3, false, w.Fields(":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/refuse", "expect", "100-continue"))
	if f := until[*xhttp2.MetaHeadersFrame](w); f.PseudoValue("status") != "401" || !f.StreamEnded() {
		t.Errorf("got %v", f)
	}
	if f := until[*xhttp2.RSTStreamFrame](w); f.ErrCode != xhttp2.ErrCodeNo { // the body is not wanted (RFC 9113 section 8.1)
		t.Errorf("got %v", f)
	}
}

// The context of a call ends when its client takes it back, and with the connection; what waits in a read or a write returns.
func TestClientsThatGo(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world){
		"a reset":              func(w *world) { w.Must(w.Framer.WriteRSTStream(1, xhttp2.ErrCodeCancel)) },
		"the connection's end": func(w *world) { _ = w.Socket.Close() },
		"an error of the client's": func(w *world) {
			w.Must(w.Framer.WriteWindowUpdate(0, 1<<31-1))
			w.Must(w.Framer.WriteWindowUpdate(0, 1<<31-1))
		},
	} {
		for kind, work := range map[string]func(transcoder.Exchange) error{
			"waiting": func(ex transcoder.Exchange) error {
				<-ex.Context().Done()
				return ex.Context().Err()
			},
			"reading": func(ex transcoder.Exchange) error {
				_, err := ex.Read()
				return err
			},
			"writing": func(ex transcoder.Exchange) error {
				return ex.Write(&transcoder.Out{Status: 200, Data: data(framestest.Large), End: transcoder.EndClean})
			},
		} {
			t.Run(name+" while "+kind, func(t *testing.T) {
				t.Parallel()
				ended := make(chan error, 1)
				w := open(t, plain(func(ex transcoder.Exchange) { ended <- work(ex) }))
				w.Headers(1, false, w.get())
				framestest.Eventually(t, "it is served", func() bool { return w.begun.Load() == 1 })
				if kind == "writing" {
					until[*xhttp2.DataFrame](w)
				}
				leave(w)
				select {
				case err := <-ended:
					if err == nil || errors.Is(err, io.EOF) {
						t.Errorf("got %v", err)
					}
				case <-time.After(framestest.Patience):
					t.Error("it goes on")
				}
			})
		}
	}
}

// CloseRead ends a read that waits, and all later ones, and leaves the connection as it is.
func TestCloseRead(t *testing.T) {
	t.Parallel()
	w := open(t, plain(func(ex transcoder.Exchange) {
		if ex.Request().Path != "/x" {
			echo(ex)
			return
		}
		read := make(chan error, 1)
		go func() {
			_, err := ex.Read()
			read <- err
		}()
		time.Sleep(time.Millisecond) // so that it waits, most of the time
		ex.CloseRead()
		err := <-read
		_, again := ex.Read()
		if err == nil || again == nil || errors.Is(again, io.EOF) {
			t.Errorf("got %v, %v", err, again)
		}
		_ = ex.Write(&transcoder.Out{Status: 200, End: transcoder.EndClean})
	}))
	w.Headers(1, false, w.get())
	if a := w.answer(1); a.status != "200" {
		t.Errorf("got %+v", a)
	}
	for range 20 { // it is taken, and granted again
		w.Must(w.Framer.WriteData(1, false, make([]byte, 3000)))
	}
	w.Headers(3, false, w.Fields(":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/y"))
	w.Must(w.Framer.WriteData(3, true, []byte("body")))
	if a := w.answer(3); a.body != "body" {
		t.Errorf("got %+v", a)
	}
}

// A panic ends its call alone (fault 38).
func TestFault38Panics(t *testing.T) {
	t.Parallel()
	w := open(t, plain(func(ex transcoder.Exchange) {
		switch ex.Request().Path {
		case "/x":
			panic("oh")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
		echo(ex)
	}))
	w.Headers(1, true, w.get())
	w.Headers(3, true, w.Fields(":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/abort"))
	w.Headers(5, true, w.Fields(":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"))
	resets := 0
	for resets < 2 {
		if until[*xhttp2.RSTStreamFrame](w).ErrCode == xhttp2.ErrCodeInternal {
			resets++
		}
	}
	w.Headers(7, true, w.Fields(":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"))
	if a := w.answer(7); a.status != "200" {
		t.Errorf("got %+v", a)
	}
	_ = w.Socket.Close()
	framestest.Eventually(t, "all have ended", func() bool { return w.running.Load() == 0 })
	if n := strings.Count(w.log.String(), "panicked"); n != 1 {
		t.Errorf("the log is %s", w.log)
	}
}

// Many streams share a connection, whose windows are small, and each gets its own.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	cfg := plain(echo)
	cfg.MaxStreams = 50
	client, server := framestest.Pair(t)
	w := serveOn(t, cfg, server)
	cc, err := clientOn(client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cc.Close() }()
	errs := make(chan error, 200)
	places := make(chan struct{}, cfg.MaxStreams)
	for i := range 200 {
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			size := i * 997 % 100_000
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://a.example/x", strings.NewReader(framestest.Large[i:i+size]))
			if err != nil {
				errs <- err
				return
			}
			response, err := cc.RoundTrip(r)
			if err != nil {
				errs <- err
				return
			}
			body, err := io.ReadAll(response.Body)
			if err == nil && string(body) != framestest.Large[i:i+size] {
				err = errors.New("the body is another")
			}
			errs <- errors.Join(err, response.Body.Close())
		}()
	}
	for range 200 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	_ = cc.Close()
	<-w
}

// Fields that change each time are not put into the table, others are.
func TestFieldsOfAnswers(t *testing.T) {
	t.Parallel()
	w := open(t, plain(func(ex transcoder.Exchange) {
		_ = ex.Write(&transcoder.Out{Status: 200, Header: wire.Header{{Name: "x-request-id", Value: "1"}, {Name: "x-same", Value: strings.Repeat("s", 100)}}, End: transcoder.EndClean})
	}))
	var sizes []int
	w.Framer.ReadMetaHeaders = nil
	for _, stream := range []uint32{1, 3, 5} {
		w.Headers(stream, true, w.get())
		sizes = append(sizes, len(until[*xhttp2.HeadersFrame](w).HeaderBlockFragment()))
	}
	if sizes[0] < 80 || sizes[1] > 60 || !slices.Equal(sizes[1:2], sizes[2:]) {
		t.Errorf("heads of %v bytes", sizes)
	}
}
