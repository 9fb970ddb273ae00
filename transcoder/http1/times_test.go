// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http1_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http1"
)

// Threat D7: a head has a time in which it must come, in whatever pieces, the first one from the beginning of the connection.
func TestThreatD7HeadsThatDoNotCome(t *testing.T) {
	t.Parallel()
	cfg := plain(echo)
	cfg.HeaderTimeout = brief
	for name, send := range map[string]func(*world){
		"nothing":        func(*world) {},
		"half a head":    func(w *world) { w.send("GET / HTTP/1.1\r\nHo") },
		"half a newline": func(w *world) { w.send(get + "\r"); w.answer("GET") },
		"a piece now and then": func(w *world) {
			w.send("GET / HTTP/1.1\r\n")
			for range 40 {
				if _, err := io.WriteString(w.socket, "x"); err != nil {
					return
				}
				time.Sleep(brief / 10)
			}
		},
		"the second": func(w *world) {
			w.ask(get)
			time.Sleep(3 * brief) // which is not its time
			w.ask(get)
			w.send("GET")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, cfg)
			send(w)
			began := time.Now()
			w.closes()
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Run("a body may take longer", func(t *testing.T) {
		t.Parallel()
		w := open(t, cfg)
		w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo")
		time.Sleep(3 * brief)
		if a := w.ask("dy"); a.body != "body" || a.last {
			t.Errorf("got %+v", a)
		}
		time.Sleep(3 * brief)
		w.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo")
		time.Sleep(3 * brief)
		if a := w.ask("dy\r\n0\r\n\r\n"); a.body != "body" {
			t.Errorf("got %+v", a)
		}
	})
}

// A connection without requests is closed after its time, and one whose request takes longer is not.
func TestIdle(t *testing.T) {
	t.Parallel()
	const idle = 10 * brief
	cfg := plain(func(ex transcoder.Exchange) {
		time.Sleep(idle + brief)
		echo(ex)
	})
	cfg.IdleTimeout = idle
	w := open(t, cfg)
	w.ask(get)
	time.Sleep(brief)
	w.ask(get)
	began := time.Now()
	if rest := w.closes(); rest != "" || time.Since(began) < idle-brief {
		t.Errorf("closed after %s, with %q", time.Since(began), rest)
	}
}

// Threat D9: who takes nothing of an answer is cut off, and who takes little is not.
func TestThreatD9StalledClients(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("0123456789abcdef", 2<<20)
	for name, serve := range map[string]func(transcoder.Exchange) error{ //nolint:paralleltest // they are timed
		"whole": func(ex transcoder.Exchange) error {
			return ex.Write(&transcoder.Out{Status: 200, Data: mem.BufferSlice{mem.SliceBuffer(huge)}, End: transcoder.EndClean})
		},
		"stream": func(ex transcoder.Exchange) error {
			err := ex.Write(&transcoder.Out{Status: 200, Flush: true})
			for n := 0; err == nil && n < len(huge); n += 1000 {
				err = ex.Write(&transcoder.Out{Data: mem.BufferSlice{mem.SliceBuffer(huge[:1000])}, Flush: true})
			}
			if err == nil {
				err = ex.Write(&transcoder.Out{End: transcoder.EndClean})
			}
			return err
		},
	} {
		ended := make(chan error, 1)
		cfg := plain(func(ex transcoder.Exchange) { ended <- serve(ex) })
		cfg.WriteStall = 3 * brief
		t.Run(name+", stalled", func(t *testing.T) {
			w := open(t, cfg)
			w.send(get)
			if err := <-ended; err == nil {
				t.Error("it was taken")
			}
			<-w.ended
		})
		t.Run(name+", slow", func(t *testing.T) {
			w := open(t, cfg)
			w.send(get)
			r, err := http.ReadResponse(w.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Body.Close() }()
			for n := 0; ; n++ {
				if _, err := io.CopyN(io.Discard, r.Body, 2<<20); err != nil {
					break
				}
				time.Sleep(brief / 2)
			}
			if err := <-ended; err != nil {
				t.Errorf("it was not taken: %v", err)
			}
		})
	}
}

// A connection that is drained is closed when it waits for a request; one that serves one says that it is the last, and one that is new may bring
// one.
func TestDrain(t *testing.T) {
	t.Parallel()
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(echo))
		w.ask(get)
		w.conn.Drain()
		if rest := w.closes(); rest != "" {
			t.Errorf("got %q", rest)
		}
	})
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		release, begun := make(chan struct{}), make(chan struct{})
		w := open(t, plain(func(ex transcoder.Exchange) {
			close(begun)
			<-release
			echo(ex)
		}))
		w.send(get)
		<-begun
		w.conn.Drain()
		close(release)
		if a := w.answer("GET"); a.status != 200 || !a.last {
			t.Errorf("got %+v", a)
		}
		w.closes()
	})
	t.Run("new", func(t *testing.T) {
		t.Parallel()
		w := open(t, plain(echo))
		w.conn.Drain()
		if a := w.ask(get); a.status != 200 || !a.last {
			t.Errorf("got %+v", a)
		}
		w.closes()
		w = open(t, plain(echo))
		w.conn.Drain()
		w.closes()
	})
	t.Run("old", func(t *testing.T) {
		t.Parallel()
		client, server := pair(t)
		w := serve(t, plain(echo), client, server, time.Now().Add(2*brief))
		for last := false; !last; {
			last = w.ask(get).last
		}
		w.closes()
	})
}

// Connections that wait for a request hold no buffers, and one goroutine each.
//
//nolint:paralleltest // memory and goroutines are counted of all
func TestIdleConnectionsAreSmall(t *testing.T) {
	const many = 400
	cfg := plain(echo)
	before := runtime.NumGoroutine()
	memory := func() (n uint64) {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc + stats.StackInuse
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	var served sync.WaitGroup
	var clients []net.Conn
	buf := make([]byte, 4<<10)
	from := memory()
	for range many {
		client, server := pair(t)
		clients = append(clients, client)
		served.Go(func() { http1.NewConn(server, &cfg, time.Now().Add(time.Hour), nil).Serve(time.Now().Add(patience)) })
	}
	for range 3 {
		for _, c := range clients {
			if _, err := io.WriteString(c, get); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Read(buf); err != nil || n < 100 {
				t.Fatal(n, err)
			}
		}
	}
	if n := runtime.NumGoroutine(); n > before+many+64*runtime.GOMAXPROCS(0) {
		t.Errorf("%d goroutines, and %d before %d connections", n, before, many)
	}
	each := (memory() - from) / many
	const ends = 2 << 10 // the sockets of both
	if most := uint64(5<<10 + ends); each > most && !race.Enabled {
		t.Errorf("a connection takes %d bytes; want at most %d", each, most)
	}
	t.Logf("a connection takes %d bytes", each)
	for _, c := range clients {
		_ = c.Close()
	}
	served.Wait()
}

// Threat D16: a hostile byte does not cost many bytes of memory.
//
//nolint:paralleltest // memory is counted of all
func TestThreatD16HostileHeads(t *testing.T) {
	const most = 20 // bytes for each that comes
	for name, request := range map[string]string{
		"many fields":       "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("a:\r\n", 2000) + "\r\n",
		"a large field":     "GET / HTTP/1.1\r\nHost: a\r\nx: " + strings.Repeat("y", 8<<10) + "\r\n\r\n",
		"many options":      "GET / HTTP/1.1\r\nHost: a\r\nconnection: " + strings.Repeat(",", 8<<10) + "\r\n\r\n",
		"chunks of a byte":  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 2000) + "0\r\n\r\n",
		"too large a head":  "GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 8<<10),
		"nothing but lines": strings.Repeat("\r\n", 8<<10),
	} {
		cfg := plain(func(ex transcoder.Exchange) {
			for {
				b, err := ex.Read()
				if b != nil {
					b.Free()
				}
				if err != nil {
					break
				}
			}
			_ = ex.Write(&transcoder.Out{Status: 200, End: transcoder.EndClean})
		})
		var before, after runtime.MemStats
		w := open(t, cfg)
		runtime.ReadMemStats(&before)
		sent := 0
		for range 20 {
			if _, err := io.WriteString(w.socket, request); err != nil {
				break // it is refused
			}
			sent += len(request)
		}
		_ = w.below.CloseWrite()
		_, _ = io.Copy(io.Discard, w.socket)
		<-w.ended
		runtime.ReadMemStats(&after)
		const fixed = 256 << 10                                                                         // of the connection, and of pools that are empty
		if used := int(after.TotalAlloc - before.TotalAlloc); used > fixed+most*sent && !race.Enabled { //nolint:gosec // it is small
			t.Errorf("%s: %d bytes of memory for %d bytes", name, used, sent)
		}
	}
}
