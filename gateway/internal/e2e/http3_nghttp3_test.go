// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
)

// gtlsclient runs the client of ngtcp2 and nghttp3, which have no code in common with ours, and returns what it printed. It does not look at
// certificates.
func (d *dragoman) gtlsclient(t *testing.T, target string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("gtlsclient")
	if err != nil {
		t.Fatalf("this test needs the client of Debian's package ngtcp2-client (make programs): %v", err)
	}
	host, port, err := net.SplitHostPort(d.secure)
	if err != nil {
		t.Fatal(err)
	}
	args = append(args, "--no-quic-dump", "--exit-on-all-streams-close", host, port, "https://"+d.secure+target)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	printed, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("gtlsclient %v: %v\n%s", args, err, printed)
	}
	return string(printed)
}

// TestClientOfNghttp3: another implementation of QUIC, HTTP/3 and QPACK is served, through losses and changes of its address too.
func TestClientOfNghttp3(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, tt := range []struct {
		name, target string
		args         []string
		status, body string
	}{
		{"a call", "/canary/v1/echo?text=said", nil, "200", `"text":"said"`},
		{"no route", "/nowhere", nil, "404", `"code":5`},
		{"a method that is not allowed", "/test/v1/things/1", []string{"-m", "TRACE"}, "405", ""},
		{"packets are lost both ways", "/canary/v1/echo?text=said", []string{"-t", "0.05", "-r", "0.05"}, "200", `"text":"said"`},
		{"it changes its port, and its keys", "/canary/v1/echo?text=said", []string{"--change-local-addr=50ms", "--nat-rebinding", "--key-update=100ms", "--delay-stream=200ms"}, "200", `"text":"said"`},
		{"it changes its address and says so", "/canary/v1/echo?text=said", []string{"--change-local-addr=50ms", "--delay-stream=200ms"}, "200", `"text":"said"`},
		{"a small window", "/canary/v1/stream?behavior.messages=500", []string{"--max-stream-data-bidi-local=2K", "--max-stream-window=2K"}, "200", `"sequence":500`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			printed := d.gtlsclient(t, tt.target, append(tt.args, "--no-http-dump", "--download="+folder)...)
			if !strings.Contains(printed, "[:status: "+tt.status+"]") {
				t.Errorf("no status %s:\n%s", tt.status, printed)
			}
			files, err := filepath.Glob(folder + "/*")
			if err != nil || len(files) != 1 {
				t.Fatalf("%v, %v:\n%s", files, err, printed)
			}
			if body, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(body), tt.body) {
				t.Errorf("%v; the body ends with %q", err, body[max(0, len(body)-200):])
			}
		})
	}
	t.Run("a body", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "body")
		if err := os.WriteFile(name, []byte(strings.Repeat("0123456789abcdef", 64<<10)), 0o600); err != nil {
			t.Fatal(err)
		}
		if printed := d.gtlsclient(t, "/test/v1/streams/upload", "-m", "POST", "-d", name); !strings.Contains(printed, "[:status: 200]") {
			t.Errorf("%s", printed)
		}
	})
	t.Run("it goes away", func(t *testing.T) {
		const held = binding + "Get"
		release := d.backend.Hold(held)
		defer release()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			host, port, _ := net.SplitHostPort(d.secure)
			_ = exec.CommandContext(ctx, "gtlsclient", "-q", "--timeout=1s", host, port, "https://"+d.secure+"/test/v1/things/1").Run()
		}()
		if _, err := d.backend.Wait(within(t), held, func(n testbackend.Counts) bool { return n.Running == 1 }); err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		cancel() // it is killed, and says nothing
		<-ended
		if _, err := d.backend.Wait(within(t), held, func(n testbackend.Counts) bool { return n.Cancelled == 1 }); err != nil {
			t.Errorf("after %s: %v", time.Since(from), err)
		}
	})
}
