// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// recorded waits for what is known of a request.
func (d *dragoman) recorded(t testing.TB, requestID string) telemetry.Record {
	t.Helper()
	var found telemetry.Record
	eventually(t, func() error {
		var ok bool
		if found, ok = d.started.Feed.Find(requestID); !ok {
			return fmt.Errorf("nothing is known of request %s", requestID)
		}
		return nil
	})
	return found
}

// The record of a call says the same by every protocol: what was called, why it ended as it did, and where its time went.
func TestEveryProtocolLeavesTheSameRecord(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	number := 0
	for name, call := range safeCalls(t, d) {
		number++
		id := fmt.Sprint("record-", number)
		call("x-request-id", id)
		r := d.recorded(t, id)
		if r.Service != "dragoman.test.v1.BindingService" || r.RPC != "Safe" || !r.Known || r.RouteName() == "" {
			t.Errorf("%s: it called %q %q, known: %t, counted as %q", name, r.Service, r.RPC, r.Known, r.RouteName())
		}
		if r.Code != codes.OK || r.Reason != status.ReasonOK || r.Backend != "test" || r.Endpoint == "" || r.Attempts != 1 {
			t.Errorf("%s: it ended with %s, %s, at %s %s, after %d attempts", name, r.Code, r.Reason, r.Backend, r.Endpoint, r.Attempts)
		}
		stops := r.Stops()
		if len(stops) < 3 || stops[0].Name != transcoder.StopMatch || stops[1].Name != "deadline" || stops[len(stops)-1].Name != transcoder.StopBackend {
			t.Errorf("%s: it came by %v", name, stops)
		}
		var end time.Duration
		for _, s := range stops {
			if s.Offset < end || s.Took < 0 || s.Offset+s.Took > r.Duration {
				t.Errorf("%s: %s is from %v for %v, the one before ends at %v, and all at %v", name, s.Name, s.Offset, s.Took, end, r.Duration)
			}
			end = s.Offset + s.Took
		}
		if last := stops[len(stops)-1]; r.Backed != last.Took {
			t.Errorf("%s: the backend had it for %v, says the record, and %v, says the stop", name, r.Backed, last.Took)
		}
	}
}

// What clients make up is counted under no name of its own.
func TestUnknownCallsHaveNoName(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for i, target := range []string{"/no/such/route", "/no.such.Service/Method"} {
		id := fmt.Sprint("unknown-", i)
		d.h1(t).call(t, "POST", target, "{}", "x-request-id", id)
		if r := d.recorded(t, id); r.Known || r.RouteName() != "" || r.Reason != status.ReasonNoRoute {
			t.Errorf("%s: known: %t, counted as %q, reason %s", target, r.Known, r.RouteName(), r.Reason)
		}
	}
	if all, of := d.started.History.Totals().Calls, d.started.History.Routes(time.Time{}); all != 2 || len(of) != 0 {
		t.Errorf("%d calls are counted, of %d routes", all, len(of))
	}
}
