// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"math"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func traced(t *testing.T, cfg TracingConfig, fields ...wire.Field) *transcoder.Call {
	t.Helper()
	tracing, err := NewTracing(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := transcoder.NewCall(t.Context(), &transcoder.Request{Header: fields})
	c.Metadata = wire.Header(fields)
	identify(c, tracing)
	describe(c)
	return c
}

// The client's trace is kept, and what it says of being recorded is obeyed unless that is turned off; a new one is made where there is none that
// can be understood. The backend is told the call as its parent.
func TestTracesAreKeptOrMade(t *testing.T) {
	t.Parallel()
	const parentID = "00f067aa0ba902b7"
	recorded, not := "00-"+traceID+"-"+parentID+"-01", "00-"+traceID+"-"+parentID+"-00"
	for _, test := range []struct {
		why     string
		cfg     TracingConfig
		parent  string
		kept    bool
		sampled bool
	}{
		{"nobody says, and none are recorded", TracingConfig{}, "", false, false},
		{"nobody says, and all are recorded", TracingConfig{Percent: 100}, "", false, true},
		{"the client says that it is recorded", TracingConfig{}, recorded, true, true},
		{"the client says that it is not", TracingConfig{Percent: 100}, not, true, false},
		{"the client says that it is, which does not count", TracingConfig{IgnoreParent: true}, recorded, true, false},
		{"the client says that it is not, which does not count", TracingConfig{Percent: 100, IgnoreParent: true}, not, true, true},
		{"what the client says cannot be understood", TracingConfig{}, "00-zz-" + parentID + "-01", false, false},
		{"a later version, which says more", TracingConfig{}, "cc-" + traceID + "-" + parentID + "-01-more", true, true},
	} {
		var fields []wire.Field
		if test.parent != "" {
			fields = []wire.Field{{Name: traceParent, Value: test.parent}, {Name: traceState, Value: "a=1"}}
		}
		c := traced(t, test.cfg, fields...)
		if (c.TraceID == traceID) != test.kept || c.Trace.Sampled != test.sampled || !c.Trace.Kept() {
			t.Errorf("%s: trace %s, sampled: %t", test.why, c.TraceID, c.Trace.Sampled)
		}
		want := "00-" + c.TraceID + "-"
		flags := map[bool]string{true: "-01", false: "-00"}[test.sampled]
		if got := c.Metadata.Get(traceParent); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, flags) || strings.Contains(got, parentID) || c.Metadata.Count(traceParent) != 1 {
			t.Errorf("%s: the backend is told %q", test.why, got)
		}
		if got := c.Metadata.Has(traceState); got != test.kept {
			t.Errorf("%s: there is a tracestate: %t", test.why, got)
		}
	}
}

// Of the traces that begin here the share is recorded that is to be, and of one trace everybody decides alike.
func TestTheShareIsRecorded(t *testing.T) {
	t.Parallel()
	const calls, percent = 20_000, 5
	n := 0
	for range calls {
		if traced(t, TracingConfig{Percent: percent}).Trace.Sampled {
			n++
		}
	}
	if want := calls * percent / 100; math.Abs(float64(n-want)) > float64(want)/5 {
		t.Errorf("%d of %d are recorded, want about %d", n, calls, want)
	}
	for _, percent := range []float64{-1, 100.1, math.NaN()} {
		if _, err := NewTracing(TracingConfig{Percent: percent}); err == nil {
			t.Errorf("%v percent is accepted", percent)
		}
	}
}
