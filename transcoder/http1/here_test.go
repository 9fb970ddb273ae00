// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/certificatetest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http1"
)

// while is longer than a connection's goroutine serves a request before another one watches.
const while = 30 * time.Millisecond

// here tells whether it is called in the goroutine of a connection.
func here() bool { return strings.Contains(string(debug.Stack()), "http1.(*Conn).Serve(") }

// hot is a connection whose requests come soon one behind the other.
type hot struct {
	*world

	begun chan bool // a request to anything but "/" was; here
}

// inTurns are the ways in which a connection may be read.
var inTurns = map[string]func(*testing.T, http1.Config) *world{"clear text": open, "TLS": openTLS}

// openTLS begins a connection of TLS.
func openTLS(t *testing.T, cfg http1.Config) *world {
	t.Helper()
	certificate, pool := certificatetest.New(t, "a.example")
	client, server := pair(t)
	secure := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13})
	shaken := make(chan error, 1)
	go func() { shaken <- secure.HandshakeContext(t.Context()) }()
	over := tls.Client(client, &tls.Config{RootCAs: pool, ServerName: "a.example", MinVersion: tls.VersionTLS13})
	if err := over.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	w := serve(t, cfg, client, secure, time.Now().Add(time.Hour))
	w.socket, w.in = over, bufio.NewReader(over)
	return w
}

// heat begins a connection. Requests to anything but "/" are served by special, if they are served here.
func heat(t *testing.T, open func(*testing.T, http1.Config) *world, cfg http1.Config, special func(transcoder.Exchange)) *hot {
	t.Helper()
	h := &hot{begun: make(chan bool, 1)}
	cfg.Serve = func(ex transcoder.Exchange) {
		if ex.Request().Path == "/" {
			echo(ex)
			return
		}
		is := here()
		h.begun <- is
		if !is {
			_, _ = all(ex)
			say(ex, http.StatusServiceUnavailable, "served elsewhere")
			return
		}
		special(ex)
	}
	h.world = open(t, cfg)
	return h
}

const (
	warm    = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	special = "GET /special HTTP/1.1\r\nHost: a\r\n\r\n"
)

// begin sends a request until it is served here: the machine may be too slow for one to be soon behind another.
func (h *hot) begin(request string) {
	h.Helper()
	for range 1000 {
		h.ask(warm)
		h.send(request)
		if <-h.begun {
			return
		}
		h.answer("GET")
	}
	h.Fatal("it is never served by the connection's goroutine")
}

// A request that comes soon behind the one before is served by the goroutine of its connection, if all of it is there; what comes later is not, nor
// what is still to be read.
func TestServedHere(t *testing.T) {
	t.Parallel()
	const (
		post  = "POST /special HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
		other = "GET /special HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"
	)
	for kind, open := range inTurns {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := heat(t, open, plain(nil), echo)
			h.begin(special)
			if a := h.answer("GET"); a.status != 200 {
				t.Fatalf("got %+v", a)
			}
			h.begin(post + "body")
			if a := h.answer("POST"); a.status != 200 || a.body != "body" {
				t.Fatalf("got %+v", a)
			}
			for name, row := range map[string]struct {
				wait       time.Duration
				send, rest string
			}{
				"an upgrade":    {0, other, ""},
				"half a body":   {0, post + "bo", "dy"},
				"after a while": {while, special, ""},
			} {
				h.ask(warm)
				time.Sleep(row.wait)
				h.send(row.send)
				if <-h.begun {
					t.Errorf("%s is served here", name)
				}
				h.send(row.rest)
				h.answer("GET")
			}
		})
	}
	t.Run("the first", func(t *testing.T) {
		t.Parallel()
		h := heat(t, open, plain(nil), echo)
		h.send(special)
		if <-h.begun {
			t.Error("it is served here")
		}
		h.answer("GET")
	})
}

// What ends a request that is served here is noticed while it is: T140.
func TestT140WhatEndsWhatIsServedHere(t *testing.T) {
	t.Parallel()
	for kind, open := range inTurns {
		for name, end := range map[string]func(*hot){
			"the client closes":       func(h *hot) { _ = h.socket.Close() },
			"the client resets":       func(h *hot) { _, _ = h.below.SetLinger(0), h.below.Close() },
			"the connection is ended": func(h *hot) { h.conn.Close() },
		} {
			for _, after := range []time.Duration{0, while} {
				t.Run(fmt.Sprintf("%s, %s after %s", kind, name, after), func(t *testing.T) {
					t.Parallel()
					h := heat(t, open, plain(nil), func(ex transcoder.Exchange) { <-ex.Context().Done() })
					h.begin(special)
					time.Sleep(after)
					end(h)
					select {
					case <-h.ended:
					case <-time.After(patience):
						t.Fatal("it goes on")
					}
				})
			}
		}
	}
}

// A client that has sent the end of its bytes may take the answer to what is served here.
func TestServedHereForHalfAConnection(t *testing.T) {
	t.Parallel()
	for kind, open := range inTurns {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := heat(t, open, plain(nil), func(ex transcoder.Exchange) {
				<-ex.Context().Done()
				say(ex, 200, "bye")
			})
			h.begin(special)
			if err := h.socket.(interface{ CloseWrite() error }).CloseWrite(); err != nil { //nolint:errcheck,forcetypeassert // it has one
				t.Fatal(err)
			}
			if a := h.answer("GET"); a.body != "bye" || !a.last {
				t.Errorf("got %+v", a)
			}
			h.closes()
		})
	}
}

// What comes while a request is served here is kept, however far it has come when the one that watches is sent away.
func TestServedHereWhileMoreComes(t *testing.T) {
	t.Parallel()
	next := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
	for kind, open := range inTurns {
		for _, cut := range []int{0, 1, 10, len(next) - 5, len(next) - 2, len(next)} {
			for _, after := range []time.Duration{0, while} {
				t.Run(fmt.Sprintf("%s, %d bytes after %s", kind, cut, after), func(t *testing.T) {
					t.Parallel()
					release := make(chan struct{}, 1)
					h := heat(t, open, plain(nil), func(ex transcoder.Exchange) {
						<-release
						say(ex, 200, "first")
					})
					for range 3 {
						h.begin(special)
						time.Sleep(after)
						h.send(next[:cut])
						time.Sleep(after)
						release <- struct{}{}
						if a := h.answer("GET"); a.body != "first" || a.last {
							t.Fatalf("got %+v", a)
						}
						h.send(next[cut:])
						if a := h.answer("POST"); a.body != "body" || a.last {
							t.Fatalf("got %+v", a)
						}
					}
				})
			}
		}
	}
}

// Times hold behind a request that was watched: that of a head, half of which came meanwhile (threat D7), and that without a request. One that is
// served for longer is left alone.
func TestThreatD7TimesBehindWhatIsServedHere(t *testing.T) {
	t.Parallel()
	for kind, open := range inTurns {
		for name, sent := range map[string]string{"a head": "GET / HTTP/1.1\r\nHo", "idle": ""} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				cfg := plain(nil)
				if sent == "" {
					cfg.IdleTimeout = brief
				} else {
					cfg.HeaderTimeout = brief
				}
				release := make(chan struct{}, 1)
				h := heat(t, open, cfg, func(ex transcoder.Exchange) {
					<-release
					say(ex, 200, "first")
				})
				h.begin(special)
				h.send(sent)
				time.Sleep(3 * brief)
				release <- struct{}{}
				if a := h.answer("GET"); a.body != "first" || a.last {
					t.Fatalf("got %+v", a)
				}
				began := time.Now()
				h.closes()
				if took := time.Since(began); took > patience/2 {
					t.Errorf("it took %s", took)
				}
			})
		}
	}
}

// A connection that is drained while a request is served here says that its answer is the last.
func TestDrainOfWhatIsServedHere(t *testing.T) {
	t.Parallel()
	for kind, open := range inTurns {
		for _, after := range []time.Duration{0, while} {
			t.Run(fmt.Sprintf("%s after %s", kind, after), func(t *testing.T) {
				t.Parallel()
				release := make(chan struct{})
				h := heat(t, open, plain(nil), func(ex transcoder.Exchange) {
					<-release
					say(ex, 200, "first")
				})
				h.begin(special)
				time.Sleep(after)
				h.conn.Drain()
				close(release)
				if a := h.answer("GET"); a.body != "first" || !a.last {
					t.Errorf("got %+v", a)
				}
				h.closes()
			})
		}
	}
}

// A handler that panics here ends its connection, and nothing else.
func TestPanicOfWhatIsServedHere(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, while} {
		h := heat(t, open, plain(nil), func(transcoder.Exchange) {
			time.Sleep(after)
			panic("oops")
		})
		h.begin(special)
		if rest := h.closes(); rest != "" {
			t.Errorf("got %q", rest)
		}
		<-h.ended
		if log := h.log.String(); !strings.Contains(log, "oops") {
			t.Errorf("the log says %q", log)
		}
	}
}

// What a stream that is served here writes arrives while it is, and its client may go.
func TestStreamsThatAreServedHere(t *testing.T) {
	t.Parallel()
	for kind, open := range inTurns {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			step := make(chan struct{})
			h := heat(t, open, plain(nil), func(ex transcoder.Exchange) {
				err := ex.Write(&transcoder.Out{Status: 200, Flush: true})
				for err == nil {
					select {
					case <-ex.Context().Done():
						return
					case <-step:
						err = ex.Write(&transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer("tick")}, Flush: true})
					}
				}
			})
			h.begin(special)
			r, err := http.ReadResponse(h.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, len("tick"))
			for n := range 5 {
				if n > 2 {
					time.Sleep(while)
				}
				step <- struct{}{}
				if _, err := io.ReadFull(r.Body, buf); err != nil || string(buf) != "tick" {
					t.Fatalf("got %q, %v", buf, err)
				}
			}
			_ = h.socket.Close()
			select {
			case <-h.ended:
			case <-time.After(patience):
				t.Fatal("it goes on")
			}
			_ = r.Body.Close()
		})
	}
}

// Requests that take about as long as the one that watches takes to come find it coming, reading and going. No answer is lost or that of another.
func TestServedHereForAnyTime(t *testing.T) {
	t.Parallel()
	for kind, open := range inTurns {
		for n := range 4 {
			t.Run(fmt.Sprintf("%s %d", kind, n), func(t *testing.T) {
				t.Parallel()
				w := open(t, plain(func(ex transcoder.Exchange) {
					took, err := time.ParseDuration(ex.Request().Query)
					if err != nil {
						t.Error(err)
					}
					time.Sleep(took)
					echo(ex)
				}))
				random := rand.New(rand.NewPCG(uint64(n), 1)) //nolint:gosec // it repeats, and is small
				for range 25 {
					var queries []string
					var sent strings.Builder
					for range 1 + random.IntN(3) {
						took := while/3 + time.Duration(random.IntN(2000)-1000)*time.Microsecond
						if random.IntN(3) == 0 {
							took = time.Duration(random.IntN(100)) * time.Microsecond
						}
						queries = append(queries, took.String())
						fmt.Fprintf(&sent, "POST /?%s HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", took)
					}
					cut := random.IntN(sent.Len())
					w.send(sent.String()[:cut])
					if random.IntN(2) == 0 {
						time.Sleep(while / 3)
					}
					w.send(sent.String()[cut:])
					for _, query := range queries {
						if a := w.answer("POST"); a.status != 200 || a.body != "body" || a.header.Get("X-Query") != query || a.last {
							t.Fatalf("%s: got %+v", query, a)
						}
					}
				}
			})
		}
	}
}
