// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

// sseRetry is how long the browser waits before it connects again.
const sseRetry = 20 * time.Millisecond

// browserWorld is what browser.js is told.
type browserWorld struct {
	Chromium string      `json:"chromium"`
	Pin      string      `json:"pin"`
	Hosts    string      `json:"hosts,omitempty"`
	Gateway  string      `json:"gateway"`
	Version  string      `json:"version,omitempty"` // of HTTP, as the browser calls it
	Pages    []pageWorld `json:"pages,omitempty"`
}

// pageWorld is a page and the cases that run there.
type pageWorld struct {
	Origin string `json:"origin"`
	Group  string `json:"group"`
}

// TestBrowser: pages of other origins than the gateway's call it with what pages have, in clear text, over TLS and over HTTP/3.
func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name, scheme, version string
		tls                   bool
		protocols             []string // of the listener; those that it has by itself where there are none
	}{
		{"HTTP1", "http://", "http/1.1", false, nil},
		{"HTTP2_with_TLS", "https://", "h2", true, nil},
		{"HTTP3", "https://", "h3", true, []string{transport.HTTP1, transport.HTTP3}},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			known := newCertificate(t)
			b := testbackend.Run(t, testbackend.Config{Name: "b1"})
			s := &site{descriptors: descriptorsOf(t, "dragoman.test.v1"), backend: b, scripts: filepath.Join(javascript(t), "built")}
			var ofPages *certificate
			p := &params{schemas: "dragoman/test", backends: []string{b.Address()}}
			if v.tls {
				ofPages, p.tls = known, &transport.TLS{Cert: known.cert, Key: known.key}
			}
			page, stranger := s.open(t, ofPages), s.open(t, ofPages)
			p.policy = config.Policy{
				CORS:    &cors.Config{AllowOrigins: []string{page}, AllowCredentials: true, AllowHeaders: []string{"x-asked", "x-asked-bin"}},
				Headers: headers.Config{Allow: []string{"cookie"}},
			}
			p.policy.REST.SSERetry = sseRetry
			p.edit = func(c *config.Config) {
				c.Listeners[0].Protocols = v.protocols
				c.Services = append(c.Services,
					serviceFor(t, "dragoman.test.v1.PublicService", "*"), serviceFor(t, "dragoman.test.v1.AdminService", stranger))
			}
			s.gateway = startGateway(t, p)
			run(t, "browser.js", browserWorld{
				Chromium: chromium(t), Pin: known.pin, Gateway: v.scheme + s.gateway.address, Version: v.version,
				Pages: []pageWorld{{page, "page"}, {stranger, "stranger"}},
			}, browserCases())
		})
	}
}

// serviceFor is a service with its own policy: pages of one origin may call it.
func serviceFor(t *testing.T, name, origin string) config.Service {
	t.Helper()
	match, err := config.ParseGlob(name)
	if err != nil {
		t.Fatal(err)
	}
	return config.Service{Match: match, Backend: "test", Policy: config.Policy{CORS: &cors.Config{AllowOrigins: []string{origin}}}}
}

// chromium returns the browser of this machine.
func chromium(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("this test needs the browser of Debian's package chromium (make programs): %v", err)
	}
	return path
}
