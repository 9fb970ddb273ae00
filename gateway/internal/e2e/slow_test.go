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
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// wantClosed reads until the gateway closes the connection, and fails if that takes longer than most.
func wantClosed(t testing.TB, r io.Reader, most time.Duration) {
	t.Helper()
	if err := closed(r, most); err != nil {
		t.Error(err)
	}
}

func closed(r io.Reader, most time.Duration) error {
	from := time.Now()
	_, err := io.Copy(io.Discard, r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the connection stays open")
	}
	if took := time.Since(from); faults.Held() && took > most {
		return fmt.Errorf("the connection was closed after %s; want at most %s", took, most)
	}
	return nil
}

// TestD8_SlowBodies: a body that stalls is answered within its time, and the connection is freed.
func TestD8_SlowBodies(t *testing.T) {
	t.Parallel()
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
			none(t, d.arrivals(func() {
				var all sync.WaitGroup
				defer all.Wait()
				for _, framing := range []string{"content-length: 100\r\n\r\n{", "content-length: 1000000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "content-length: 100\r\n\r\n"} {
					all.Go(func() { stall(t, d, framing, limit, slack) })
				}
			}))
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

// stall sends a request whose body does not come, and wants it answered after limit.
func stall(t *testing.T, d *dragoman, framing string, limit, slack time.Duration) {
	t.Helper()
	c := d.socket(t)
	from := time.Now()
	if _, err := io.WriteString(c, "POST /test/v1/body/all HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"+framing); err != nil {
		t.Error(err)
		return
	}
	r := bufio.NewReader(c)
	a, err := readH1(r, "POST")
	if err != nil || a.status != 408 || statusBody(t, a).GetCode() != int32(codes.DeadlineExceeded) {
		t.Errorf("%q: %v, %v", framing, a, err)
		return
	}
	if took := time.Since(from); took < limit || faults.Held() && took > limit+slack {
		t.Errorf("%q: answered after %s; want %s", framing, took, limit)
	}
	if err := closed(r, slack+time.Second); err != nil {
		t.Errorf("%q: %v", framing, err)
	}
}

// TestD8_RefusedBeforeTheBody: who is refused does not have to send the body first, and cannot hold the connection with it.
func TestD8_RefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, head := range []string{"POST /nowhere", "POST /test/v1/body/none", "PUT /test/v1/body/all", "POST /test/v1/body/all"} {
		for _, framing := range []string{"content-length: 100\r\n\r\n", "content-length: 100\r\n\r\n{", "content-length: 100000000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "expect: 100-continue\r\ncontent-length: 100\r\n\r\n"} {
			t.Run(head+" "+framing, func(t *testing.T) {
				t.Parallel()
				c := d.socket(t)
				from := time.Now()
				if _, err := io.WriteString(c, head+" HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n"+framing); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(c)
				a, err := readH1(r, "POST")
				if err != nil || a.status < 400 || a.status >= 500 { // no 100 either (D13)
					t.Fatalf("%v, %v", a, err)
				}
				if took := time.Since(from); faults.Held() && took > 2*time.Second {
					t.Errorf("answered after %s", took)
				}
				wantClosed(t, r, 3*time.Second)
			})
		}
	}
}

// TestD12_RestOfABodyIsNoRequest: bytes that were announced as a body are never taken for the next request.
func TestD12_RestOfABodyIsNoRequest(t *testing.T) {
	t.Parallel()
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

// TestD12_RestOfAStalledBody: a body that stalled was given up; what comes of it later is no request either.
func TestD12_RestOfAStalledBody(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].RequestTimeout = 100 * time.Millisecond })
	const poison = "DELETE " + canaryPath + " HTTP/1.1\r\nhost: x\r\n\r\n"
	for _, framing := range []string{"content-length: 500\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "transfer-encoding: chunked\r\n\r\n1ff\r\n{"} {
		none(t, d.arrivals(func() {
			c := d.socket(t)
			if _, err := io.WriteString(c, "POST /test/v1/body/all HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"+framing); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			if a, err := readH1(r, "POST"); err != nil || a.status != 408 {
				t.Fatalf("%q: %v, %v", framing, a, err)
			}
			_, _ = io.WriteString(c, poison) // may find the connection closed
			_, _ = io.Copy(io.Discard, r)
		}))
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
	return d.socketBy(t, &dialer)
}

// TestD9_WriteStall: a client that takes nothing of its answer is cut off after write_stall, in each of the ways in which that
// can be.
func TestD9_WriteStall(t *testing.T) {
	t.Parallel()
	const stall, slack = 300 * time.Millisecond, 3 * time.Second
	ended := make(chan error, 10)
	piece := "\x12\x80\x80\x04" + strings.Repeat("x", 64<<10) // google.api.HttpBody.data
	address := misbehave(t, func(method string, ss grpc.ServerStream) error {
		if method == binding+"Get" {
			return ss.SendMsg(raw("\x7a\x80\xc0\x01" + strings.Repeat("z", 24<<10))) // payload
		}
		if method != streams+"Download" {
			return ss.SendMsg(raw("\x12\x80\xda\xc4\x09" + strings.Repeat("y", 20_000_000)))
		}
		defer func() { ended <- ss.Context().Err() }()
		for {
			if err := ss.SendMsg(raw(piece)); err != nil {
				return err
			}
		}
	})
	d := startFor(t, address, func(c *config.Config) {
		l := &c.Listeners[0]
		l.WriteStall, l.IdleTimeout, l.MaxAnswer = stall, 2*stall, 32<<20
	})
	cut := func(t *testing.T, from time.Time) {
		t.Helper()
		eventually(t, func() error {
			if n := connections(t, d.address); n > 0 {
				return fmt.Errorf("%d connections are open", n)
			}
			return nil
		})
		if took := time.Since(from); took < stall || faults.Held() && took > stall+slack {
			t.Errorf("the connection was closed after %s; want %s", took, stall)
		}
	}
	reset := func(t *testing.T, p *prober, id uint32) {
		t.Helper()
		from := time.Now()
		if _, err := p.read(id); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the answer ended with %v", err)
		}
		if took := time.Since(from); faults.Held() && took > stall+slack {
			t.Errorf("the stream was reset after %s; want %s", took, stall)
		}
	}
	t.Run("stream, HTTP/1.1", func(t *testing.T) {
		from := time.Now()
		c := d.small(t)
		if _, err := io.WriteString(c, "GET /test/v1/streams/download HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-ended
		cut(t, from)
	})
	t.Run("large answer, HTTP/1.1", func(t *testing.T) {
		from := time.Now()
		c := d.small(t)
		if _, err := io.WriteString(c, "GET /test/v1/response/http/1 HTTP/1.1\r\nhost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		cut(t, from)
	})
	for name, path := range map[string]string{"small": "/nowhere/" + strings.Repeat("x", 200), "middling": "/test/v1/things/1"} {
		t.Run("many "+name+" answers, HTTP/1.1", func(t *testing.T) {
			from := time.Now()
			c := d.small(t)
			requests := strings.Repeat("GET "+path+" HTTP/1.1\r\nhost: x\r\n\r\n", 1000)
			go func() {
				for {
					if _, err := io.WriteString(c, requests); err != nil {
						return
					}
				}
			}()
			eventually(t, func() error {
				if n := connections(t, d.address); n > 0 {
					return fmt.Errorf("%d connections are open", n)
				}
				return nil
			})
			if took := time.Since(from); faults.Held() && took > 10*time.Second { // most of it to fill the sockets
				t.Errorf("the connection was closed after %s", took)
			}
		})
	}
	t.Run("stream, HTTP/2 window", func(t *testing.T) {
		p := d.probe(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		p.manual = true
		reset(t, p, p.open(true, p.head("GET", "/test/v1/streams/download")...))
		<-ended
		_ = p.conn.Close()
	})
	t.Run("large answer, HTTP/2 window", func(t *testing.T) {
		p := d.probe(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		p.manual = true
		reset(t, p, p.open(true, p.head("GET", "/test/v1/response/http/1")...))
		_ = p.conn.Close()
	})
	t.Run("small answer, HTTP/2 window", func(t *testing.T) {
		p := d.probe(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		p.manual = true
		reset(t, p, p.open(true, p.head("GET", "/nowhere")...))
		_ = p.conn.Close()
	})
	t.Run("stream, HTTP/2 socket", func(t *testing.T) {
		from := time.Now()
		c := d.small(t)
		p := &prober{t: t, conn: c, framer: http2.NewFramer(c, c), next: 1, manual: true}
		p.hpackTo()
		if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
			t.Fatal(err)
		}
		p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}))
		p.must(p.framer.WriteWindowUpdate(0, 1<<30))
		p.open(true, p.head("GET", "/test/v1/streams/download")...)
		<-ended
		cut(t, from)
	})
}

// TestD9_QuietIsNotStalled: a stream in which nothing is to be sent for longer than write_stall goes on.
func TestD9_QuietIsNotStalled(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].WriteStall = 300 * time.Millisecond })
	for _, c := range d.both(t) {
		a := c.call(t, "POST", repeat, `{"behavior":{"messages":4,"sleep":"0.6s"}}`)
		if records := lines(t, a.body); a.status != 200 || len(records) != 4 {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	client, err := testv1.NewStreamServiceClient(d.dial(t)).Repeat(within(t), request(t, `{"behavior":{"messages":4,"sleep":"0.6s","headerFirst":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if _, err := client.Recv(); err != nil {
			t.Fatalf("gRPC: message %d: %v", i, err)
		}
	}
	if _, err := client.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("gRPC: %v", err)
	}
}

// TestD9_SlowIsNotStalled: who takes little, but something, gets all of it.
func TestD9_SlowIsNotStalled(t *testing.T) {
	const stall, size = 400 * time.Millisecond, 15_000_000
	d := start(t, func(c *config.Config) { c.Listeners[0].WriteStall = stall })
	// read takes about three times as long as a client may take nothing.
	read := func(t *testing.T, r io.Reader) {
		t.Helper()
		ticker := time.NewTicker(stall / 25)
		defer ticker.Stop()
		var got int64
		for {
			n, err := io.CopyN(io.Discard, r, size/75)
			got += n
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			<-ticker.C
		}
		if got < size {
			t.Errorf("the client has %d of %d bytes", got, size)
		}
	}
	target := fmt.Sprintf("/test/v1/response/http/1?behavior.payload_size=%d", size)
	t.Run("HTTP/1.1", func(t *testing.T) {
		c := d.small(t)
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", target); err != nil {
			t.Fatal(err)
		}
		read(t, c)
	})
	t.Run("h2c", func(t *testing.T) {
		c := d.h2(t)
		response, err := c.http.Do(c.request(t, "GET", target, ""))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		read(t, response.Body)
	})
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
	t.Parallel()
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
	t.Parallel()
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	address := accept(t, func(c net.Conn) {
		up, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.Address())
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
