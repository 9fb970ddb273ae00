// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package nethttp_test

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
)

// pipe is a listener that has one connection, in memory.
type pipe struct {
	server net.Conn
	taken  sync.Once
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	var c net.Conn
	p.taken.Do(func() { c = p.server })
	if c == nil {
		<-p.closed
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipe) Close() error {
	close(p.closed)
	return nil
}

func (p *pipe) Addr() net.Addr { return p.server.LocalAddr() }

// serveOne serves one connection of HTTP/1.1 and returns its other end. end closes everything.
func serveOne(serve func(transcoder.Exchange)) (client net.Conn, end func()) {
	client, server := net.Pipe()
	p := &pipe{server: server, closed: make(chan struct{})}
	s := &http.Server{Handler: nethttp.Handler(nethttp.Config{}, serve)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(p)
	}()
	return client, func() {
		_ = client.Close()
		_ = s.Close()
		<-done
	}
}

// readAll reads a body to its end.
func readAll(ex transcoder.Exchange) error {
	for {
		buf, err := ex.Read()
		if buf != nil {
			buf.Free()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// CloseRead makes reads of a connection fail. net/http takes that for a client that is gone, and tells so to every later request on
// the connection: a client stream whose backend answered as its last message came cancelled the calls of others.
func TestCloseReadDoesNotCancelTheNextRequest(t *testing.T) {
	t.Parallel()
	const half, rest = "POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab", "c\r\n0\r\n\r\n"
	for _, tt := range []struct {
		name    string
		request string
		close   func(ex transcoder.Exchange) error
		keeps   bool // the connection serves another request
	}{
		{"behind the end of the body", half + rest, func(ex transcoder.Exchange) error {
			err := readAll(ex)
			ex.CloseRead()
			return err
		}, true},
		{"in the middle of the body", half, func(ex transcoder.Exchange) error {
			go func() {
				synctest.Wait() // a read waits
				ex.CloseRead()
			}()
			if readAll(ex) == nil {
				return errors.New("the body is read though it has not come")
			}
			return nil
		}, false},
		{"not at all", half + rest, readAll, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				client, end := serveOne(func(ex transcoder.Exchange) {
					requests++
					read := readAll
					if requests == 1 {
						read = tt.close
					}
					if err := read(ex); err != nil {
						t.Error(err)
					}
					synctest.Wait() // net/http has seen what it sees
					if err := ex.Context().Err(); err != nil && tt.keeps {
						t.Errorf("request %d is cancelled: %v", requests, err)
					}
					out := &transcoder.Out{Status: 204, End: transcoder.EndClean}
					if err := ex.Write(out); err != nil {
						t.Error(err)
					}
				})
				defer end()
				answers := bufio.NewReader(client)
				for n := 1; n <= 2; n++ {
					if _, err := io.WriteString(client, tt.request); err != nil {
						t.Fatal(err)
					}
					answer, err := http.ReadResponse(answers, nil)
					if err != nil {
						t.Fatal(err)
					}
					_ = answer.Body.Close()
					if answer.Close == tt.keeps {
						t.Errorf("request %d: the connection is closed %v, want %v", n, answer.Close, !tt.keeps)
					}
					if answer.Close {
						return
					}
				}
			})
		})
	}
}

// headOnly is a writer that keeps nothing.
type headOnly struct{ header http.Header }

func (w *headOnly) Header() http.Header         { return w.header }
func (w *headOnly) Write(p []byte) (int, error) { return len(p), nil }
func (w *headOnly) WriteHeader(int)             {}

// Alt-Svc stands in every answer, and costs none of them an allocation.
//
//nolint:paralleltest // allocations are counted of all goroutines
func TestAltSvcIsMadeOnce(t *testing.T) {
	const value = `h3=":443"; ma=86400`
	w := &headOnly{header: http.Header{"Alt-Svc": nil}} // with the room that it needs
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI = "/"
	allocs := func(altSvc string) float64 {
		h := nethttp.Handler(nethttp.Config{AltSvc: altSvc}, func(ex transcoder.Exchange) {
			_ = ex.Write(&transcoder.Out{Status: http.StatusOK, End: transcoder.EndClean})
		})
		// The least of several: pools forget what they hold, under the race detector more often.
		least := math.MaxFloat64
		for range 20 {
			least = min(least, testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }))
		}
		return least
	}
	without := allocs("")
	if got := w.header.Get("Alt-Svc"); got != "" {
		t.Errorf("alt-svc is %q where none is set", got)
	}
	if with := allocs(value); with > without {
		t.Errorf("%v allocations with alt-svc, %v without", with, without)
	}
	if got := w.header.Values("Alt-Svc"); len(got) != 1 || got[0] != value {
		t.Errorf("alt-svc is %q", got)
	}
}
