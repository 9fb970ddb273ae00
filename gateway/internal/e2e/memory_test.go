// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/race"
)

// bulk is a backend of long streams: bulkSize down, as much up, and messages after which nothing comes.
type bulk struct {
	testv1.UnimplementedStreamServiceServer
}

const piece = 64 << 10

// bulkSize is how much goes through: a gibibyte, and where the race detector slows the clients down, still twice what the gateway may take.
func bulkSize() int {
	if race.Enabled {
		return 256 << 20
	}
	return 1 << 30
}

func (bulk) Download(_ *testv1.BindRequest, out grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	body := &httpbody.HttpBody{ContentType: "application/octet-stream", Data: make([]byte, piece)}
	for range bulkSize() / piece {
		if err := out.Send(body); err != nil {
			return err
		}
	}
	return nil
}

func (bulk) Upload(in grpc.ClientStreamingServer[httpbody.HttpBody, testv1.BindResponse]) error {
	size := 0
	for {
		body, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return in.SendAndClose(&testv1.BindResponse{Seen: &testv1.Seen{Method: strconv.Itoa(size)}})
		}
		if err != nil {
			return err
		}
		size += len(body.GetData())
	}
}

func (bulk) Repeat(_ *testv1.BindRequest, out grpc.ServerStreamingServer[testv1.BindResponse]) error {
	if err := out.Send(&testv1.BindResponse{}); err != nil {
		return err
	}
	<-out.Context().Done()
	return nil
}

// startProcess runs the command in a process of its own, built without the race detector, in front of a backend, and returns where it
// listens and its process. Its heap has the limit that a small container would set.
func startProcess(t *testing.T, backend string) (d *dragoman, pid int) {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "dragoman")
	if printed, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/dragoman-gateway/dragoman/cmd/dragoman").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, printed)
	}
	config := filepath.Join(folder, "dragoman.yaml")
	protos, err := filepath.Abs(protoFolder)
	if err != nil {
		t.Fatal(err)
	}
	files := identityFiles(t)
	text := fmt.Sprintf(`version: v1
listeners:
  - {name: main, address: "127.0.0.1:0"}
  - {name: secure, address: "127.0.0.1:0", protocols: [http1, http2, http3], tls: {cert: %q, key: %q}}
admin: {address: "127.0.0.1:0"}
schemas: {sources: [{protos: {dir: %q, import_paths: [%q]}}]}
backends: {bulk: {target: %q}}
services: [{match: "**", backend: bulk}]
rate_limits: {max_websockets: 10000} # all have one address
`, files.Cert, files.Key, protos+"/dragoman/test", protos, backend)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "run", "-c", config)
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=100MiB", "NO_COLOR=1")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // connections are cut off
	})
	found := make(chan *dragoman, 1)
	go func() {
		at := regexp.MustCompile(`"main":"([^"]+)".*"secure":"([^"]+)"`)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := at.FindStringSubmatch(lines.Text()); m != nil {
				found <- &dragoman{address: m[1], secure: m[2]}
			}
		}
	}()
	select {
	case d = <-found:
	case <-time.After(patience):
		t.Fatal("the gateway did not say where it listens")
	}
	return d, cmd.Process.Pid
}

// memory returns a figure of a process in bytes: VmRSS, what it has in memory, or VmHWM, the most that it had.
func memory(t testing.TB, pid int, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in\n%s", name, text)
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestMemory: a gibibyte up and one down through a gateway that never has 128 MiB, and what a client costs that says nothing.
func TestMemory(t *testing.T) {
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	testv1.RegisterStreamServiceServer(server, bulk{})
	go func() { _ = server.Serve(socket) }()
	t.Cleanup(server.Stop)
	d, pid := startProcess(t, socket.Addr().String())
	const mostPeak = 128 << 20
	ctx, cancel := context.WithTimeout(t.Context(), 15*patience) // it is a lot, and the clients may be slow
	defer cancel()
	size := bulkSize()

	for _, c := range d.both(t) {
		request := c.request(t, "POST", "/test/v1/streams/upload", "", "content-type", "application/octet-stream").WithContext(ctx)
		request.Body, request.ContentLength = io.NopCloser(io.LimitReader(zeros{}, int64(size))), int64(size)
		a, err := c.try(request)
		if err != nil || a.status != 200 || !strings.Contains(a.body, `"`+strconv.Itoa(size)+`"`) {
			t.Fatalf("%s: up: %+v, %v", c.name, a, err)
		}
		t.Logf("%s: %d MiB up: the most in memory was %d MiB", c.name, size>>20, memory(t, pid, "VmHWM")>>20)
		response, err := c.http.Do(c.request(t, "GET", "/test/v1/streams/download", "").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err != nil || n != int64(size) {
			t.Fatalf("%s: down: %d bytes, %v", c.name, n, err)
		}
		t.Logf("%s: %d MiB down: the most in memory was %d MiB", c.name, size>>20, memory(t, pid, "VmHWM")>>20)
	}
	if peak := memory(t, pid, "VmHWM"); peak > mostPeak {
		t.Errorf("the most in memory was %d MiB; want %d", peak>>20, mostPeak>>20)
	}

	const (
		clients = 2000
		mostOne = 128 << 10 // far above what it is
	)
	for _, kind := range []struct {
		name string
		open func(context.Context, *client) (io.Closer, error)
	}{
		{"Server-Sent Events", openEvents},
		{"WebSocket", openSocket},
		{"Server-Sent Events over HTTP/3", openEventsOverQUIC(t)},
	} {
		d, pid := startProcess(t, socket.Addr().String()) // one that has no memory left from something else
		before := memory(t, pid, "VmRSS")
		c := d.h1(t)
		if strings.HasSuffix(kind.name, "HTTP/3") {
			c = d.h3(t) // where it is; each client makes a connection of its own
		}
		var closers []io.Closer
		var mu sync.Mutex
		var all sync.WaitGroup
		turn := make(chan struct{}, 50)
		for range clients {
			turn <- struct{}{}
			all.Go(func() {
				defer func() { <-turn }()
				closer, err := kind.open(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				closers = append(closers, closer)
			})
		}
		all.Wait()
		each := (memory(t, pid, "VmRSS") - before) / clients
		t.Logf("%d idle clients of %s: %d bytes each", len(closers), kind.name, each)
		if each > mostOne {
			t.Errorf("an idle client of %s costs %d bytes; want %d", kind.name, each, mostOne)
		}
		for _, c := range closers {
			_ = c.Close()
		}
	}
}

// openEvents is a client of Server-Sent Events that got its first one.
func openEvents(ctx context.Context, c *client) (io.Closer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/test/v1/streams/repeat/7", http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("accept", "text/event-stream")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%d %q: %w", response.StatusCode, line, err)
	}
	return response.Body, nil
}

// openSocket is a client of a WebSocket that got its first message.
func openSocket(ctx context.Context, c *client) (io.Closer, error) {
	conn, response, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(c.base, "http")+"/test/v1/streams/repeat/7", nil)
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := conn.Read(ctx); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	return closer(conn.CloseNow), nil
}

type closer func() error

func (c closer) Close() error { return c() }

// openEventsOverQUIC is openEvents on a connection of QUIC for each client. All have one socket: what is measured is the gateway.
func openEventsOverQUIC(t *testing.T) func(context.Context, *client) (io.Closer, error) {
	t.Helper()
	socket, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shared := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		_ = shared.Close()
		_ = socket.Close()
	})
	return func(ctx context.Context, at *client) (io.Closer, error) {
		own := &http3.Transport{TLSClientConfig: trusting(), DisableCompression: true}
		own.Dial = func(ctx context.Context, addr string, tlsConfig *tls.Config, cfg *quic.Config) (*quic.Conn, error) {
			to, err := net.ResolveUDPAddr("udp", addr)
			if err != nil {
				return nil, err
			}
			return shared.Dial(ctx, to, tlsConfig, cfg)
		}
		events, err := openEvents(ctx, &client{name: at.name, base: at.base, http: &http.Client{Transport: own}})
		if err != nil {
			_ = own.Close()
			return nil, err
		}
		return closer(func() error { return errors.Join(events.Close(), own.Close()) }), nil
	}
}
