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

// nodeCases are those of clients in Node, in clear text and over TLS.
func nodeCases() []row {
	// gRPC's own client.
	all := each([]string{"grpc-js "},
		row{"unary", "T164, T166, T182: metadata of all kinds both ways"},
		row{"client stream", "T180"},
		row{"server stream", "T180, T182"},
		row{"server stream as it comes", "T140, T177: each message arrives at once, and leaving cancels the backend's call"},
		row{"both ways", "T180: each answer comes before the next question"},
		row{"error", "T182: code, message, details and trailers"},
		row{"error of a stream after messages", "T182"},
		row{"unknown method", "T181"},
		row{"deadline", "T173, T175"},
		row{"cancel", "T177"},
		row{"cancel both ways", "T177"},
		row{"gzip", "T182: what is compressed passes"},
		row{"too large", "T196"},
		row{"keepalive", "PINGs of both sides, with calls and without"},
	)
	// @connectrpc/connect-node, in the protocols that it speaks.
	both := row{"both ways", "T180, T190: each answer comes before the next question"}
	rest := []row{
		{"unary", "T180"},
		{"client stream", "T143, T180"},
		{"error of a stream after messages", "T182, T184, T190: the messages, then the error with its details"},
		{"cancel", "T177"},
	}
	clients := []string{"connect-node, connect+proto: ", "connect-node, connect+json: ", "connect-node, grpc: ", "connect-node, grpc-web: "}
	all = append(all, each(clients, append(rest, both)...)...)
	return append(all, each([]string{"connect-node, connect over HTTP/1.1: "}, rest...)...)
}

// TestNode: gRPC's own client for Node, and Connect's, in clear text and over TLS.
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
