// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// An operator takes a server out under load, gives it another weight and puts it back: no call fails, and what was asked for is
// done and shown.
func TestDrainAndWeightUnderLoad(t *testing.T) {
	t.Parallel()
	all := servers(t, 2)
	d := start(t, "endpoints: "+listed(all)+"\nload_balancing: {policy: weighted_round_robin}")
	d.ready(t, all...)
	b := d.started.Backend("test")
	l := d.startLoad(t, 3)
	out, address := all[0], all[0].Address()
	for range 3 {
		if err := b.Drain(address); err != nil {
			t.Fatal(err)
		}
		if s := d.states()[address]; s.State != "draining" || s.Reason != "drained" || s.Since.IsZero() {
			t.Errorf("a drained server is shown as %+v", s)
		}
		eventually(t, func() error {
			if n := d.states()[address].InFlight; n > 0 {
				return fmt.Errorf("%d calls are in flight on a server that is drained", n)
			}
			return nil
		})
		before := l.of(out)
		l.reaches(t, all[1])
		if n := l.of(out) - before; n > 1 { // an answer that its client had not counted yet
			t.Errorf("a drained server has had %d calls", n)
		}
		if d.states()[address].Connections == 0 {
			t.Error("a drained server has lost its connection")
		}
		if err := b.Undrain(address); err != nil {
			t.Fatal(err)
		}
		l.reaches(t, out)
	}
	if err := b.SetWeight(address, 9); err != nil {
		t.Fatal(err)
	}
	if w := d.states()[address].Weight; w != 9 {
		t.Errorf("the weight is shown as %v; want 9", w)
	}
	first, second := l.of(out), l.of(all[1])
	eventually(t, func() error {
		if n := l.of(out) - first; n < 200 {
			return fmt.Errorf("%d calls", n)
		}
		return nil
	})
	if a, b := l.of(out)-first, l.of(all[1])-second; a < 5*b {
		t.Errorf("with weights of 9 and 1 the calls are %d and %d", a, b)
	}
	if err := b.SetWeight(address, 0); err != nil || d.states()[address].Weight != 1 {
		t.Errorf("the source's weight is not back in force: %v, %v", err, d.states()[address].Weight)
	}
	for _, wrong := range []error{b.Drain("127.0.0.1:1"), b.Undrain("127.0.0.1:1"), b.SetWeight("127.0.0.1:1", 2)} {
		if !errors.Is(wrong, backend.ErrNoEndpoint) {
			t.Errorf("an address of no server: %v", wrong)
		}
	}
	if b.Drain("nonsense") == nil || b.SetWeight(address, 1<<20) == nil {
		t.Error("nonsense is accepted")
	}
	t.Logf("%d calls", l.end(t))
}

// What is known of the backends can be read on the admin listener, by who came there on purpose.
func TestBackendsAreShown(t *testing.T) {
	t.Parallel()
	all := servers(t, 2)
	dead := freeAddress(t)
	d := start(t, fmt.Sprintf("endpoints:\n  - {address: %q, zone: a, weight: 3, labels: {version: v2}}\n  - {address: %q, priority: 1}\n  - {address: %q}\nhealth: {active: {}}",
		all[0].Address(), all[1].Address(), dead))
	all[1].Health().SetServingStatus("", healthgrpc.HealthCheckResponse_NOT_SERVING)
	eventually(t, func() error {
		s := d.states()
		if s[all[0].Address()].State != "ready" || s[all[1].Address()].State != "unhealthy" || s[dead].State != "transient failure" {
			return fmt.Errorf("the states are %+v", s)
		}
		return nil
	})
	if _, err := echo(within(t), d.client, &testv1.CanaryRequest{}); err != nil {
		t.Fatal(err)
	}
	page := func(host string) (int, string) {
		request, err := http.NewRequestWithContext(within(t), http.MethodGet, "http://"+d.started.Admin.String()+"/backends", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Host, request.Close = host, true
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	for _, host := range []string{"evil.example", "evil.example:9901", "localhost.evil.example", ""} {
		if status, body := page(host); host != "" && (status != http.StatusForbidden || strings.Contains(body, all[0].Address())) {
			t.Errorf("host %q: %d %s", host, status, body)
		}
	}
	var shown struct{ Backends []backend.Overview }
	status, body := page("localhost:9901")
	if err := json.Unmarshal([]byte(body), &shown); err != nil || status != http.StatusOK || len(shown.Backends) != 1 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	o := shown.Backends[0]
	if o.Name != "test" || o.Policy != backend.Adaptive || o.TLS || o.Source.Endpoints != 3 || o.Source.Error != "" || o.Source.Good.IsZero() ||
		o.Calls.Limit != backend.DefaultMaxInFlight || o.Calls.Breaker.Circuit != backend.CircuitClosed {
		t.Errorf("the backend is shown as %+v", o)
	}
	by := map[string]backend.EndpointState{}
	for _, e := range o.Endpoints {
		if e.Since.IsZero() || time.Since(e.Since) > patience {
			t.Errorf("%s is what it is since %v", e.Address, e.Since)
		}
		by[e.Address] = e
	}
	good, sick, away := by[all[0].Address()], by[all[1].Address()], by[dead]
	if good.Weight != 3 || good.Zone != "a" || len(good.Labels) != 1 || good.Labels[0] != "version=v2" || good.Succeeded == 0 || good.Latency <= 0 || good.Success != 1 || good.Connected != good.Address {
		t.Errorf("the good one is shown as %+v", good)
	}
	if !strings.HasPrefix(sick.Reason, "NOT_SERVING") || sick.Priority != 1 || sick.Connections != 1 {
		t.Errorf("the sick one is shown as %+v", sick)
	}
	if away.Reason != "connection refused" || away.Tries == 0 || away.Error == "" || away.Connections != 0 {
		t.Errorf("the dead one is shown as %+v", away)
	}
}

// A source that fails keeps its last good answer in force; since when it fails, and why, is shown.
func TestFailingSourceIsShown(t *testing.T) {
	t.Parallel()
	a := testbackend.Run(t, testbackend.Config{Name: "a"})
	r := fileRegistry(t, a)
	d := start(t, r.yaml)
	d.ready(t, a)
	l := d.startLoad(t, 1)
	before := time.Now()
	breakFile(t, r.yaml)
	source := func() backend.SourceState { return d.started.Overviews()[0].Source }
	eventually(t, func() error {
		if source().Error == "" {
			return errors.New("nothing is wrong with the source")
		}
		return nil
	})
	s := source()
	if !strings.Contains(s.Error, "it must be a list of endpoints") || s.Endpoints != 1 || s.Since.Before(before) || !s.Good.Before(s.Since) {
		t.Errorf("the source is shown as %+v", s)
	}
	l.reaches(t, a)
	r.set(t, a)
	eventually(t, func() error {
		if e := source().Error; e != "" {
			return errors.New(e)
		}
		return nil
	})
	if again := source(); !again.Since.After(s.Since) {
		t.Errorf("the source is well again since %v; it failed at %v", again.Since, s.Since)
	}
	t.Logf("%d calls", l.end(t))
}

// Servers that say that they are sick get no calls; when too few are well, all are used.
func TestActiveHealth(t *testing.T) {
	t.Parallel()
	for name, active := range map[string]string{"told": "{}", "asked": "{interval: 20ms, unhealthy_after: 1, healthy_after: 1}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := servers(t, 3)
			d := start(t, "endpoints: "+listed(all)+"\nload_balancing: {policy: round_robin}\nhealth: {active: "+active+"}")
			d.ready(t, all...)
			l := d.startLoad(t, 2)
			sick := func(s *testbackend.Backend, is bool) {
				state := healthgrpc.HealthCheckResponse_SERVING
				if is {
					state = healthgrpc.HealthCheckResponse_NOT_SERVING
				}
				s.Health().SetServingStatus("", state)
			}
			sick(all[0], true)
			d.ready(t, all[1], all[2])
			before := l.of(all[0])
			l.reaches(t, all[1])
			if n := l.of(all[0]) - before; n > 2 {
				t.Errorf("a sick server has had %d calls", n)
			}
			sick(all[1], true) // fewer than half are well
			l.reaches(t, all[0])
			sick(all[0], false)
			sick(all[1], false)
			d.ready(t, all...)
			t.Logf("%d calls", l.end(t))
		})
	}
}
