// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http1_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http1"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// BenchmarkRequest compares the two Exchanges of HTTP/1.1. The client, which is the same for both, allocates nothing.
func BenchmarkRequest(b *testing.B) {
	const (
		get  = "GET /v1/shelves/1/books/2 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: h2load nghttp2/1.52.0\r\nAccept: */*\r\n\r\n"
		post = "POST /v1/shelves/1/books HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: h2load nghttp2/1.52.0\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n" +
			`{"name":"shelves/classics"}`
	)
	body := mem.SliceBuffer(strings.Repeat("x", 300))
	fields := wire.Header{
		{Name: "content-type", Value: "application/json"},
		{Name: "x-content-type-options", Value: "nosniff"},
		{Name: "x-request-id", Value: "06H1HPXM0SQ2WSKQ7WZMNYXTTW"},
		{Name: "content-length", Value: "300"},
	}
	serve := func(ex transcoder.Exchange) {
		_ = ex.Context()
		for ex.Request().ContentLength != 0 {
			buf, err := ex.Read()
			if buf != nil {
				buf.Free()
			}
			if err != nil {
				break
			}
		}
		_ = ex.Write(&transcoder.Out{Status: 200, Header: fields, Data: mem.BufferSlice{body}, End: transcoder.EndClean})
	}
	for _, server := range []struct {
		name string
		run  func(l net.Listener)
	}{
		{"http1", func(l net.Listener) {
			cfg := plain(serve)
			cfg.Log = slog.New(slog.DiscardHandler)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go http1.NewConn(conn, &cfg, time.Now().Add(time.Hour), nil).Serve(time.Now().Add(time.Minute))
			}
		}},
		{"net/http", func(l net.Listener) {
			s := &http.Server{Handler: nethttp.Handler(nethttp.Config{}, serve), ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute}
			_ = s.Serve(l)
		}},
	} {
		for name, request := range map[string]string{"get": get, "post": post} {
			b.Run(name+"/"+server.name, func(b *testing.B) {
				l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = l.Close() }()
				go server.run(l)
				b.ReportAllocs()
				b.SetParallelism(8)
				before := processorTime(b)
				b.RunParallel(func(pb *testing.PB) {
					c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.Addr().String())
					if err != nil {
						b.Error(err)
						return
					}
					defer func() { _ = c.Close() }()
					r, out := bufio.NewReader(c), []byte(request)
					for pb.Next() {
						if _, err := c.Write(out); err != nil {
							b.Error(err)
							return
						}
						if err := skipAnswer(r, 300); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// processorTime is what the process has taken of it, clients included.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// skipAnswer reads an answer whose body has n bytes.
func skipAnswer(r *bufio.Reader, n int) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == len("\r\n") {
			break
		}
	}
	_, err := r.Discard(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
