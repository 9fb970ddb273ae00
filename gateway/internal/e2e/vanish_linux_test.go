// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/networktest"
)

// TestFault39_ClientsVanish: of clients whose packets are lost, with no end of their connections, nothing is left soon, whatever they speak and
// whether or not something is being sent to them: what nobody acknowledges is no sign of life.
func TestFault39_ClientsVanish(t *testing.T) {
	t.Parallel()
	if !networktest.Own(t) {
		return
	}
	const after, timeout, slack = time.Second, time.Second, 5 * time.Second
	d := start(t, func(c *config.Config) {
		l := &c.Listeners[0]
		l.PingAfter, l.PingTimeout, l.WriteStall, l.Heartbeat = after, timeout, timeout, 200*time.Millisecond
	})
	release := d.backend.Hold(binding + "Get")
	defer release()
	h1 := func(request string) *bufio.Reader {
		c := d.socket(t)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		return bufio.NewReader(c)
	}
	running := func(method string, n int) {
		t.Helper()
		if _, err := d.backend.Wait(within(t), method, func(c testbackend.Counts) bool { return c.Running == n }); err != nil {
			t.Fatal(err)
		}
	}
	// HTTP/1.1: between two calls, in one that waits, in an answer that comes, in one that is silent but for its heartbeat, and in an upload.
	if a, err := readH1(h1("GET /canary/v1/echo HTTP/1.1\r\nhost: x\r\n\r\n"), "GET"); err != nil || a.status != 200 {
		t.Fatal(a, err)
	}
	h1("GET /test/v1/things/1 HTTP/1.1\r\nhost: x\r\n\r\n")
	h1("GET /canary/v1/stream?behavior.messages=100000&behavior.sleep=0.05s HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n")
	h1("GET /canary/v1/stream?behavior.messages=2&behavior.sleep=300s HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n")
	h1("POST /test/v1/streams/upload HTTP/1.1\r\nhost: x\r\ncontent-type: a/b\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
	// HTTP/2: without a call, and in a stream.
	idle := d.dial(t)
	if _, err := testv1.NewEchoServiceClient(idle).Echo(within(t), &testv1.CanaryRequest{}); err != nil {
		t.Fatal(err)
	}
	talk, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(&testv1.CanaryRequest{}); err != nil {
		t.Fatal(err)
	}
	// A WebSocket.
	k := d.connect(t, "/test/v1/converse/p", nil)
	k.send(`{}`)
	running(binding+"Get", 1)
	running(echo+"Stream", 2)
	running(streams+"Upload", 1)
	running(echo+"Converse", 1)
	const connectionsOpen = 8
	eventually(t, func() error {
		if n := connections(t, d.address); n != connectionsOpen {
			return fmt.Errorf("%d connections are open", n)
		}
		return nil
	})

	_, port, err := net.SplitHostPort(d.address)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	networktest.Drop(t, port, "")
	eventually(t, func() error {
		if n := connections(t, d.address); n > 0 {
			return fmt.Errorf("%d connections are open", n)
		}
		return nil
	})
	if took := time.Since(from); took > after+2*timeout+slack {
		t.Errorf("the last one was closed after %s", took)
	}
	for _, method := range []string{binding + "Get", echo + "Stream", streams + "Upload", echo + "Converse"} {
		running(method, 0)
	}
	networktest.Mend(t) // so that what is left of the clients ends
}
