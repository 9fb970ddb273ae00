// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
)

// Threat F7: a caller has so many WebSockets open, whatever else they call; others have theirs, and places come back when one ends, whoever ends it, and when its
// client is silent. A reload forgets none.
func TestThreatF7WebSocketsOfOneCaller(t *testing.T) {
	t.Parallel()
	const most = 5
	key := jwttest.NewKey(t, "k", "ES256")
	folder, files := newTree(t)
	d := start(t, func(c *config.Config) {
		canaryAuth(t, c, jwtProvider(t, "mobile", nil, key))
		c.RateLimits.MaxWebSockets = most
		c.Listeners[0].Heartbeat = 100 * time.Millisecond
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
	})
	bearer := func(who string) []string {
		return []string{"authorization", "Bearer " + key.Token(who, map[string]any{"tenant": "t1"})}
	}
	open := func(fields ...string) *talk {
		t.Helper()
		k, a, err := d.tryConnect(t, echo+"Converse", nil, fields...)
		if err != nil {
			t.Fatalf("%d: %v", a.status, err)
		}
		k.send("{}")
		k.next(ws.MessageText)
		return k
	}
	refused := func(when string, fields ...string) {
		t.Helper()
		arrived := d.arrivals(func() {
			_, a, err := d.tryConnect(t, echo+"Converse", nil, append([]string{"x-request-id", "f7"}, fields...)...)
			if err == nil || a.status != 429 || a.header.Get("X-Dragoman-Reason") != "too_many_in_flight" || a.header.Get("Retry-After") != "1" {
				t.Errorf("%s: one more: %d %v, %v", when, a.status, a.header, err)
			}
		})
		none(t, arrived)
	}
	free := func(when string, fields ...string) {
		t.Helper()
		eventually(t, func() error {
			k, a, err := d.tryConnect(t, echo+"Converse", nil, fields...)
			if err != nil {
				return fmt.Errorf("%s: %d", when, a.status)
			}
			return k.conn.Close(ws.StatusNormalClosure, "")
		})
	}
	var alice []*talk
	for range most {
		alice = append(alice, open(bearer("alice")...))
	}
	refused("all are open", bearer("alice")...)
	if r := d.access.await(t, "f7"); r.Rule != "websockets" || r.Subject != "alice" {
		t.Errorf("the log says %+v", r)
	}
	open(bearer("eve")...)
	if a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", bearer("alice")...); a.status != 200 {
		t.Errorf("a call of the same caller: %d", a.status)
	}
	// Reloads.
	text, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	files.write(t, strings.Replace(string(text), `get: "/canary/v1/public"`, `get: "/canary/v2/public"`, 1))
	d.reloaded(t, d.started.Load.Snapshot)
	refused("after a reload", bearer("alice")...)
	// The client ends it, well and badly.
	if err := alice[0].conn.Close(ws.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	free("after one was closed", bearer("alice")...)
	_ = alice[1].conn.CloseNow()
	free("after one was cut off", bearer("alice")...)
	// Silent ones, which answer no ping.
	for _, k := range alice[2:] {
		_ = k.conn.CloseNow()
	}
	free("after all were cut off", bearer("alice")...)
	head := "GET " + echo + "Converse HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: " + bearer("mallory")[1] + "\r\n\r\n"
	silent := make([]io.Reader, most)
	for i := range silent {
		s := d.socket(t)
		if _, err := io.WriteString(s, head); err != nil {
			t.Fatal(err)
		}
		one := make([]byte, len("HTTP/1.1 101"))
		if _, err := io.ReadFull(s, one); err != nil || !strings.HasSuffix(string(one), "101") {
			t.Fatalf("%s, %v", one, err)
		}
		silent[i] = s
	}
	for _, s := range silent {
		if _, err := io.Copy(io.Discard, s); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("a silent one is not closed: %v", err)
		}
	}
	free("after the silent ones were closed", bearer("mallory")...)
}
