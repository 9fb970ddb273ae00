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
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// refuses waits until nobody can connect any more.
func (d *dragoman) refuses(t testing.TB) {
	t.Helper()
	eventually(t, func() error {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.address)
		if err == nil {
			_ = c.Close()
			return errors.New("connections are still accepted")
		}
		return nil
	})
}

// TestFault23_Drain: the gateway is unready at once, tells its clients to go elsewhere, and ends what is under way.
func TestFault23_Drain(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Shutdown.Delay = 300 * time.Millisecond })
	if err := d.ready(within(t)); err != nil {
		t.Fatalf("before: %v", err)
	}
	const held = binding + "Get"
	release := d.backend.Hold(held)
	defer release()

	// What is under way: a unary call in each version of HTTP, a stream over REST and one over gRPC.
	h1 := d.socket(t)
	if _, err := io.WriteString(h1, "GET /test/v1/things/1 HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	p := d.probe(t)
	id := p.open(true, p.head("GET", "/test/v1/things/2")...)
	if _, err := d.backend.Wait(within(t), held, func(n testbackend.Counts) bool { return n.Running == 2 }); err != nil {
		t.Fatal(err)
	}
	talk, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
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

	stopped := make(chan error, 1)
	go func() { stopped <- d.stop(patience) }()
	eventually(t, func() error {
		if err := d.ready(within(t)); err == nil {
			return errors.New("the gateway is ready")
		}
		return nil
	})
	// In the delay, whoever has not heard of it is served as before.
	if a := d.h2(t).call(t, "GET", "/test", ""); a.status != 200 {
		t.Errorf("in the delay: %d", a.status)
	}
	d.refuses(t)
	if err := d.ready(within(t)); err == nil {
		t.Error("the gateway is ready while it drains")
	}
	for p.goAway == nil { // HTTP/2 is told to go
		f, err := p.frame()
		if err != nil {
			t.Fatalf("no GOAWAY came: %v", err)
		}
		if g, ok := f.(*http2.GoAwayFrame); ok && g.ErrCode != http2.ErrCodeNo {
			t.Errorf("GOAWAY says %s", g.ErrCode)
		}
	}
	converse() // streams go on
	select {
	case err := <-stopped:
		t.Fatalf("the gateway has stopped (%v), with calls under way", err)
	default:
	}
	release()
	a, err := readH1(bufio.NewReader(h1), "GET")
	if err != nil || a.status != 200 || !a.last {
		t.Errorf("HTTP/1.1: %+v, %v", a, err)
	}
	if a, err := p.read(id); err != nil || a.status != 200 {
		t.Errorf("HTTP/2: %+v, %v", a, err)
	}
	converse()
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("gRPC: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the drain ended with %v", err)
	}
	if err := d.ready(within(t)); err == nil {
		t.Error("the gateway is ready after its end")
	}
}

// TestFault23_NoCallFails: clients who look at readiness, as load balancers do, lose nothing when a gateway goes.
func TestFault23_NoCallFails(t *testing.T) {
	d := start(t, func(c *config.Config) { c.Shutdown.Delay = 500 * time.Millisecond })
	other := startFor(t, d.backend.Address(), nil)
	var use atomic.Pointer[dragoman]
	use.Store(d)
	looking, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for looking.Err() == nil {
			if d.ready(looking) != nil {
				use.Store(other)
				return
			}
			<-ticker.C
		}
	}()

	type pair struct{ a, b *client }
	l := newLoad()
	for i, c := range []pair{{d.h1(t), other.h1(t)}, {d.h2(t), other.h2(t)}, {d.h3(t), other.h3(t)}} {
		l.run(func(n int) string {
			to := c.a
			if use.Load() == other {
				to = c.b
			}
			a, err := to.get(looking, fmt.Sprintf("/canary/v1/echo?text=%d.%d", i, n))
			if err != nil || a.status != http.StatusOK {
				return fmt.Sprintf("%s: %v, %+v", to.name, err, a)
			}
			return ""
		})
	}
	first, second := testv1.NewEchoServiceClient(d.dial(t)), testv1.NewEchoServiceClient(other.dial(t))
	l.run(func(int) string {
		to := first
		if use.Load() == other {
			to = second
		}
		if _, err := to.Echo(looking, &testv1.CanaryRequest{}); err != nil {
			return "gRPC: " + err.Error()
		}
		return ""
	})
	calls := func(more int64) {
		t.Helper()
		from := l.calls.Load()
		eventually(t, func() error {
			if n := l.calls.Load() - from; n < more && len(l.failed) == 0 {
				return fmt.Errorf("%d calls", n)
			}
			return nil
		})
	}
	calls(100)
	if err := d.stop(patience); err != nil {
		t.Errorf("the drain ended with %v", err)
	}
	calls(100)
	l.end(t)
	stop()
	<-looked
}

// TestFault23_CutOff: what does not end in its time is cut off, and the stop says so.
func TestFault23_CutOff(t *testing.T) {
	const drain = 300 * time.Millisecond
	d := start(t, func(c *config.Config) { c.Shutdown.Drain = drain })
	release := d.backend.Hold(binding + "Get")
	defer release()
	h1 := d.socket(t)
	if _, err := io.WriteString(h1, "GET /test/v1/things/1 HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	talk, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.backend.Wait(within(t), binding+"Get", func(n testbackend.Counts) bool { return n.Running == 1 }); err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	err = d.stopsBadly(t, patience)
	if took := time.Since(from); !errors.Is(err, context.DeadlineExceeded) || took < drain || took > drain+5*time.Second {
		t.Errorf("the stop took %s and ended with %v", took, err)
	}
	if a, err := readH1(bufio.NewReader(h1), "GET"); err == nil && a.status < 500 {
		t.Errorf("HTTP/1.1: %+v", a)
	}
	if _, err := talk.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("gRPC: %v", err)
	}
	for _, method := range []string{binding + "Get", echo + "Converse"} {
		if _, err := d.backend.Wait(within(t), method, func(n testbackend.Counts) bool { return n.Running == 0 && n.Cancelled == 1 }); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(d.log.String(), `"a call panicked"`) {
		t.Error("a call panicked")
	}
}

// TestT146_StreamsAreTold: a stream that is still open when the drain time is over ends in the form that its protocol has for it.
func TestT146_StreamsAreTold(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Shutdown.Drain = 50 * time.Millisecond })
	bidi, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := bidi.Send(&testv1.CanaryRequest{Id: "a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := bidi.Recv(); err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{"application/x-ndjson": `{"error":{"code":14,`, "text/event-stream": "event: error\ndata: {\"code\":14,", "application/json": ""}
	type ending struct {
		name, text string
		err        error
	}
	endings := make(chan ending)
	opened := 0
	for _, c := range d.both(t) {
		for accept := range forms {
			response, err := c.http.Do(c.request(t, "GET", "/canary/v1/stream?behavior.messages=100000&behavior.sleep=0.02s", "", "accept", accept)) //nolint:bodyclose // closed below, when it has ended
			if err != nil || response.StatusCode != 200 {
				t.Fatalf("%s: %s: %v, %v", c.name, accept, response, err)
			}
			opened++
			go func() { // as it comes: a connection of HTTP/3 that is over has nothing more to read
				text, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				endings <- ending{c.name + " " + accept, string(text), err}
			}()
		}
	}
	if err := d.stopsBadly(t, patience); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the drain ended with %v", err)
	}
	if _, err := bidi.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("gRPC: %v", err)
	}
	for range opened {
		e := <-endings
		name, text, err := e.name, e.text, e.err
		_, accept, _ := strings.Cut(name, " ")
		if want := forms[accept]; want == "" {
			if err == nil {
				t.Errorf("%s: it looks whole", name)
			}
		} else if err != nil || !strings.Contains(text, want) || !strings.Contains(text, "DRAINING") {
			t.Errorf("%s: %v; it ends with %q", name, err, text[max(0, len(text)-300):])
		}
	}
}
