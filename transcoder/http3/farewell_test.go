// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// highest is the number of the last stream that there can be.
const highest = 1<<62 - 4

// A connection that is told to go serves what was on its way, refuses what comes after that so that it can be sent again, lets what is
// under way take its time, and then closes (T146, fault 23).
func TestGoAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		w := connect(t, g.serve, nil)
		w.greet(settings())
		c := w.control()
		first := w.send(true, get("/"))
		<-g.entered
		w.conn.GoAway()
		w.conn.GoAway() // once is enough
		if id, err := c.goAway(); id != highest || err != nil {
			t.Fatalf("%d, %v", id, err)
		}
		second := w.send(true, get("/")) // it was on its way
		<-g.entered
		if id, err := c.goAway(); id != 8 || err != nil {
			t.Fatalf("%d, %v", id, err)
		}
		late := w.send(true, get("/"))
		if m := read(late); reset(m.err) != 0x10b { // H3_REQUEST_REJECTED
			t.Errorf("%+v, %v", m, m.err)
		}
		time.Sleep(time.Hour)
		g.open()
		for _, str := range []interface {
			Read(p []byte) (int, error)
		}{first, second} {
			if m := read(str); m.err != nil || m.data != "done" {
				t.Errorf("%+v, %v", m, m.err)
			}
		}
		from := time.Now()
		if code, _ := w.ended(); code != 0x100 || time.Since(from) > 2*time.Second {
			t.Errorf("it ended with %#x after %s", code, time.Since(from))
		}
		<-w.served
	})
}

// Without a request it is over in two seconds; a client that closes the connection itself is not waited for.
func TestGoAwayOfAnIdleConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, newGate().serve, nil)
		w.greet(settings())
		from := time.Now()
		w.conn.GoAway()
		if code, _ := w.ended(); code != 0x100 || time.Since(from) > 2*time.Second {
			t.Errorf("it ended with %#x after %s", code, time.Since(from))
		}
		<-w.served

		w = connect(t, newGate().serve, nil)
		_ = w.http()
		from = time.Now()
		w.conn.GoAway()
		<-w.served
		if took := time.Since(from); took > 100*time.Millisecond {
			t.Errorf("a client that closes took %s", took)
		}
	})
}

// The age of a connection ends it as GoAway does.
func TestAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		w := connect(t, newGate().serve, func(s *setting) { s.age = time.Minute })
		w.greet(settings())
		if id, err := w.control().goAway(); id != highest || err != nil || time.Since(from) < time.Minute || time.Since(from) > time.Minute+time.Second {
			t.Errorf("%d, %v after %s", id, err, time.Since(from))
		}
		<-w.served
	})
}

// A connection is idle while it has no request, and its time begins anew with the end of the last one.
func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		w := connect(t, g.serve, func(s *setting) { s.config.IdleTimeout, s.age = time.Minute, 24*time.Hour })
		w.greet(settings())
		str := w.send(true, get("/"))
		<-g.entered
		time.Sleep(time.Hour)
		g.open()
		if m := read(str); m.err != nil {
			t.Error(m.err)
		}
		from := time.Now()
		if code, _ := w.ended(); code != 0x100 {
			t.Errorf("it ended with %#x", code)
		}
		if took := time.Since(from); took < time.Minute || took > time.Minute+3*time.Second {
			t.Errorf("it was idle for %s", took)
		}
		<-w.served
	})
}

// Close ends what is under way, and its client does not take that for an end.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		w := connect(t, func(ex transcoder.Exchange) {
			_ = piece(ex, 200, "some")
			<-ex.Context().Done()
			close(gone)
		}, nil)
		w.greet(settings())
		str := w.send(true, get("/"))
		synctest.Wait()
		w.conn.Close()
		if code, _ := w.ended(); code != 0x102 {
			t.Errorf("it ended with %#x", code)
		}
		if m := read(str); m.err == nil {
			t.Errorf("the answer looks whole: %+v", m)
		}
		<-gone
		<-w.served
		w.conn.GoAway() // too late, and no harm
	})
}
