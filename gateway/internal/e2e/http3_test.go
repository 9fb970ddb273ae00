// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// What all versions of HTTP have in common is tested over all of them, with clients of both(t). Here stands what HTTP/3 has of its own.

// TestD7_D8_SlowOverHTTP3: a head, and a body, have the listener's time to come; the stream pays, and the connection goes on.
func TestD7_D8_SlowOverHTTP3(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	d := start(t, func(c *config.Config) { c.Listeners[0].HeaderTimeout, c.Listeners[0].RequestTimeout = 2*limit, limit })
	p := d.quicProbe(t)
	none(t, d.arrivals(func() {
		from := time.Now()
		head := p.raw(false, []byte{0x01, 0x40, 0x80, 0x00})
		body := p.send(false, "POST", "/test/v1/body/all", []string{"content-type", "application/json"}, quicFrame(0x00, []byte("{")))
		long := p.send(false, "POST", "/test/v1/body/all", []string{"content-type", "application/json", "content-length", "100"})
		for _, str := range []*quic.Stream{body, long} {
			if status, text, err := readH3(str); status != "408" || !strings.Contains(text, "deadline_exceeded") && !strings.Contains(text, "DEADLINE_EXCEEDED") || err != nil {
				t.Errorf("a body: %s %s, %v", status, text, err)
			}
		}
		if _, _, err := readH3(head); resetCode(err) != 0x10d { // H3_REQUEST_INCOMPLETE
			t.Errorf("a head: %v", err)
		}
		if took := time.Since(from); took < 2*limit || faults.Held() && took > 2*limit+5*time.Second {
			t.Errorf("it took %s", took)
		}
	}))
	if status, _, err := readH3(p.send(true, "GET", "/test/v1/things/1", nil)); status != "200" || err != nil {
		t.Errorf("the next call: %s, %v", status, err)
	}
}

// TestHTTP3_ConcurrentStreams: one connection has so many calls at a time.
func TestHTTP3_ConcurrentStreams(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxConcurrentStreams = 2 })
	const held = binding + "Get"
	release := d.backend.Hold(held)
	defer release()
	p := d.quicProbe(t)
	var calls []*quic.Stream
	for range 2 {
		calls = append(calls, p.send(true, "GET", "/test/v1/things/1", nil))
	}
	if _, err := d.backend.Wait(within(t), held, func(n testbackend.Counts) bool { return n.Running == 2 }); err != nil {
		t.Fatal(err)
	}
	if _, err := p.conn.OpenStream(); !errors.Is(err, &quic.StreamLimitReachedError{}) {
		t.Errorf("a third: %v", err)
	}
	release()
	for _, str := range calls {
		if status, _, err := readH3(str); status != "200" || err != nil {
			t.Errorf("%s, %v", status, err)
		}
	}
	if status, _, err := readH3(p.send(true, "GET", "/test/v1/things/1", nil)); status != "200" || err != nil {
		t.Errorf("afterwards: %s, %v", status, err)
	}
}

// TestD9_StalledOverHTTP3: who takes nothing of an answer is cut off, and its call at the backend.
func TestD9_StalledOverHTTP3(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].WriteStall = 300 * time.Millisecond })
	c := d.h3By(t, &quic.Config{InitialStreamReceiveWindow: 8 << 10, MaxStreamReceiveWindow: 8 << 10})
	response, err := c.http.Do(c.request(t, "GET", "/canary/v1/stream?behavior.messages=100000&text="+strings.Repeat("x", 1000), "", "accept", "application/x-ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := d.backend.Wait(within(t), echo+"Stream", func(n testbackend.Counts) bool { return n.Cancelled == 1 }); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("the answer looks whole")
	}
}

// TestKeepaliveFindsWhoIsGoneOverHTTP3: a client whose packets do not come any more is found, and its calls end (fault 39).
func TestKeepaliveFindsWhoIsGoneOverHTTP3(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Listeners[0].PingAfter, c.Listeners[0].PingTimeout = 200*time.Millisecond, 800*time.Millisecond
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
	gone, there := d.quicProbe(t), d.quicProbe(t)
	gone.send(true, "GET", "/test/v1/things/1", nil)
	str := there.send(true, "GET", "/test/v1/things/2", nil)
	running(2)
	from := time.Now()
	gone.path.cut.Store(true)
	running(1)
	if took := time.Since(from); took < 700*time.Millisecond {
		t.Errorf("it was given up after %s", took)
	}
	select {
	case <-there.conn.Context().Done():
		t.Fatalf("the client that answers: %v", context.Cause(there.conn.Context()))
	case <-time.After(2 * time.Second): // more than its limit
	}
	release()
	if status, _, err := readH3(str); status != "200" || err != nil {
		t.Errorf("the client that answers: %s, %v", status, err)
	}
}

// h3Counting is a client that counts the connections that it makes.
func (d *dragoman) h3Counting(t testing.TB, count *atomic.Int32) *client {
	t.Helper()
	c := d.h3(t)
	transport, ok := c.http.Transport.(*http3.Transport)
	if !ok {
		t.Fatalf("the transport is a %T", c.http.Transport)
	}
	transport.Dial = func(ctx context.Context, addr string, tlsConfig *tls.Config, cfg *quic.Config) (*quic.Conn, error) {
		count.Add(1)
		return quic.DialAddrEarly(ctx, addr, tlsConfig, cfg)
	}
	return c
}

// TestMaxAgeFailsNoCallOfHTTP3: connections end one after the other under calls that never fail, and a stream outlives its own.
func TestMaxAgeFailsNoCallOfHTTP3(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxAge = 200 * time.Millisecond })
	var count atomic.Int32
	c := d.h3Counting(t, &count)
	talk := connect.NewClient[testv1.CanaryRequest, testv1.CanaryResponse](c.http, c.base+echo+"Converse").CallBidiStream(within(t))
	converse := func() {
		t.Helper()
		if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := talk.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	converse()
	calls := 0
	for count.Load() < 5 {
		calls++
		if a := c.call(t, "GET", "/test/v1/things/1", ""); a.status != http.StatusOK {
			t.Fatalf("call %d, on connection %d: %d", calls, count.Load(), a.status)
		}
	}
	converse()
	if err := talk.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream: %v", err)
	}
	if calls < 5 {
		t.Errorf("%d calls on 5 connections", calls)
	}
}

// TestFault23_DrainOfHTTP3: no new connection is taken, clients are told to go elsewhere, and what is under way ends.
func TestFault23_DrainOfHTTP3(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const held = binding + "Get"
	release := d.backend.Hold(held)
	defer release()
	c := d.h3(t)
	answers := c.open(t, c.request(t, "GET", "/test/v1/things/1", "")) //nolint:bodyclose // it is closed when the test ends
	if _, err := d.backend.Wait(within(t), held, func(n testbackend.Counts) bool { return n.Running == 1 }); err != nil {
		t.Fatal(err)
	}
	talker := d.h3(t)
	talk := connect.NewClient[testv1.CanaryRequest, testv1.CanaryResponse](talker.http, talker.base+echo+"Converse").CallBidiStream(within(t))
	converse := func() {
		t.Helper()
		if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := talk.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	converse()
	idle := d.quicProbe(t)
	stopped := make(chan error, 1)
	go func() { stopped <- d.stop(patience) }()
	eventually(t, func() error {
		_, err := d.tryQUIC(within(t), t)
		if e, ok := errors.AsType[*quic.TransportError](err); ok && e.ErrorCode == quic.ConnectionRefused {
			return nil
		}
		return errors.Join(errors.New("connections are still accepted"), err)
	})
	converse() // streams go on
	<-idle.conn.Context().Done()
	if e, ok := errors.AsType[*quic.ApplicationError](context.Cause(idle.conn.Context())); !ok || e.ErrorCode != 0x100 {
		t.Errorf("the idle connection: %v", context.Cause(idle.conn.Context()))
	}
	select {
	case err := <-stopped:
		t.Fatalf("the gateway has stopped (%v), with calls under way", err)
	default:
	}
	release()
	response := <-answers
	if response == nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the call: %v", response)
	}
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Errorf("the call: %v", err)
	}
	converse()
	if err := talk.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the drain ended with %v", err)
	}
}

// TestFault23_CutOffOverHTTP3: what does not end in its time is cut off, and does not look whole.
func TestFault23_CutOffOverHTTP3(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Shutdown.Drain = 300 * time.Millisecond })
	release := d.backend.Hold(binding + "Get")
	defer release()
	p := d.quicProbe(t)
	str := p.send(true, "GET", "/test/v1/things/1", nil)
	if _, err := d.backend.Wait(within(t), binding+"Get", func(n testbackend.Counts) bool { return n.Running == 1 }); err != nil {
		t.Fatal(err)
	}
	if err := d.stopsBadly(t, patience); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the stop ended with %v", err)
	}
	if status, _, err := readH3(str); err == nil && status < "500" {
		t.Errorf("%s, %v", status, err)
	}
	if _, err := d.backend.Wait(within(t), binding+"Get", func(n testbackend.Counts) bool { return n.Running == 0 }); err != nil {
		t.Error(err)
	}
}
