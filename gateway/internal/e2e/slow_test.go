// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

// wantClosed reads until the gateway closes the connection, and fails if that takes longer than most.
func wantClosed(t testing.TB, r io.Reader, most time.Duration) {
	t.Helper()
	from := time.Now()
	_, err := io.Copy(io.Discard, r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection stays open")
	}
	if took := time.Since(from); took > most {
		t.Errorf("the connection was closed after %s; want at most %s", took, most)
	}
}

// TestD8_SlowBodies: a body that stalls is answered within its time, and the connection is freed.
func TestD8_SlowBodies(t *testing.T) {
	const limit, slack = 300 * time.Millisecond, 1500 * time.Millisecond
	for _, tt := range []struct {
		name string
		edit func(*config.Config)
	}{
		{"request_timeout", func(c *config.Config) { c.Listeners[0].RequestTimeout = limit }},
		{"deadline", func(c *config.Config) { c.Defaults.Deadline.Timeout = limit }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := start(t, tt.edit)
			for _, framing := range []string{"content-length: 100\r\n\r\n{", "content-length: 1000000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "content-length: 100\r\n\r\n"} {
				c := d.socket(t)
				from := time.Now()
				none(t, d.arrivals(func() {
					if _, err := io.WriteString(c, "POST /test/v1/body/all HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"+framing); err != nil {
						t.Fatal(err)
					}
					r := bufio.NewReader(c)
					a, err := readH1(r, "POST")
					if err != nil || a.status != 408 || statusBody(t, a).GetCode() != int32(codes.DeadlineExceeded) {
						t.Fatalf("%q: %v, %v", framing, a, err)
					}
					if took := time.Since(from); took < limit || took > limit+slack {
						t.Errorf("%q: answered after %s; want %s", framing, took, limit)
					}
					wantClosed(t, r, slack)
				}))
			}
			none(t, d.arrivals(func() {
				p := d.probe(t)
				rest := p.open(false, p.head("POST", "/test/v1/body/all", "content-type", "application/json")...)
				p.must(p.framer.WriteData(rest, false, []byte("{")))
				if a, err := p.read(rest); err != nil || a.status != 408 {
					t.Errorf("HTTP/2: %v, %v", a, err)
				}
				call := p.open(false, p.head("POST", binding+"NoRule", "content-type", "application/grpc", "te", "trailers")...)
				p.must(p.framer.WriteData(call, false, []byte{0, 0, 0, 0, 9, 1}))
				if a, err := p.read(call); err != nil || a.status != 200 || a.grpcStatus() != "4" { // T160
					t.Errorf("gRPC: %v, %v", a, err)
				}
				if a, err := p.get("GET", "/nowhere"); err != nil || a.status != 404 {
					t.Errorf("HTTP/2, the next call on the connection: %v, %v", a, err)
				}
			}))
		})
	}
}

// TestD8_RefusedBeforeTheBody: who is refused does not have to send the body first, and cannot hold the connection with it.
func TestD8_RefusedBeforeTheBody(t *testing.T) {
	d := start(t, nil)
	for _, head := range []string{"POST /nowhere", "POST /test/v1/body/none", "PUT /test/v1/body/all", "POST /test/v1/body/all"} {
		for _, framing := range []string{"content-length: 100\r\n\r\n", "content-length: 100\r\n\r\n{", "content-length: 100000000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "expect: 100-continue\r\ncontent-length: 100\r\n\r\n"} {
			if strings.HasPrefix(framing, "transfer") && head == "POST /test/v1/body/none" {
				continue // whether there is a body is known at its end only
			}
			c := d.socket(t)
			from := time.Now()
			if _, err := io.WriteString(c, head+" HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n"+framing); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			a, err := readH1(r, "POST")
			if err != nil || a.status < 400 || a.status >= 500 { // no 100 either (D13)
				t.Errorf("%s %q: %v, %v", head, framing, a, err)
				continue
			}
			if took := time.Since(from); took > time.Second {
				t.Errorf("%s %q: answered after %s", head, framing, took)
			}
			wantClosed(t, r, 3*time.Second)
		}
	}
}

// TestD12_RestOfABodyIsNoRequest: bytes that were announced as a body are never taken for the next request.
func TestD12_RestOfABodyIsNoRequest(t *testing.T) {
	d := start(t, nil)
	const poison = "DELETE " + canaryPath + " HTTP/1.1\r\nhost: x\r\n\r\n"
	for _, head := range []string{"POST /nowhere", "POST /test/v1/body/none", "POST /test/v1/body/all", "POST /test/v1/streams/upload-field?behavior.messages=1"} {
		for _, framing := range []string{
			fmt.Sprintf("content-length: %d\r\n\r\n%s", len(poison)+1, "x"+poison), fmt.Sprintf("content-length: %d\r\n\r\n%s", len(poison)+100, "x"+poison),
			"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(poison), poison),
		} {
			seen := d.arrivals(func() {
				c := d.socket(t)
				for _, piece := range strings.SplitAfter(head+" HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n"+framing, "x"+"\r\n") {
					if _, err := io.WriteString(c, piece); err != nil {
						break
					}
				}
				_ = c.CloseWrite()
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			})
			if seen[canaryDelete] > 0 {
				t.Errorf("%s %q: the body was taken for a request: %v", head, framing, seen)
			}
		}
	}
}

// small makes a socket that takes little before somebody reads.
func (d *dragoman) small(t testing.TB) *net.TCPConn {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) }); e != nil {
			return e
		}
		return err
	}}
	c, err := dialer.DialContext(t.Context(), "tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// TestD9_WriteStall: a client that takes nothing of its answer is cut off after write_stall, in each of the ways in which that
// can be.
func TestD9_WriteStall(t *testing.T) {
	const stall = 500 * time.Millisecond
	d := start(t, func(c *config.Config) { c.Listeners[0].WriteStall = stall })
	const download = "/test/v1/streams/download?behavior.messages=2000&behavior.payload_size=60000000"
	ended := func(t *testing.T, method string, before testbackend.Counts) {
		t.Helper()
		if _, err := d.backend.Wait(within(t), method, func(n testbackend.Counts) bool { return n.Ended > before.Ended && n.Running == 0 }); err != nil {
			t.Error(err)
		}
	}
	idle := func(t *testing.T, what string) {
		t.Helper()
		eventually(t, func() error {
			if n := connections(t, d.address); n > 0 {
				return fmt.Errorf("%s: %d connections are open", what, n)
			}
			return nil
		})
	}
	t.Run("stream, HTTP/1.1", func(t *testing.T) {
		before := d.backend.Counts(streams + "Download")
		c := d.small(t)
		if _, err := io.WriteString(c, "GET "+download+" HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		ended(t, streams+"Download", before)
		idle(t, "stream")
	})
	t.Run("large answer, HTTP/1.1", func(t *testing.T) {
		c := d.small(t)
		if _, err := io.WriteString(c, "GET /test/v1/response/http/1?behavior.payload_size=15000000 HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		idle(t, "large answer")
	})
	t.Run("many small answers, HTTP/1.1", func(t *testing.T) {
		c := d.small(t)
		request := strings.Repeat("GET /test/v1/response/http/1?behavior.payload_size=60000 HTTP/1.1\r\nhost: x\r\n\r\n", 500)
		go func() { _, _ = io.WriteString(c, request) }()
		idle(t, "small answers")
	})
	t.Run("stream, HTTP/2 window", func(t *testing.T) {
		before := d.backend.Counts(streams + "Download")
		p := d.probe(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		p.manual = true
		id := p.open(true, p.head("GET", download)...)
		if _, err := p.read(id); err == nil {
			t.Error("the answer looks whole")
		}
		ended(t, streams+"Download", before)
	})
	t.Run("large answer, HTTP/2 window", func(t *testing.T) {
		p := d.probe(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		p.manual = true
		id := p.open(true, p.head("GET", "/test/v1/response/http/1?behavior.payload_size=1000000")...)
		if _, err := p.read(id); err == nil {
			t.Error("the answer looks whole")
		}
	})
	t.Run("small answer, HTTP/2 window", func(t *testing.T) {
		p := d.probe(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		p.manual = true
		id := p.open(true, p.head("GET", "/test/v1/things/1")...)
		if _, err := p.read(id); err == nil {
			t.Error("the answer looks whole")
		}
	})
	t.Run("stream, HTTP/2 socket", func(t *testing.T) {
		before := d.backend.Counts(streams + "Download")
		c := d.small(t)
		framer := http2.NewFramer(c, c)
		p := &prober{t: t, conn: c, framer: framer, next: 1, manual: true}
		p.hpackTo()
		if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
			t.Fatal(err)
		}
		p.must(framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}))
		p.must(framer.WriteWindowUpdate(0, 1<<30))
		p.open(true, p.head("GET", download)...)
		ended(t, streams+"Download", before)
	})
}

// TestD9_SlowIsNotStalled: who takes little, but something, gets all of it.
func TestD9_SlowIsNotStalled(t *testing.T) {
	const stall = 500 * time.Millisecond
	d := start(t, func(c *config.Config) { c.Listeners[0].WriteStall = stall })
	const size = 15_000_000
	c := d.small(t)
	if _, err := fmt.Fprintf(c, "GET /test/v1/response/http/1?behavior.payload_size=%d HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
	// About three times as long as a client may take nothing.
	ticker := time.NewTicker(stall / 25)
	defer ticker.Stop()
	var got int64
	for {
		n, err := io.CopyN(io.Discard, c, size/75)
		got += n
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		<-ticker.C
	}
	if got < size {
		t.Errorf("the client has %d of %d bytes", got, size)
	}
}

// connections counts the sockets that others have open to an address, by what the kernel says.
func connections(t testing.TB, address string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	const established = " 01 "
	local := fmt.Sprintf(" 0100007F:%04X ", number)
	n := 0
	for line := range strings.Lines(string(table)) {
		if at := strings.Index(line, local); at >= 0 && at < 10 && strings.Contains(line, established) {
			n++
		}
	}
	return n
}

// TestE10_LengthThatLies: a length prefix of 4 GiB takes no memory and is answered at once.
func TestE10_LengthThatLies(t *testing.T) {
	d := start(t, nil)
	p := d.probe(t)
	id := p.open(false, p.head("POST", binding+"NoRule", "content-type", "application/grpc", "te", "trailers")...)
	p.must(p.framer.WriteData(id, false, []byte{0, 0xff, 0xff, 0xff, 0xff}))
	if a, err := p.read(id); err != nil || a.grpcStatus() != "8" {
		t.Errorf("%v, %v", a, err)
	}
}

// TestT197_BackendStopsMidway: a backend that closes its connection in the middle of an answer is no short answer.
func TestT197_BackendStopsMidway(t *testing.T) {
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	address := accept(t, func(c net.Conn) {
		up, err := net.Dial("tcp", b.Address())
		if err != nil {
			return
		}
		defer func() { _ = up.Close() }()
		go func() { _, _ = io.Copy(up, c) }()
		// Some of the answer, and then nothing.
		_, _ = io.CopyN(c, up, 100_000)
	})
	d := startFor(t, address, nil)
	for _, c := range d.both(t) {
		a := c.call(t, "GET", "/test/v1/response/http/1?behavior.payload_size=1000000", "")
		if a.status != 503 || statusBody(t, a).GetCode() != int32(codes.Unavailable) {
			t.Errorf("%s: %d %.100s", c.name, a.status, a.body)
		}
		noLeak(t, a)
	}
	conn := d.dial(t)
	if err := conn.Invoke(within(t), binding+"NoRule", request(t, `{"behavior":{"payloadSize":1000000}}`), response()); grpcCode(err) != codes.Unavailable {
		t.Errorf("gRPC: %v", err)
	}
}
