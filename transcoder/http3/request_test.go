// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3_test

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Heads that could be read in two ways, or that no client makes, end their stream, and nothing but it (RFC 9114 section 4.1.2, threats A
// and B).
func TestMalformedHeads(t *testing.T) {
	t.Parallel()
	line := func(fields ...string) []byte { return frame(0x01, section(fields...)) }
	for _, tt := range []struct {
		reason string
		head   []byte
	}{
		{"no method", line(":scheme", "https", ":authority", "test", ":path", "/")},
		{"a method that is no token", line(":method", "G T", ":scheme", "https", ":authority", "test", ":path", "/")},
		{"no scheme", line(":method", "GET", ":authority", "test", ":path", "/")},
		{"no path", line(":method", "GET", ":scheme", "https", ":authority", "test")},
		{"a path that is none", get("v1")},
		{"a whole URL as path", get("https://other/")},
		{"* for something else than OPTIONS", get("*")},
		{"a path with a space", get("/a b")},
		{"a path with a control", get("/a\x7f")},
		{"no authority", line(":method", "GET", ":scheme", "https", ":path", "/")},
		{"an empty authority", line(":method", "GET", ":scheme", "https", ":authority", "", ":path", "/")},
		{"a user in the authority", line(":method", "GET", ":scheme", "https", ":authority", "a@test", ":path", "/")},
		{"an authority that is none", line(":method", "GET", ":scheme", "https", ":authority", "a/b", ":path", "/")},
		{"host is another than authority", get("/", "host", "other")},
		{"two hosts", line(":method", "GET", ":scheme", "https", ":path", "/", "host", "test", "host", "other")},
		{"a pseudo field behind a field", line(":method", "GET", ":scheme", "https", ":authority", "test", "a", "b", ":path", "/")},
		{"a pseudo field twice", get("/", ":path", "/")},
		{"a pseudo field of answers", get("/", ":status", "200")},
		{"extended CONNECT, which was not offered", line(":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "test", ":path", "/")},
		{"CONNECT with a path", line(":method", "CONNECT", ":authority", "test", ":path", "/")},
		{"an upper-case name", get("/", "X-A", "b")},
		{"a name with a space", get("/", "x a", "b")},
		{"an empty name", get("/", "", "b")},
		{"a value with a line break", get("/", "a", "b\r\nc: d")},
		{"a value with a null", get("/", "a", "b\x00")},
		{"connection", get("/", "connection", "close")},
		{"keep-alive", get("/", "keep-alive", "1")},
		{"proxy-connection", get("/", "proxy-connection", "close")},
		{"transfer-encoding", post("transfer-encoding", "chunked")}, // D12: no other way to say where a body ends
		{"upgrade", get("/", "upgrade", "websocket")},
		{"te that is not trailers", get("/", "te", "gzip")},
		{"a length that is none", post("content-length", "1x")},
		{"a length below nothing", post("content-length", "-1")},
		{"an empty length", post("content-length", "")},
		{"two lengths", post("content-length", "1", "content-length", "2")},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				served := 0
				w := connect(t, func(ex transcoder.Exchange) { served++; whole(ex, 200, "") }, nil)
				w.greet(settings())
				str := w.send(true, tt.head)
				if m := read(str); reset(m.err) != 0x10e || served != 0 { // H3_MESSAGE_ERROR
					t.Errorf("%+v, %v, %d served", m, m.err, served)
				}
				if m := read(w.send(true, get("/"))); m.err != nil || served != 1 {
					t.Errorf("the next one: %+v, %v", m, m.err)
				}
			})
		})
	}
}

// What HTTP/1.1 and HTTP/2 take, HTTP/3 does.
func TestHeadsThatAreTaken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason string
		head   []byte
		want   string
	}{
		{"host instead of authority", frame(0x01, section(":method", "GET", ":scheme", "https", ":path", "/a", "host", "test")), "GET test /a"},
		{"host beside authority", get("/a", "host", "test"), "GET test /a"},
		{"OPTIONS of all", frame(0x01, section(":method", "OPTIONS", ":scheme", "https", ":authority", "test", ":path", "*")), "OPTIONS test *"},
		{"CONNECT", frame(0x01, section(":method", "CONNECT", ":authority", "test:1")), "CONNECT test:1 test:1"},
		{"a length twice, but one", get("/a", "content-length", "0", "content-length", "0"), "GET test /a"},
		{"te", get("/a", "te", "trailers"), "GET test /a"},
		{"bytes that are not ASCII", get("/ä?ö"), "GET test /ä"},
		{"frames that nobody knows before it", append(frame(0x21, []byte("grease")), get("/a")...), "GET test /a"},
		{"nothing of it in a table", frame(0x01, []byte("\x00\x00\x27\x00:method\x03GET\x27\x00:scheme\x05https\x27\x03:authority\x04test\x25:path\x02/a")), "GET test /a"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := connect(t, func(ex transcoder.Exchange) {
					r := ex.Request()
					whole(ex, 200, r.Method+" "+r.Authority+" "+r.Path)
				}, nil)
				w.greet(settings())
				if m := read(w.send(true, tt.head)); m.err != nil || m.data != tt.want {
					t.Errorf("%+v, %v", m, m.err)
				}
			})
		})
	}
}

// What breaks the rules of the connection ends it, with the code that says which (RFC 9114 section 8.1).
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	greeted := func(then func(w *world)) func(w *world) { return func(w *world) { w.greet(settings()); then(w) } }
	onControl := func(f []byte) func(w *world) { return func(w *world) { w.greet(settings(), f) } }
	onRequest := func(end bool, pieces ...[]byte) func(w *world) {
		return greeted(func(w *world) { w.send(end, pieces...) })
	}
	for _, tt := range []struct {
		reason string
		do     func(w *world)
		code   uint64
	}{
		{"a request that begins with data", onRequest(false, frame(0x00, []byte("a"))), 0x105},
		{"a request that begins with settings", onRequest(false, settings()), 0x105},
		{"a request that begins with a push", onRequest(false, frame(0x05, []byte("a"))), 0x105},
		{"a frame of HTTP/2", onRequest(false, frame(0x02, []byte("a"))), 0x105},
		{"settings in a body", onRequest(false, post(), settings()), 0x105},
		{"a frame of HTTP/2 in a body", onRequest(false, post(), frame(0x08, []byte("a"))), 0x105},
		{"data behind trailers", onRequest(false, post(), frame(0x01, section("a", "b")), frame(0x00, []byte("a"))), 0x105},
		{"a third head", onRequest(false, post(), frame(0x01, section("a", "b")), frame(0x01, section("a", "b"))), 0x105},
		{"a body that ends in a frame", onRequest(true, post(), frame(0x00, []byte("abc"))[:3]), 0x106},
		{"a body that ends in the header of a frame", onRequest(true, post(), []byte{0x00}), 0x106},
		{"a head that is no QPACK", onRequest(true, frame(0x01, []byte{0, 0, 0xff, 0xff, 0xff})), 0x200},
		{"a head that needs a table", onRequest(true, frame(0x01, []byte{2, 0, 0x80})), 0x200},
		{"empty data without end", onRequest(false, post(), bytes.Repeat(frame(0x00, nil), 101)), 0x107},                    // D5
		{"frames that nobody knows without end", onRequest(false, post(), bytes.Repeat(frame(0x21, nil), 101)), 0x107},      // D5
		{"frames that nobody knows without end, and no head", onRequest(false, bytes.Repeat(frame(0x21, nil), 101)), 0x107}, // D5
		{"settings twice", onControl(settings()), 0x105},
		{"data on the control stream", onControl(frame(0x00, nil)), 0x105},
		{"no settings", func(w *world) { w.greet(frame(0x07, []byte{0})) }, 0x10a},
		{"settings of HTTP/2", func(w *world) { w.greet(frame(0x04, []byte{0x03, 0x01})) }, 0x109},
		{"a setting twice", func(w *world) { w.greet(frame(0x04, []byte{0x06, 0x01, 0x06, 0x01})) }, 0x109},
		{"a setting that breaks off", func(w *world) { w.greet(frame(0x04, []byte{0x06})) }, 0x106},
		{"too many settings", func(w *world) { w.greet([]byte{0x04, 0x80, 0x01, 0x00, 0x00}) }, 0x109},
		{"the control stream ends", func(w *world) { _ = w.greet(settings()).Close() }, 0x104},
		{"the control stream is reset", func(w *world) { str := w.greet(settings()); synctest.Wait(); str.CancelWrite(0x100) }, 0x104},
		{"the control stream breaks off", func(w *world) { _ = w.greet(settings(), []byte{0x0d}).Close() }, 0x106},
		{"two control streams", func(w *world) { w.greet(settings()); w.greet(settings()) }, 0x103},
		{"two encoders", greeted(func(w *world) { w.uni([]byte{0x02}); w.uni([]byte{0x02}) }), 0x103},
		{"two decoders", greeted(func(w *world) { w.uni([]byte{0x03}); w.uni([]byte{0x03}) }), 0x103},
		{"a push", greeted(func(w *world) { w.uni([]byte{0x01}) }), 0x103},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := connect(t, func(ex transcoder.Exchange) { _, _ = body(ex); whole(ex, 200, "") }, nil)
				tt.do(w)
				if code, text := w.ended(); code != tt.code || text == "" {
					t.Errorf("it ended with %#x, %q; want %#x", code, text, tt.code)
				}
				<-w.served
			})
		})
	}
}

// What a client may say that we have no use for changes nothing (threat D6).
func TestThingsOfNoUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, func(ex transcoder.Exchange) {
			text, err := body(ex)
			if err != nil {
				t.Error(err)
			}
			whole(ex, 200, text)
		}, nil)
		w.greet(frame(0x04, []byte{0x01, 0x40, 0x64, 0x07, 0x10, 0x21, 0x05}), // a table for us, and a setting that nobody knows
			frame(0x0d, []byte{0x08}), frame(0x07, []byte{0}), frame(0x03, []byte{0}), frame(0x800f0700, []byte("\x00u=1")), frame(0x21, bytes.Repeat([]byte("x"), 100_000)))
		w.uni([]byte{0x02}, []byte{0x20}) // the encoder wants no table
		w.uni([]byte{0x03})
		unknown := w.uni([]byte{0x21}, []byte("grease"))
		m := read(w.send(true, post("priority", "u=1, i"), frame(0x21, []byte("grease")), frame(0x00, []byte("a")), bytes.Repeat(frame(0x00, nil), 90), frame(0x40, nil), frame(0x00, []byte("b")), bytes.Repeat(frame(0x21, nil), 90), frame(0x01, section("t", "1")), frame(0x21, nil)))
		if m.err != nil || m.data != "ab" {
			t.Errorf("%+v, %v", m, m.err)
		}
		<-unknown.Context().Done()
		if _, err := unknown.Write([]byte("x")); reset(err) != 0x103 { // H3_STREAM_CREATION_ERROR
			t.Errorf("a stream that nobody knows: %v", err)
		}
	})
}

// D7: a head has so long to come, however it is strung out, and its stream alone pays.
func TestD7_HeaderTimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason string
		begin  []byte
		more   []byte // again and again
	}{
		{"nothing", []byte{0x01}, nil},
		{"half a head", get("/")[:10], nil},
		{"a head by the byte", append([]byte{0x01, 0x44, 0x00}, get("/")[2:]...), []byte("a")},
		{"frames that mean nothing", nil, frame(0x21, []byte("grease"))},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := connect(t, func(ex transcoder.Exchange) { whole(ex, 200, "") }, nil)
				w.greet(settings())
				from := time.Now()
				str := w.send(false, tt.begin, tt.more)
				stopped := make(chan struct{})
				if tt.more == nil {
					close(stopped)
				} else {
					go func() {
						defer close(stopped)
						for {
							time.Sleep(time.Second) // the time of the bubble
							if _, err := str.Write(tt.more); err != nil {
								return
							}
						}
					}()
				}
				m := read(str)
				if took := time.Since(from); reset(m.err) != 0x10d || took < 10*time.Second || took > 11*time.Second { // H3_REQUEST_INCOMPLETE
					t.Errorf("%+v, %v after %s", m, m.err, took)
				}
				if m := read(w.send(true, get("/"))); m.err != nil {
					t.Errorf("the next one: %v", m.err)
				}
				<-stopped
			})
		})
	}
}

// The time for a head is not that for a body.
func TestBodiesHaveTheirOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, func(ex transcoder.Exchange) {
			text, err := body(ex)
			if err != nil {
				t.Error(err)
			}
			whole(ex, 200, text)
		}, nil)
		w.greet(settings())
		str := w.send(false, post())
		time.Sleep(time.Minute)
		if _, err := str.Write(frame(0x00, []byte("late"))); err != nil {
			t.Error(err)
		}
		_ = str.Close()
		if m := read(str); m.err != nil || m.data != "late" {
			t.Errorf("%+v, %v", m, m.err)
		}
	})
}

// T172, D1: a head up to the limit is taken, one above is answered with 431, and neither an announced length nor a table of short codes gets
// around it.
func TestT172_LimitOfHeads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason string
		head   []byte
		status string
	}{
		{"below", get("/", "a", strings.Repeat("x", 4000)), "200"},
		{"above", get("/", "a", strings.Repeat("x", 4<<10+32*101)), "431"},
		{"above by what it announces", []byte{0x01, 0x80, 0x10, 0x00, 0x00}, "431"},
		{"as many fields as are allowed", get("/", strings.Split(strings.Repeat("a,b,", 95)+"a,b", ",")...), "200"},
		{"fields without end", get("/", strings.Split(strings.Repeat("a,b,", 1000)+"a,b", ",")...), "431"},
		// accept-encoding: gzip, deflate, br is one byte in the table, and 62 by the measure of HTTP/3.
		{"a bomb", get("/", strings.Split(strings.Repeat("accept-encoding|gzip, deflate, br|", 200)+"a|b", "|")...), "431"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := connect(t, func(ex transcoder.Exchange) { whole(ex, 200, "") }, nil)
				w.greet(settings())
				m := read(w.send(true, tt.head))
				if m.err != nil || len(m.heads) != 1 || !strings.HasPrefix(m.heads[0], ":status: "+tt.status+"\n") {
					t.Errorf("%+v, %v; want %s", m, m.err, tt.status)
				}
			})
		})
	}
}

// D8: a body that is not as long as it says is no body, and only its own stream pays.
func TestD8_LengthsThatLie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason string
		length string
		pieces [][]byte
		good   bool
	}{
		{"as long as it says", "4", [][]byte{frame(0x00, []byte("abcd"))}, true},
		{"in pieces", "4", [][]byte{frame(0x00, []byte("ab")), frame(0x00, []byte("cd"))}, true},
		{"shorter", "4", [][]byte{frame(0x00, []byte("abc"))}, false},
		{"nothing", "4", nil, false},
		{"longer", "4", [][]byte{frame(0x00, []byte("abcde"))}, false},
		{"longer in the next piece", "4", [][]byte{frame(0x00, []byte("abcd")), frame(0x00, []byte("e"))}, false},
		{"longer by a lie", "4", [][]byte{{0x00, 0x80, 0x10, 0x00, 0x00}}, false},
		{"long, and longer", "100000", [][]byte{frame(0x00, bytes.Repeat([]byte("x"), 100_001))}, false},
		{"long, and shorter", "100000", [][]byte{frame(0x00, bytes.Repeat([]byte("x"), 99_999))}, false},
		{"trailers too large", "", [][]byte{{0x01, 0x80, 0x10, 0x00, 0x00}}, false},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := connect(t, func(ex transcoder.Exchange) {
					if _, err := body(ex); err != nil {
						whole(ex, 400, "")
						return
					}
					whole(ex, 200, "")
				}, nil)
				w.greet(settings())
				head := post("content-length", tt.length)
				if tt.length == "" {
					head = post()
				}
				m := read(w.send(true, append([][]byte{head}, tt.pieces...)...))
				want := ":status: 400\n"
				if tt.good {
					want = ":status: 200\n"
				}
				if m.err != nil || len(m.heads) != 1 || !strings.HasPrefix(m.heads[0], want) {
					t.Errorf("%+v, %v; want %s", m, m.err, want)
				}
				if m := read(w.send(true, post("content-length", "0"))); m.err != nil {
					t.Errorf("the next one: %v", m.err)
				}
			})
		})
	}
}

// A client that takes no stream of ours cannot be told anything.
func TestClientWithoutRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, func(ex transcoder.Exchange) { whole(ex, 200, "") }, func(s *setting) { s.client.MaxIncomingUniStreams = -1 })
		if code, _ := w.ended(); code != 0x103 {
			t.Errorf("it ended with %#x", code)
		}
		<-w.served
	})
}

// D2: who makes requests and takes them back at once never has more of them served together than the limit, and what is served ends.
func TestD2_RapidReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, requests = 10, 2000
		var running, most, served atomic.Int32
		w := connect(t, func(ex transcoder.Exchange) {
			n := running.Add(1)
			defer running.Add(-1)
			served.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			<-ex.Context().Done()
		}, func(s *setting) { s.server.MaxIncomingStreams = limit })
		w.greet(settings())
		for range requests {
			str := w.send(false, get("/"))
			if served.Load()%3 == 0 {
				synctest.Wait() // some come to be served, others are taken back before
			}
			str.CancelRead(0x10c)
			str.CancelWrite(0x10c)
		}
		synctest.Wait()
		if running.Load() != 0 || most.Load() > limit || served.Load() == 0 {
			t.Errorf("%d of %d were served, %d together, and %d are left", served.Load(), requests, most.Load(), running.Load())
		}
		str := w.send(true, get("/"))
		defer str.CancelRead(0x10c)
		synctest.Wait()
		if running.Load() != 1 {
			t.Error("the next one is not served")
		}
	})
}
