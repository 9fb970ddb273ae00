// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"strconv"
	"strings"
	"testing"

	ws "github.com/coder/websocket"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
)

// countedPolicies are policies that count, as the file has them. MOST is replaced.
const countedPolicies = `rate_limits: {max_websockets: MOST}
authorization:
  rules:
    - {name: never, match: dragoman.test.v1.PublicService/Get, allow: "1 == 2"}
    - {name: trial, match: dragoman.test.v1.EchoService/Echo, allow: "1 == 2", dry_run: true}
`

// A reload of the configuration forgets neither the WebSockets that are open (threat F7) nor what rules of authorisation refused, and what
// is told of both is that of the configuration in force.
func TestConfigurationReloadsForgetNoCounts(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	reload := func(text string) {
		t.Helper()
		g.write(text)
		if e := g.next(); e.Err != nil || !e.Applied {
			t.Fatalf("the reload: %+v", e)
		}
	}
	with := func(most, timeout string) string {
		return g.with("b1", timeout, strings.Replace(countedPolicies, "MOST", most, 1))
	}
	reload(with("3", "15s"))
	open := func() *talk {
		t.Helper()
		k, a, err := g.tryConnect(t, echo+"Converse", nil)
		if err != nil {
			t.Fatalf("%d: %v", a.status, err)
		}
		k.send("{}")
		k.next(ws.MessageText)
		return k
	}
	full := func(when string) {
		t.Helper()
		if k, a, err := g.tryConnect(t, echo+"Converse", nil); err == nil || a.status != 429 {
			t.Errorf("%s: one more is open: %d", when, a.status)
			if err == nil {
				_ = k.conn.CloseNow()
			}
		}
	}
	told := func(when string, want ...authz.State) {
		t.Helper()
		got := g.started.Authorization()
		if len(got) != len(want) {
			t.Fatalf("%s: it is told %+v; want %+v", when, got, want)
		}
		families := g.scrape(t)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: it is told %+v; want %+v", when, got[i], want[i])
			}
			labels := []string{"rule", want[i].Rule, "dry_run", strconv.FormatBool(want[i].DryRun)}
			if n := sample(families, "dragoman_authorization_refused_total", labels...); n != float64(want[i].Refused) {
				t.Errorf("%s: Prometheus is told of %v for %v; want %d", when, n, labels, want[i].Refused)
			}
		}
	}
	c := g.h1(t)
	refuse := func() {
		t.Helper()
		if a := c.call(t, "GET", "/canary/v1/public", ""); a.status != 403 {
			t.Errorf("the rule answers %d", a.status)
		}
		if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
			t.Errorf("the rule on trial answers %d", a.status)
		}
	}
	sockets := []*talk{open(), open(), open()}
	full("before a reload")
	refuse()
	told("before a reload", authz.State{Rule: "never", Refused: 1}, authz.State{Rule: "trial", DryRun: true, Refused: 1})

	reload(with("3", "16s")) // something else
	full("after a reload")
	refuse()
	told("after a reload", authz.State{Rule: "never", Refused: 2}, authz.State{Rule: "trial", DryRun: true, Refused: 2})

	reload(with("2", "16s")) // the limit itself
	full("after the limit was lowered")
	if err := sockets[0].conn.Close(ws.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	full("two are open, of which two may be")
	if err := sockets[1].conn.Close(ws.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	eventually(t, func() error {
		k, _, err := g.tryConnect(t, echo+"Converse", nil)
		if err == nil {
			return k.conn.Close(ws.StatusNormalClosure, "")
		}
		return err
	})
}
