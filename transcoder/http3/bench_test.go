// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http3_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	quichttp3 "github.com/quic-go/quic-go/http3"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/http3"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// BenchmarkUnary is a small POST and its answer, the client's part included: on this Exchange, and on that of net/http behind quic-go's own
// server, which is what it saves.
func BenchmarkUnary(b *testing.B) {
	serve := func(ex transcoder.Exchange) {
		for {
			buf, err := ex.Read()
			if buf != nil {
				buf.Free()
			}
			if err != nil {
				break
			}
		}
		out := &transcoder.Out{Status: 200, End: transcoder.EndClean}
		out.Header = wire.Header{{Name: "content-type", Value: "application/json"}, {Name: "x-request-id", Value: "06H1HPXM0SQ2WSKQ7WZMNYXTTW"}}
		_ = ex.Write(out)
	}
	serverTLS := &tls.Config{Certificates: []tls.Certificate{identity}, NextProtos: []string{http3.NextProto}} //nolint:gosec // QUIC has TLS 1.3
	for _, server := range []struct {
		name string
		run  func(l *quic.Listener)
	}{
		{"exchange", func(l *quic.Listener) {
			cfg := &http3.Config{MaxHeader: 32 << 10, HeaderTimeout: time.Minute, WriteStall: time.Minute, IdleTimeout: time.Hour, Serve: serve, Log: slog.New(slog.DiscardHandler)}
			for {
				conn, err := l.Accept(context.Background())
				if err != nil {
					return
				}
				go http3.NewConn(conn, cfg, time.Hour).Serve()
			}
		}},
		{"net/http", func(l *quic.Listener) {
			s := &quichttp3.Server{Handler: nethttp.Handler(nethttp.Config{}, serve)}
			for {
				conn, err := l.Accept(context.Background())
				if err != nil {
					return
				}
				go func() { _ = s.ServeQUICConn(conn) }()
			}
		}},
	} {
		b.Run(server.name, func(b *testing.B) {
			socket, err := (&net.ListenConfig{}).ListenPacket(b.Context(), "udp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = socket.Close() }()
			transport := &quic.Transport{Conn: socket}
			defer func() { _ = transport.Close() }()
			listener, err := transport.Listen(serverTLS, nil)
			if err != nil {
				b.Fatal(err)
			}
			go server.run(listener)
			client := &quichttp3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // nothing is secret
			defer func() { _ = client.Close() }()
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "https://"+socket.LocalAddr().String()+"/", strings.NewReader(`{"name":"shelves/classics"}`))
				if err != nil {
					b.Fatal(err)
				}
				response, err := client.RoundTrip(r)
				if err != nil || response.StatusCode != http.StatusOK {
					b.Fatal(response, err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
}
