// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http1"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// patience is how long something may take that comes at once.
	patience = 20 * time.Second
	// brief is how long things may take that are to be too late.
	brief = 100 * time.Millisecond
)

// plain is a configuration of which a test changes what it is about.
func plain(serve func(transcoder.Exchange)) http1.Config {
	return http1.Config{
		Listener: "test", MaxHeader: 8 << 10, HeaderTimeout: patience, WriteStall: patience, IdleTimeout: time.Minute, Serve: serve,
		Limits: transcoder.Limits{MaxFields: 20},
	}
}

// world is a server of one connection, and a client that sends bytes.
type world struct {
	*testing.T

	conn   *http1.Conn
	socket net.Conn     // what the client writes to
	below  *net.TCPConn // what carries it
	in     *bufio.Reader
	begun  atomic.Int64 // handlers
	ended  chan struct{}
	log    *bytes.Buffer
}

// pair returns both ends of a connection on loopback.
func pair(t testing.TB) (client *net.TCPConn, server net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn), server //nolint:errcheck,forcetypeassert // it is one
}

// open begins a connection.
func open(t *testing.T, cfg http1.Config) *world {
	t.Helper()
	client, server := pair(t)
	return serve(t, cfg, client, server, time.Now().Add(time.Hour))
}

func serve(t *testing.T, cfg http1.Config, client *net.TCPConn, server net.Conn, end time.Time) *world {
	t.Helper()
	w := &world{T: t, log: &bytes.Buffer{}, socket: client, below: client, in: bufio.NewReader(client), ended: make(chan struct{})}
	handle := cfg.Serve
	cfg.Serve = func(ex transcoder.Exchange) {
		w.begun.Add(1)
		handle(ex)
	}
	cfg.Log = slog.New(slog.NewTextHandler(w.log, nil))
	w.conn = http1.NewConn(server, &cfg, end, nil)
	go func() {
		defer close(w.ended)
		w.conn.Serve(time.Now().Add(cfg.HeaderTimeout))
	}()
	t.Cleanup(func() {
		_ = client.Close()
		w.conn.Close()
		<-w.ended
	})
	_ = client.SetReadDeadline(time.Now().Add(patience))
	return w
}

func (w *world) send(text string) {
	w.Helper()
	if _, err := io.WriteString(w.socket, text); err != nil {
		w.Fatal(err)
	}
}

// answer is what a request was answered.
type answer struct {
	status int
	header http.Header
	body   string
	last   bool
	broken bool // it is not whole
}

// answer reads one.
func (w *world) answer(method string) answer {
	w.Helper()
	r, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		w.Fatalf("waiting for an answer: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	for name, values := range r.Trailer {
		r.Header["Trailer:"+name] = values
	}
	return answer{r.StatusCode, r.Header, string(body), r.Close, err != nil}
}

// ask sends a request and reads its answer.
func (w *world) ask(request string) answer {
	w.Helper()
	w.send(request)
	method, _, _ := strings.Cut(request, " ")
	return w.answer(method)
}

// closes waits until the server closes the connection, and returns what it has sent before.
func (w *world) closes() string {
	w.Helper()
	rest, err := io.ReadAll(w.in)
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		w.Fatal("the connection stays open")
	}
	return string(rest)
}

// all reads a body.
func all(ex transcoder.Exchange) ([]byte, error) {
	var body []byte
	for {
		b, err := ex.Read()
		if b != nil {
			body = append(body, b.ReadOnlyData()...)
			b.Free()
		}
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
}

// echo answers with what came.
func echo(ex transcoder.Exchange) {
	body, err := all(ex)
	if err != nil {
		say(ex, 400, err.Error())
		return
	}
	r := ex.Request()
	var fields strings.Builder
	for _, f := range r.Header {
		fmt.Fprintf(&fields, "%s=%s;", f.Name, f.Value)
	}
	_ = ex.Write(&transcoder.Out{
		Status: 200, End: transcoder.EndClean, Data: mem.BufferSlice{mem.SliceBuffer(body)}, Header: wire.Header{
			{Name: "x-method", Value: r.Method},
			{Name: "x-path", Value: r.Path},
			{Name: "x-query", Value: r.Query},
			{Name: "x-authority", Value: r.Authority},
			{Name: "x-fields", Value: fields.String()},
		},
	})
}

func say(ex transcoder.Exchange, status int, text string) {
	_ = ex.Write(&transcoder.Out{Status: status, End: transcoder.EndClean, Data: mem.BufferSlice{mem.SliceBuffer(text)}})
}
