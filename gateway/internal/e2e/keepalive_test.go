// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// TestKeepaliveFindsWhoIsGone: a client that vanished without a FIN answers no PING, and its calls end (fault 39).
func TestKeepaliveFindsWhoIsGone(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Listeners[0].PingAfter, c.Listeners[0].PingTimeout = 200*time.Millisecond, 400*time.Millisecond
	})
	const held = binding + "Get"
	release := d.backend.Hold(held)
	defer release()
	running := func(want int) {
		t.Helper()
		if _, err := d.backend.Wait(within(t), held, func(n testbackend.Counts) bool { return n.Running == want }); err != nil {
			t.Fatalf("%d calls: %v", want, err)
		}
	}
	gone, there := d.probe(t), d.probe(t)
	gone.open(true, gone.head("GET", "/test/v1/things/1")...)
	id := there.open(true, there.head("GET", "/test/v1/things/2")...)
	running(2)
	answered := make(chan error, 1)
	go func() { // it answers PINGs for as long as it waits
		a, err := there.read(id)
		if err == nil && a.status != 200 {
			err = errors.New("it failed")
		}
		answered <- err
	}()
	pings, from := 0, time.Now()
	for {
		f, err := gone.framer.ReadFrame()
		if err != nil {
			break
		}
		if p, ok := f.(*http2.PingFrame); ok && !p.IsAck() {
			pings++
		}
	}
	if took := time.Since(from); pings != 1 || took < 300*time.Millisecond || took > patience {
		t.Errorf("closed after %s and %d pings", took, pings)
	}
	running(1)
	select {
	case err := <-answered:
		t.Fatalf("the client that answers: %v", err)
	case <-time.After(time.Second): // more than its limit
	}
	release()
	if err := <-answered; err != nil {
		t.Errorf("the client that answers: %v", err)
	}
}

// TestClientsMayPing: more often than servers of gRPC allow, and without a call.
func TestClientsMayPing(t *testing.T) {
	t.Parallel()
	p := start(t, nil).probe(t)
	const pings = 200
	go func() {
		for i := range pings {
			if p.framer.WritePing(false, [8]byte{byte(i)}) != nil {
				return
			}
		}
	}()
	for answers := 0; answers < pings; {
		f, err := p.framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %d answers: %v", answers, err)
		}
		switch f := f.(type) {
		case *http2.PingFrame:
			answers++
		case *http2.GoAwayFrame:
			t.Fatalf("after %d answers: %v", answers, f)
		}
	}
}

// dialled counts those that a client of gRPC makes.
type dialled struct{ made atomic.Int32 }

func (*dialled) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*dialled) HandleRPC(context.Context, stats.RPCStats)                         {}
func (*dialled) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *dialled) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnBegin); ok {
		c.made.Add(1)
	}
}

// TestMaxAgeFailsNoCall: connections end one after the other under calls that never fail, and a stream outlives its own (gRFC A9).
func TestMaxAgeFailsNoCall(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxAge = 200 * time.Millisecond })
	var count dialled
	cc, err := grpc.NewClient(d.address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(&count))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cc.Close() }()
	client := testv1.NewEchoServiceClient(cc)
	talk, err := client.Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	converse := func() {
		t.Helper()
		if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := talk.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	converse()
	calls := 0
	for count.made.Load() < 5 {
		calls++
		if _, err := client.Echo(within(t), &testv1.CanaryRequest{}); err != nil {
			t.Fatalf("call %d, on connection %d: %v", calls, count.made.Load(), err)
		}
	}
	converse()
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream: %v", err)
	}
	if calls < 5 {
		t.Errorf("%d calls on 5 connections", calls)
	}

	h1 := d.socket(t)
	r := bufio.NewReader(h1)
	for from := time.Now(); ; {
		if _, err := io.WriteString(h1, "GET /test/v1/things/1 HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		a, err := readH1(r, "GET")
		if err != nil || a.status != 200 {
			t.Fatalf("HTTP/1.1: %+v, %v", a, err)
		}
		if age := time.Since(from); a.last != (age > 220*time.Millisecond) && (a.last && age < 180*time.Millisecond || age > time.Second) {
			t.Fatalf("HTTP/1.1: after %s the last answer is %v", age, a.last)
		}
		if a.last {
			break
		}
	}
	wantClosed(t, r, patience)
}

// watched is a way to a gateway on which the pings of gRPC's clients, their answers, and GOAWAY are counted.
type watched struct {
	address string
	conns   atomic.Int32
	pings   atomic.Int32 // that ask whether the other is there; the others measure
	acks    atomic.Int32
	goAways atomic.Int32
}

func (d *dragoman) overlook(t testing.TB) *watched {
	t.Helper()
	w := &watched{}
	w.address = accept(t, func(from net.Conn) {
		up, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.address)
		if err != nil {
			return
		}
		w.conns.Add(1)
		back := make(chan struct{})
		go func() {
			defer close(back)
			w.frames(io.TeeReader(up, from), func(f http2.Frame) {
				switch f := f.(type) {
				case *http2.PingFrame:
					if f.IsAck() && f.Data == [8]byte{} {
						w.acks.Add(1)
					}
				case *http2.GoAwayFrame:
					w.goAways.Add(1)
				}
			})
			_ = from.Close()
		}()
		asks := io.TeeReader(from, up)
		if _, err := io.ReadFull(asks, make([]byte, len(http2.ClientPreface))); err == nil {
			w.frames(asks, func(f http2.Frame) {
				if p, ok := f.(*http2.PingFrame); ok && !p.IsAck() && p.Data == [8]byte{} {
					w.pings.Add(1)
				}
			})
		}
		_ = up.Close()
		<-back
	})
	return w
}

// frames reads until the end.
func (*watched) frames(r io.Reader, saw func(http2.Frame)) {
	framer := http2.NewFramer(io.Discard, r)
	framer.SetMaxReadFrameSize(1 << 20)
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return
		}
		saw(f)
	}
}

// TestPhonesPing: clients of gRPC that are made as those of phones are, which ping every 10 seconds, the least that gRPC's library lets them, with a
// call or without one, keep the one connection that they have. gRPC's own servers would send them away at the third ping.
func TestPhonesPing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes 40 seconds, which are the library's")
	}
	const pings, library = 3, 10 * time.Second
	d := start(t, nil)
	for _, withoutStream := range []bool{true, false} {
		t.Run(fmt.Sprintf("without a stream %t", withoutStream), func(t *testing.T) {
			t.Parallel()
			w := d.overlook(t)
			conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
				grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: library, Timeout: library / 2, PermitWithoutStream: withoutStream}))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), (pings+1)*library+patience)
			defer cancel()
			client := testv1.NewEchoServiceClient(conn)
			if _, err := client.Echo(ctx, &testv1.CanaryRequest{}); err != nil {
				t.Fatal(err)
			}
			var talk grpc.BidiStreamingClient[testv1.CanaryRequest, testv1.CanaryResponse]
			if !withoutStream { // such a client pings in a call alone, in which nothing moves
				if talk, err = client.Converse(ctx); err != nil {
					t.Fatal(err)
				}
			}
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for w.acks.Load() < pings && ctx.Err() == nil && w.goAways.Load() == 0 {
				<-tick.C
			}
			if _, err := client.Echo(ctx, &testv1.CanaryRequest{}); err != nil {
				t.Errorf("a call afterwards: %v", err)
			}
			if talk != nil {
				if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
					t.Error(err)
				}
				if _, err := talk.Recv(); err != nil {
					t.Errorf("the stream afterwards: %v", err)
				}
			}
			if w.conns.Load() != 1 || w.goAways.Load() > 0 || w.acks.Load() < pings {
				t.Errorf("%d connections, %d pings with %d answers, %d GOAWAY", w.conns.Load(), w.pings.Load(), w.acks.Load(), w.goAways.Load())
			}
		})
	}
}

// TestMaxAgeUnderLoad: connections of each version of HTTP end one after the other under many calls at a time, unary and streams, and none fails.
func TestMaxAgeUnderLoad(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxAge = 300 * time.Millisecond })
	ctx := within(t)
	l := newLoad()
	var count dialled
	for range 2 {
		client := testv1.NewEchoServiceClient(d.dial(t, grpc.WithStatsHandler(&count)))
		for range 4 {
			l.run(func(int) string {
				if _, err := client.Echo(ctx, &testv1.CanaryRequest{}); err != nil {
					return "gRPC: " + err.Error()
				}
				return ""
			})
		}
		l.run(func(int) string {
			s, err := client.Stream(ctx, &testv1.CanaryRequest{Behavior: &testv1.Behavior{Messages: 20, Sleep: durationpb.New(20 * time.Millisecond)}})
			for n := 0; err == nil; n++ {
				if _, err = s.Recv(); errors.Is(err, io.EOF) && n == 20 {
					return ""
				}
			}
			return "a stream of gRPC: " + err.Error()
		})
	}
	for _, c := range d.both(t) {
		for range 2 {
			l.run(func(int) string {
				if a, err := c.get(ctx, "/canary/v1/echo"); err != nil || a.status != 200 {
					return fmt.Sprintf("%s: %v, %+v", c.name, err, a)
				}
				return ""
			})
		}
	}
	eventually(t, func() error {
		if n := count.made.Load(); n < 10 && len(l.failed) == 0 {
			return fmt.Errorf("%d connections of gRPC, %d calls", n, l.calls.Load())
		}
		return nil
	})
	l.end(t)
}
