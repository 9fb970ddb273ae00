// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"

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
