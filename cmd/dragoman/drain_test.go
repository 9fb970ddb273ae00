// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// promptly is how long it may take to end at once.
const promptly = 5 * time.Second

// draining waits until the gateway says that it is not ready, and checks that it accepts no new connections while it is alive.
func draining(t *testing.T, admin, address string) {
	t.Helper()
	eventually(t, patience, func() string {
		if code, body := get(t, admin+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "shutting down") {
			return "readyz: " + body
		}
		return ""
	})
	eventually(t, patience, func() string {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return ""
		}
		_ = conn.Close()
		return address + " still accepts connections"
	})
	wantAnswer(t, admin+"/livez", http.StatusOK, "ok")
}

func TestSignalDrains(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := startDev(t, t.TempDir(), "--to", startBackend(t))
			s := p.screen()
			stream := openStream(t, s.api)
			wantAnswer(t, s.admin+"/readyz", http.StatusOK, `"status":"ok"`)
			p.signal(signal)
			draining(t, s.admin, strings.TrimPrefix(s.api, "http://"))
			if err := stream.Close(); err != nil {
				t.Fatal(err)
			}
			p.exits(0)
			// The line of the call that was waited for is in the log.
			p.says(p.out, `  GET /v1/books:watch  `)
		})
	}
}

func TestSignalEndsAtOnceWhenNothingIsUnderWay(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir(), "--to", startBackend(t))
	p.screen()
	p.signal(os.Interrupt)
	if took := p.exits(0); took > promptly {
		t.Errorf("it took %s to end; want %s or less", took, promptly)
	}
}

func TestSecondSignalForces(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir(), "--to", startBackend(t))
	s := p.screen()
	openStream(t, s.api)
	p.signal(os.Interrupt)
	draining(t, s.admin, strings.TrimPrefix(s.api, "http://"))
	p.signal(os.Interrupt)
	if took := p.exits(4); took > promptly {
		t.Errorf("it took %s to end at once; want %s or less", took, promptly)
	}
	p.says(p.err, `^error: stopped at once, as asked; calls that were under way are lost$`)
}

func TestDrainTimeIsOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "dragoman.yaml", `version: v1
listeners: [{name: public, address: "127.0.0.1:0"}]
schemas: {sources: [{reflection: {backend: books}}]}
backends: {books: {target: "`+startBackend(t)+`"}}
services: [{match: "**", backend: books}]
admin: {address: "127.0.0.1:0"}
shutdown: {drain: 300ms}
`)
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	s := p.serving()
	openStream(t, "http://"+s.Listeners["public"])
	p.signal(syscall.SIGTERM)
	if took := p.exits(4); took > promptly {
		t.Errorf("it took %s to end; want 300ms and a moment", took)
	}
	p.says(p.err, `^error: calls were still under way after 300ms and were cut off$`)
}

// TestDelayServesOn: within shutdown.delay the gateway is not ready, and yet serves: load balancers need that long to notice.
func TestDelayServesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "dragoman.yaml", `version: v1
listeners: [{name: public, address: "127.0.0.1:0"}]
schemas: {sources: [{reflection: {backend: books}}]}
backends: {books: {target: "`+startBackend(t)+`"}}
services: [{match: "**", backend: books}]
admin: {address: "127.0.0.1:0"}
shutdown: {delay: 1h}
`)
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	s := p.serving()
	wantAnswer(t, "http://"+s.Admin+"/readyz", http.StatusOK, `"status":"ok"`)
	p.signal(syscall.SIGTERM)
	eventually(t, patience, func() string {
		if code, body := get(t, "http://"+s.Admin+"/readyz"); code != http.StatusServiceUnavailable {
			return "readyz: " + body
		}
		return ""
	})
	wantAnswer(t, "http://"+s.Listeners["public"]+"/v1/shelves", http.StatusOK, "shelves/classics")
	wantAnswer(t, "http://"+s.Admin+"/livez", http.StatusOK, "ok")
	// A second signal ends the wait.
	p.signal(syscall.SIGTERM)
	if took := p.exits(4); took > promptly {
		t.Errorf("it took %s to end at once; want %s or less", took, promptly)
	}
}

// TestSignalDuringTheStart: who gives up while a backend keeps us waiting need not wait for it.
func TestSignalDuringTheStart(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	p := startDev(t, t.TempDir(), "--to", silent.Addr().String())
	conn, err := silent.Accept() // the start is under way, and no answer comes
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	p.signal(os.Interrupt)
	if took := p.exits(0); took > promptly {
		t.Errorf("it took %s to end; want %s or less", took, promptly)
	}
}
