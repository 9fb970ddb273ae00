// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"testing"
	"time"

	_ "google.golang.org/grpc/encoding/gzip" // of the backend

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// nodeWorld is what node.js is told.
type nodeWorld struct {
	Gateway   string `json:"gateway"` // host:port
	Site      string `json:"site"`
	Authority string `json:"authority,omitempty"` // PEM file; none in clear text
}

// nodeCases are those of gRPC's client for JavaScript, in clear text and over TLS.
func nodeCases() []row {
	return []row{
		{"unary", "T164, T166, T182: metadata of all kinds both ways"},
		{"client stream", "T180"},
		{"server stream", "T180, T182"},
		{"server stream as it comes", "T140, T177: each message arrives at once, and leaving cancels the backend's call"},
		{"both ways", "T180: each answer comes before the next question"},
		{"error", "T182: code, message, details and trailers"},
		{"error of a stream after messages", "T182"},
		{"unknown method", "T181"},
		{"deadline", "T173, T175"},
		{"cancel", "T177"},
		{"cancel both ways", "T177"},
		{"gzip", "T182: what is compressed passes"},
		{"too large", "T196"},
		{"keepalive", "PINGs of both sides, with calls and without"},
	}
}

// TestNode: gRPC's own client for Node, in clear text and over TLS.
func TestNode(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name string
		tls  bool
	}{{"clear_text", false}, {"TLS", true}} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			b := testbackend.Run(t, testbackend.Config{Name: "b1"})
			p := &params{schemas: "dragoman/test", backends: []string{b.Address()}}
			world := nodeWorld{}
			if v.tls {
				known := newCertificate(t)
				p.tls, world.Authority = &transport.TLS{Cert: known.cert, Key: known.key}, known.authority
			}
			// The gateway asks as often as the client does, and lets the backend have what is compressed.
			p.edit = func(c *config.Config) {
				c.Backends[0].Gzip = true
				c.Listeners[0].PingAfter, c.Listeners[0].PingTimeout = 20*time.Millisecond, patience
			}
			s := &site{descriptors: descriptorsOf(t, "dragoman.test.v1"), backend: b, gateway: startGateway(t, p)}
			world.Gateway, world.Site = s.gateway.address, s.open(t, nil)
			run(t, "node.js", world, nodeCases())
		})
	}
}
