// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/otlp/otlptest"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// A collector gets a span of each call and of its attempt, within the client's trace, the metrics and the logs; the backend is told the attempt
// as its parent.
func TestACollectorGetsTracesMetricsAndLogs(t *testing.T) {
	t.Parallel()
	collector := otlptest.Run(t)
	none := 0.0
	d := start(t, func(cfg *config.Config) {
		o := &cfg.Observability
		o.Tracing = config.Tracing{Endpoint: collector.URL(), SamplePercent: &none, Link: "https://jaeger.acme.example/trace/{trace_id}"}
		o.Metrics = config.Metrics{Endpoint: collector.URL(), Interval: time.Second}
		o.Log.Endpoint, o.AccessLog.OTLP = collector.URL(), true
	})
	// Nobody says that this one is recorded, and of those none are.
	d.h1(t).call(t, "GET", "/test/v1/things/unrecorded", "", "x-request-id", "unrecorded")
	if got := metadataOf(d.backend.Last(binding+"Get"), "traceparent"); len(got) != 1 || !strings.HasSuffix(got[0], "-00") {
		t.Errorf("the backend was told %q of a trace that is not recorded", got)
	}
	calls, parents := 0, map[string]bool{}
	for _, call := range safeCalls(t, d) {
		call("traceparent", traceParent)
		calls++
		for _, parent := range metadataOf(d.backend.Last(binding+"Safe"), "traceparent") {
			parents[parent] = true
		}
	}
	d.tellsOfTraces(t)
	if err := d.stop(patience); err != nil {
		t.Fatal(err)
	}
	servers, clients := map[string]*tracev1.Span{}, 0
	for _, s := range collector.Spans() {
		if hex.EncodeToString(s.GetTraceId()) != traceID {
			t.Errorf("a span is of the trace %x", s.GetTraceId())
		}
		if s.GetKind() == tracev1.Span_SPAN_KIND_SERVER {
			servers[string(s.GetSpanId())] = s
		}
	}
	for _, s := range collector.Spans() {
		if s.GetKind() != tracev1.Span_SPAN_KIND_CLIENT {
			continue
		}
		clients++
		if servers[string(s.GetParentSpanId())] == nil {
			t.Errorf("an attempt is part of %x, which is no call", s.GetParentSpanId())
		}
		if parent := "00-" + traceID + "-" + hex.EncodeToString(s.GetSpanId()) + "-01"; !parents[parent] {
			t.Errorf("no backend was told %s", parent)
		}
	}
	if len(servers) != calls || clients != calls || len(parents) != calls {
		t.Errorf("there are %d spans of calls and %d of attempts, and the backend was told %d, for %d calls", len(servers), clients, len(parents), calls)
	}
	for _, s := range servers {
		if hex.EncodeToString(s.GetParentSpanId()) != "00f067aa0ba902b7" {
			t.Errorf("a call is part of %x", s.GetParentSpanId())
		}
	}
	metrics := map[string]bool{}
	for _, m := range collector.Metrics() {
		metrics[m.GetName()] = true
	}
	for _, name := range []string{"dragoman_requests_total", "dragoman_request_duration_seconds", "dragoman_endpoint_state", "dragoman_build_info"} {
		if !metrics[name] {
			t.Errorf("there is no %s among %d metrics", name, len(metrics))
		}
	}
	told, own := 0, 0
	for _, l := range collector.Lines() {
		if l.GetBody().GetStringValue() != "call" {
			own++
			continue
		}
		told++
		if of := otlptest.Attributes(l.GetAttributes()); of["reason"] == nil || of["duration_ms"] == nil || len(l.GetTraceId()) == 0 {
			t.Errorf("a line is %v", l)
		}
	}
	if told != calls+1 || own == 0 {
		t.Errorf("there are lines of %d calls and %d others, for %d calls", told, own, calls+1)
	}
}

// tellsOfTraces looks at what the admin API says of the traces of calls: where they can be looked at, and which of them were recorded.
func (d *dragoman) tellsOfTraces(t *testing.T) {
	t.Helper()
	conn := d.administer(t)
	if s, err := adminv1.NewStatusServiceClient(conn).GetStatus(within(t), &adminv1.GetStatusRequest{}); err != nil || s.GetTraceLink() != "https://jaeger.acme.example/trace/{trace_id}" {
		t.Errorf("the link of traces is %q, %v", s.GetTraceLink(), err)
	}
	all, err := adminv1.NewTrafficServiceClient(conn).ListCalls(within(t), &adminv1.ListCallsRequest{})
	if err != nil || len(all.GetCalls()) < 2 {
		t.Fatalf("%d calls, %v", len(all.GetCalls()), err)
	}
	for _, c := range all.GetCalls() {
		if recorded := c.GetId() != "unrecorded"; c.GetTraceId() == "" || c.GetTraceSampled() != recorded || recorded != (c.GetTraceId() == traceID) {
			t.Errorf("the call %s is told to be part of the trace %q, recorded: %t", c.GetId(), c.GetTraceId(), c.GetTraceSampled())
		}
	}
}

// A gateway whose collector is away serves and stops as any other.
func TestACollectorThatIsAway(t *testing.T) {
	t.Parallel()
	all := 100.0
	d := start(t, func(cfg *config.Config) {
		o := &cfg.Observability
		o.Tracing = config.Tracing{Endpoint: "http://127.0.0.1:1", SamplePercent: &all}
		o.Metrics = config.Metrics{Endpoint: "http://127.0.0.1:1", Interval: time.Second}
		o.Log.Endpoint, o.AccessLog.OTLP, o.OTLP.Timeout = "http://127.0.0.1:1", true, 100*time.Millisecond
	})
	for range 100 {
		if a := d.h1(t).call(t, "GET", "/test/v1/things/1", ""); a.status != 200 {
			t.Fatalf("got %d", a.status)
		}
	}
	eventually(t, func() error {
		if sample(d.scrape(t), "dragoman_telemetry_dropped_total", "kind", "otlp") == 0 {
			return errors.New("nothing says that it was not sent")
		}
		return nil
	})
	if err := d.stop(patience); err != nil {
		t.Fatal(fmt.Errorf("it does not stop well: %w", err))
	}
}
