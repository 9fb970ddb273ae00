// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func known(service string, code codes.Code, took time.Duration) *telemetry.Record {
	return &telemetry.Record{Service: service, RPC: "Get", Known: true, Code: code, Duration: took, Backed: took / 2}
}

// near tells whether a percentile is as exact as it is to be.
func near(got, want time.Duration) bool {
	const part = 16
	return got >= want-want/part && got <= want+want/part
}

// Every second is a point, also one in which nothing happened, and the second that goes on is none yet.
func TestEverySecondIsAPoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHistory()
		time.Sleep(time.Millisecond) // within the second
		for i := range 100 {
			h.Record(known("a", codes.OK, time.Duration(i+1)*time.Millisecond))
		}
		h.Record(known("b", codes.Unavailable, time.Millisecond))
		h.Record(known("b", codes.NotFound, time.Millisecond))
		if got := h.All(time.Time{}); len(got) != 0 {
			t.Fatalf("the second is not over, and there are %d points", len(got))
		}
		time.Sleep(2 * time.Second)
		got := h.All(time.Time{})
		if len(got) != 2 {
			t.Fatalf("got %d points, want 2", len(got))
		}
		p := got[0]
		if p.Requests != 102 || p.Errors != 1 || p.Refused != 1 {
			t.Errorf("got %d requests, %d errors, %d refused", p.Requests, p.Errors, p.Refused)
		}
		if !near(p.P50, 50*time.Millisecond) || !near(p.P95, 95*time.Millisecond) || !near(p.P99, 99*time.Millisecond) || !near(p.Overhead50, 25*time.Millisecond) {
			t.Errorf("got %v, %v, %v, overhead %v", p.P50, p.P95, p.P99, p.Overhead50)
		}
		if (got[1] != telemetry.Point{Time: p.Time.Add(time.Second)}) {
			t.Errorf("the empty second is %+v", got[1])
		}
		if got := h.All(p.Time.Add(1)); len(got) != 1 {
			t.Errorf("since the first there are %d", len(got))
		}
		a, ok := h.Service("a", time.Time{})
		if !ok || a.Totals.Calls != 100 || a.Totals.ByCode[codes.OK] != 100 || a.Points[0].Requests != 100 {
			t.Errorf("a is %+v, %t", a.Totals, ok)
		}
		if b, ok := h.Route("b/Get", time.Time{}); !ok || b.Totals.Calls != 2 || len(b.Points) != 0 {
			t.Errorf("b/Get is %+v with %d points, %t", b.Totals, len(b.Points), ok)
		}
		time.Sleep(telemetry.RouteStep)
		if b, _ := h.Route("b/Get", time.Time{}); len(b.Points) != 1 || b.Points[0].Errors != 1 {
			t.Errorf("b/Get has the points %+v", b.Points)
		}
		time.Sleep(2 * telemetry.Window)
		got = h.All(time.Time{})
		if len(got) != int(telemetry.Window/telemetry.Step) {
			t.Errorf("there are %d points", len(got))
		}
		for i, p := range got {
			if want := got[0].Time.Add(time.Duration(i) * time.Second); p.Requests != 0 || !p.Time.Equal(want) {
				t.Fatalf("point %d is %+v", i, p)
			}
		}
		if h.Totals().Calls != 102 {
			t.Errorf("in all there were %d", h.Totals().Calls)
		}
	})
}

// How long a stream lasts says nothing of how fast the gateway is.
func TestStreamsHaveNoLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHistory()
		stream := known("a", codes.OK, time.Hour)
		stream.Streams = true
		h.Record(stream)
		h.Record(known("a", codes.OK, time.Millisecond))
		time.Sleep(time.Second)
		if p := h.All(time.Time{})[0]; p.Requests != 2 || !near(p.P99, time.Millisecond) {
			t.Errorf("got %+v", p)
		}
	})
}

// A strip of heat has the calls by when and by how long, the newest last, and forgets what is older than the window.
func TestHeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHistory()
		h.Record(known("a", codes.OK, 2*time.Millisecond))
		time.Sleep(telemetry.HeatSpan)
		h.Record(known("a", codes.OK, time.Hour))
		a, _ := h.Route("a/Get", time.Time{})
		const last = telemetry.HeatColumns - 1
		if a.Heat[last][telemetry.HeatRows-1] != 1 || a.Heat[last-1][1] != 1 || a.Heat[last][1] != 0 {
			t.Errorf("got %v", a.Heat)
		}
		time.Sleep(telemetry.Window - telemetry.HeatSpan)
		if a, _ = h.Route("a/Get", time.Time{}); a.Heat[0][telemetry.HeatRows-1] != 1 {
			t.Errorf("after nearly a window it is %v", a.Heat)
		}
		time.Sleep(telemetry.HeatSpan)
		if a, _ = h.Route("a/Get", time.Time{}); a.Heat != [telemetry.HeatColumns][telemetry.HeatRows]uint32{} {
			t.Errorf("after a window it is %v", a.Heat)
		}
	})
}

// What operators try is not counted.
func TestProbesAreNotCounted(t *testing.T) {
	t.Parallel()
	h := telemetry.NewHistory()
	probe := known("a", codes.OK, 0)
	probe.Probe = true
	h.Record(probe)
	if got := h.Totals().Calls; got != 0 {
		t.Errorf("%d calls are counted", got)
	}
}

// Whatever is called, no more is kept than the bounds say, and what is not called any more makes room.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHistory()
		for i := range 2 * telemetry.MaxRoutes {
			h.Record(known(fmt.Sprint("service", i), codes.OK, 0))
			h.Record(&telemetry.Record{Service: fmt.Sprint("made up", i), Path: fmt.Sprint("/", i)})
		}
		services, routes := h.Services(time.Time{}), h.Routes(time.Time{})
		if len(services) != telemetry.MaxServices || len(routes) != telemetry.MaxRoutes {
			t.Fatalf("there are %d services and %d routes", len(services), len(routes))
		}
		if got := h.Totals().Calls; got != 4*telemetry.MaxRoutes {
			t.Errorf("%d calls are counted", got)
		}
		late := fmt.Sprint("service", 2*telemetry.MaxRoutes-1)
		if _, ok := h.Service(late, time.Time{}); ok {
			t.Error("the last service has a place")
		}
		time.Sleep(telemetry.Window + time.Second)
		h.Record(known(late, codes.OK, 0))
		if _, ok := h.Service(late, time.Time{}); !ok {
			t.Error("it has none although nothing else is called any more")
		}
		if n := len(h.Services(time.Time{})); n != 1 {
			t.Errorf("%d services are left", n)
		}
	})
}

// What is recent is of the last minute or two, whatever was before, and its quantiles are those of all routes and endpoints apart.
func TestWhatIsRecent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHistory()
		for i := range 100 {
			h.Record(tried(time.Duration(i+1)*time.Millisecond, "10.0.0.1:1"))
		}
		h.Record(tried(time.Hour, ""))
		stream := tried(time.Hour, "10.0.0.1:1")
		stream.Streams = true
		h.Record(stream)
		q := h.Endpoint("b", "10.0.0.1:1")
		if q.Count != 100 || !near(q.P50, 50*time.Millisecond) || !near(q.P99, 99*time.Millisecond) || !near(q.Mean, 50*time.Millisecond) {
			t.Errorf("the endpoint: %+v", q)
		}
		if q := h.Endpoint("b", "10.0.0.2:1"); q != (telemetry.Quantiles{}) {
			t.Errorf("an endpoint that was never called: %+v", q)
		}
		time.Sleep(telemetry.RecentSpan)
		h.Record(tried(time.Millisecond, "10.0.0.1:1"))
		if q := h.Endpoint("b", "10.0.0.1:1"); q.Count != 101 {
			t.Errorf("a minute later there are %d", q.Count)
		}
		time.Sleep(telemetry.RecentSpan)
		if q := h.Endpoint("b", "10.0.0.1:1"); q.Count != 1 || !near(q.P99, time.Millisecond) {
			t.Errorf("two minutes later: %+v", q)
		}
		if route, _ := h.Route("a/Get", time.Time{}); route.Recent.Count != 1 {
			t.Errorf("of the route: %+v", route.Recent)
		}
		time.Sleep(2 * telemetry.RecentSpan)
		if q := h.Endpoint("b", "10.0.0.1:1"); q.Count != 0 || q.P50 != 0 {
			t.Errorf("when all is over: %+v", q)
		}
	})
}

// tried is a call whose only attempt was sent somewhere.
func tried(took time.Duration, endpoint string) *telemetry.Record {
	r := known("a", codes.OK, took)
	r.Backend = "b"
	r.SetTries([]transcoder.Try{{Endpoint: endpoint, Took: took}})
	return r
}

// Endpoints that come and go, as they do where instances are many, are no more than the bound.
func TestEndpointsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHistory()
		there := func() (n int) {
			for i := range 3 * telemetry.MaxEndpoints {
				if h.Endpoint("b", fmt.Sprint(i)).Count > 0 {
					n++
				}
			}
			return n
		}
		for i := range 2 * telemetry.MaxEndpoints {
			h.Record(tried(time.Millisecond, fmt.Sprint(i)))
		}
		if n := there(); n != telemetry.MaxEndpoints {
			t.Errorf("%d endpoints are kept", n)
		}
		time.Sleep(telemetry.Window + 2*telemetry.RecentSpan)
		h.Record(tried(time.Millisecond, fmt.Sprint(3*telemetry.MaxEndpoints-1)))
		if n := there(); n != 1 {
			t.Errorf("%d endpoints are kept when all but one are gone", n)
		}
	})
}

// Calls are counted by why they ended so, and made-up reasons of a backend do not pile up.
func TestReasonsAreCounted(t *testing.T) {
	t.Parallel()
	h := telemetry.NewHistory()
	for i := range 2 * telemetry.MaxReasons {
		r := known("a", codes.ResourceExhausted, 0)
		if r.Reason = status.ReasonRateLimited; i >= telemetry.MaxReasons {
			r.Reason = status.Reason(fmt.Sprint("made_up_", i))
		}
		h.Record(r)
	}
	got, _ := h.Route("a/Get", time.Time{})
	if n := got.Totals.ByReason[status.ReasonRateLimited]; n != telemetry.MaxReasons || len(got.Totals.ByReason) != telemetry.MaxReasons {
		t.Errorf("%d were limited, and there are %d reasons", n, len(got.Totals.ByReason))
	}
}
