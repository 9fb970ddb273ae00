// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/extauthz"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// Threat C13, fault 28: whatever a service of Envoy's ext_authz does that is no answer, nothing arrives, by any protocol, and no client is told more than that
// it is so. Where the configuration says to fail open, that is for a service that does not answer, and not for one whose answer makes no sense.
func TestThreatC13ExtAuthzThroughEveryProtocol(t *testing.T) {
	t.Parallel()
	const yes = "\x0a\x00\x1a\x00" // an OK status, and what to do with the request: nothing
	for _, tt := range evil(yes) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := runSwitchable(t, sendsRaw(yes))
			provider := func(name string, open bool) config.AuthProvider {
				return config.AuthProvider{Name: name, ExtAuthz: &extauthz.Config{Name: name, Backend: "authz", Timeout: 200 * time.Millisecond, InsecureFailOpen: open}}
			}
			d := start(t, func(c *config.Config) {
				c.Backends = append(c.Backends, at(t, "authz", s.address))
				c.Auth.Providers = []config.AuthProvider{provider("closed", false), provider("open", true)}
				c.Defaults.Auth = []string{"closed"}
				users, err := config.ParseGlob("dragoman.test.v1.UserService")
				if err != nil {
					t.Fatal(err)
				}
				c.Services = append([]config.Service{{Match: users, Backend: "test", Policy: config.Policy{Auth: []string{"open"}}}}, c.Services...)
			})
			c := d.h1(t)
			served := func() error {
				if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
					return fmt.Errorf("while it is good: %d %s", a.status, a.body)
				}
				return nil
			}
			eventually(t, served)
			if tt.instead == nil {
				s.stop()
			} else {
				s.instead.Store(&tt.instead)
			}
			for i, w := range ways {
				got, made := d.decide(t, w, canaryEcho, fmt.Sprintf("evil-%d", i))
				if made && (got.Arrived != 0 || got.Code != "UNAVAILABLE" || got.Reason != "auth_unavailable") {
					t.Errorf("%s: %+v", w.name, got)
				}
				if r := d.access.await(t, fmt.Sprintf("evil-%d", i)); strings.Contains(r.Message, s.address) {
					t.Errorf("%s: the client is told %q", w.name, r.Message)
				}
				got, made = d.decide(t, w, canaryUser, fmt.Sprintf("open-%d", i))
				if made && (got.Arrived != 1 || got.Code != "OK" || got.Subject == "alice") {
					t.Errorf("%s, open: %+v", w.name, got)
				}
			}
			if tt.instead == nil {
				s.run(t)
			}
			s.instead.Store(nil)
			eventually(t, served)
		})
	}
	// An answer that cannot be read is none, and an answer all the same: it refuses, also where it may fail open.
	for name, answer := range map[string]string{"a denial": "\x12\x00", "nothing": "", "another status": "\x0a\x02\x08\x07\x1a\x00"} {
		s := runSwitchable(t, sendsRaw(answer))
		d := start(t, func(c *config.Config) {
			c.Backends = append(c.Backends, at(t, "authz", s.address))
			c.Auth.Providers = []config.AuthProvider{{Name: "open", ExtAuthz: &extauthz.Config{Name: "open", Backend: "authz", Timeout: patience / 4, InsecureFailOpen: true}}}
			c.Defaults.Auth = []string{"open"}
		})
		none(t, d.arrivals(func() {
			if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status < 400 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}))
	}
}

// Fault 28: a service that has stopped costs a call its time, 200 ms, and after a few calls nothing; it is asked again soon after it goes on.
func TestFault28ExtAuthzStops(t *testing.T) {
	const timeout = 200 * time.Millisecond
	s := runSwitchable(t, sendsRaw("\x0a\x00\x1a\x00"))
	d := start(t, func(c *config.Config) {
		c.Backends = append(c.Backends, at(t, "authz", s.address))
		c.Auth.Providers = []config.AuthProvider{{Name: "legacy", ExtAuthz: &extauthz.Config{Name: "legacy", Backend: "authz", Timeout: timeout}}}
		c.Defaults.Auth = []string{"legacy"}
	})
	c := d.h1(t)
	call := func() (status int, took time.Duration) {
		began := time.Now()
		a := c.call(t, "GET", "/canary/v1/echo", "")
		return a.status, time.Since(began)
	}
	served := func() error {
		if status, _ := call(); status != 200 {
			return fmt.Errorf("while it answers: %d", status)
		}
		return nil
	}
	eventually(t, served)
	stops := func(s grpc.ServerStream) error { <-s.Context().Done(); return s.Context().Err() }
	s.instead.Store(&stops)
	began, longest := time.Now(), time.Duration(0)
	quick := 0
	none(t, d.arrivals(func() {
		for quick < 20 {
			status, took := call()
			if status != 503 {
				t.Errorf("while it has stopped: %d", status)
			}
			longest = max(longest, took)
			if took < timeout/4 {
				quick++
			}
			if time.Since(began) > patience {
				t.Fatal("calls go on waiting for it")
			}
		}
	}))
	opened := time.Since(began)
	var took []time.Duration
	for range 50 {
		_, d := call()
		took = append(took, d)
	}
	slices.Sort(took)
	s.instead.Store(nil)
	back := time.Now()
	eventually(t, served)
	recovered, p90 := time.Since(back), took[len(took)*9/10]
	t.Logf("the longest refusal took %s, the breaker was open after %s, then nine in ten took %s at most; it was asked again after %s", longest, opened, p90, recovered)
	// One call in a while tries it, and waits for that.
	if faults.Held() && (longest > 220*time.Millisecond || opened > 2*time.Second || p90 > 5*time.Millisecond || recovered > 2*time.Second) {
		t.Error("want 220ms, 2s, 5ms and 2s at most")
	}
}

// Threat C13: bytes that are not UTF-8, wherever in a request, do not get a call by the service: it is refused, or the service has decided on it.
func TestThreatC13RequestsThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	deny := func(s grpc.ServerStream) error {
		asked.Add(1)
		return sendsRaw("\x0a\x02\x08\x07")(s)
	}
	s := runSwitchable(t, deny)
	d := start(t, func(c *config.Config) {
		c.Backends = append(c.Backends, at(t, "authz", s.address))
		c.Auth.Providers = []config.AuthProvider{{Name: "open", ExtAuthz: &extauthz.Config{Name: "open", Backend: "authz", Timeout: patience / 4, InsecureFailOpen: true}}}
		c.Defaults.Auth = []string{"open"}
		c.Listeners[0].DropInvalidHeaders = true
	})
	none(t, d.arrivals(func() {
		for _, odd := range []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", "%ff", "%C0%AF", "\x80\x81", "\u00e9", "\u0085", "%c2%85"} {
			for name, request := range map[string]string{
				"path":    "GET /canary/v1/users/" + odd + " HTTP/1.1\r\nHost: a\r\n\r\n",
				"query":   "GET /canary/v1/echo?text=" + odd + " HTTP/1.1\r\nHost: a\r\n\r\n",
				"field":   "GET /canary/v1/echo HTTP/1.1\r\nHost: a\r\nX-Odd: " + odd + "\r\n\r\n",
				"agent":   "GET /canary/v1/echo HTTP/1.1\r\nHost: a\r\nUser-Agent: " + odd + "\r\n\r\n",
				"host":    "GET /canary/v1/echo HTTP/1.1\r\nHost: " + odd + "\r\n\r\n",
				"id":      "GET /canary/v1/echo HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + odd + "\r\n\r\n",
				"cookie":  "GET /canary/v1/echo HTTP/1.1\r\nHost: a\r\nCookie: a=" + odd + "\r\n\r\n",
				"bearer":  "GET /canary/v1/echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + odd + "\r\n\r\n",
				"rpc":     "POST " + canaryEcho + "?" + odd + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
				"webtext": "POST " + canaryEcho + " HTTP/1.1\r\nHost: a\r\nX-Odd: " + odd + "\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 5\r\n\r\n\x00\x00\x00\x00\x00",
			} {
				a, err := d.rawH1(t, request)
				if err == nil && a.status < 400 && a.grpcStatus() != "7" {
					t.Errorf("%q in the %s: %d %s %s", odd, name, a.status, a.grpcStatus(), a.body)
				}
			}
			p := d.probe(t)
			if a, err := p.get("GET", "/canary/v1/echo?text="+odd, "x-odd", odd); err == nil && a.status < 400 {
				t.Errorf("%q over HTTP/2: %d %s", odd, a.status, a.body)
			}
			_ = p.conn.Close()
		}
	}))
	if asked.Load() == 0 {
		t.Error("the service was never asked")
	}
	if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status != 403 {
		t.Errorf("a plain request afterwards: %d", a.status)
	}
}
