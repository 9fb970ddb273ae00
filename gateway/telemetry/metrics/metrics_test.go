// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/metrics"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// scrape reads the metrics as Prometheus does.
func scrape(t testing.TB, m *metrics.Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page(t, m, "text/plain")))
	if err != nil {
		t.Fatalf("what is scraped cannot be read: %v", err)
	}
	return families
}

func page(t testing.TB, m *metrics.Metrics, accept string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("a scrape is answered with %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// value returns the value of the series with all of these labels; it fails where there is none.
func value(t testing.TB, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		if !has(m, labels) {
			continue
		}
		switch {
		case m.GetCounter() != nil:
			return m.GetCounter().GetValue()
		case m.GetGauge() != nil:
			return m.GetGauge().GetValue()
		default:
			return float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Errorf("there is no %s with %q", name, labels)
	return -1
}

func has(m *dto.Metric, labels []string) bool {
	is := map[string]string{}
	for _, l := range m.GetLabel() {
		is[l.GetName()] = l.GetValue()
	}
	for i := 0; i < len(labels); i += 2 {
		if is[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// full is the state of a gateway of which everything is to be told.
func full() metrics.State {
	return metrics.State{
		InFlight: 3, Dropped: map[string]uint64{"access_log": 7},
		Rules: []metrics.Rule{
			{Name: "admins", Refused: 12, Unknown: 2},
			{Name: "trial", DryRun: true, Refused: 13},
			{Name: "admins", Refused: 1}, // a schema calls one the same
		},
		Broken: []metrics.Broken{{Service: "acme.Books", Method: "Get", Answers: 18}},
		Cache:  &metrics.Cache{Entries: 14, Bytes: 15, Evicted: 16, Purged: 17},
		Backends: []metrics.Backend{{
			Name: "books", Retries: 4, OverBudget: 5, Hedges: 6, Refused: 8, Shut: 9, Open: true,
			Endpoints: []metrics.Endpoint{
				{Address: "10.0.0.1:1", State: "ready", InFlight: 2},
				{Address: "10.0.0.2:1", State: "ejected"},
				{Address: "10.0.0.1:1", State: "connecting"}, // an address that two instances share
			},
		}},
		Connections: []metrics.Connections{{Listener: "public", Protocol: "http2", Open: 11}},
		Certificates: []metrics.Certificate{
			{Listener: "public", Name: "a.example", NotAfter: time.Unix(1_800_000_000, 0)},
			{Listener: "public", Name: "b.example", NotAfter: time.Unix(4_000_000_000, 0), ACME: true, Issued: 12, Failed: 13},
			{Listener: "public", Name: "c.example", ACME: true},
		},
	}
}

// all is a gateway of which everything was counted once.
func all(t testing.TB) *metrics.Metrics {
	t.Helper()
	m := metrics.New(metrics.Config{Build: metrics.Build{Version: "v1.2.3", Go: "go1"}, State: full})
	m.ConfigReloaded(nil)
	m.ConfigReloaded(errors.New("a mistake"))
	m.SchemasLoaded([]string{"protos", "live"}, time.Now().Add(-time.Hour), nil)
	m.SchemasLoaded([]string{"protos"}, time.Now().Add(-time.Hour), errors.New("a mistake"))
	count(m, func(c *transcoder.Call) {
		c.BytesIn, c.BytesOut = 10, 20
		c.SetTries([]transcoder.Try{{Code: codes.Unavailable, Took: time.Millisecond}, {Code: codes.OK, Took: time.Millisecond}})
		c.Cache = transcoder.CacheMiss
	})
	count(m, func(c *transcoder.Call) {
		c.Err = refusal(codes.ResourceExhausted, status.ReasonRateLimited, "per-caller")
	})
	count(m, func(c *transcoder.Call) {
		c.Err, c.Denied = refusal(codes.Unauthenticated, status.ReasonTokenExpired, ""), "mobile"
	})
	count(m, func(c *transcoder.Call) {
		c.Method, c.MessagesIn, c.MessagesOut = method("Chat", true), 5, 6
	})
	return m
}

func refusal(code codes.Code, reason status.Reason, rule string) error {
	e := status.Errorf(code, reason, "no")
	e.Metadata = map[string]string{"rule": rule}
	return e
}

// TestNames: everything that is told has the name and the labels that it is to have, and can be read.
func TestNames(t *testing.T) {
	t.Parallel()
	families := scrape(t, all(t))
	for _, want := range []struct {
		name   string
		labels []string
		value  float64
	}{
		{"dragoman_requests_total", []string{"service", "acme.Books", "method", "Get", "protocol", "rest", "code", "OK", "reason", "ok"}, 1},
		{"dragoman_requests_total", []string{"service", "acme.Books", "method", "Get", "protocol", "rest", "code", "RESOURCE_EXHAUSTED", "reason", "rate_limited"}, 1},
		{"dragoman_request_duration_seconds", []string{"service", "acme.Books", "method", "Get", "protocol", "rest"}, 3},
		{"dragoman_overhead_seconds", []string{"service", "acme.Books", "method", "Get", "protocol", "rest"}, 3},
		{"dragoman_in_flight", nil, 3},
		{"dragoman_stream_messages_total", []string{"direction", "in"}, 5},
		{"dragoman_stream_messages_total", []string{"direction", "out"}, 6},
		{"dragoman_message_bytes_total", []string{"direction", "in"}, 10},
		{"dragoman_message_bytes_total", []string{"direction", "out"}, 20},
		{"dragoman_backend_attempts_total", []string{"backend", "books", "code", "UNAVAILABLE"}, 1},
		{"dragoman_backend_attempts_total", []string{"backend", "books", "code", "OK"}, 1},
		{"dragoman_backend_attempt_duration_seconds", []string{"backend", "books"}, 2},
		{"dragoman_endpoint_state", []string{"backend", "books", "endpoint", "10.0.0.1:1", "state", "ready"}, 1},
		{"dragoman_endpoint_state", []string{"backend", "books", "endpoint", "10.0.0.2:1", "state", "ejected"}, 1},
		{"dragoman_endpoint_in_flight", []string{"backend", "books", "endpoint", "10.0.0.1:1"}, 2},
		{"dragoman_retries_total", []string{"backend", "books"}, 4},
		{"dragoman_retries_over_budget_total", []string{"backend", "books"}, 5},
		{"dragoman_hedges_total", []string{"backend", "books"}, 6},
		{"dragoman_backend_refused_total", []string{"backend", "books"}, 8},
		{"dragoman_circuit_refused_total", []string{"backend", "books"}, 9},
		{"dragoman_circuit_open", []string{"backend", "books"}, 1},
		{"dragoman_rate_limited_total", []string{"rule", "per-caller"}, 1},
		{"dragoman_cache_requests_total", []string{"result", "miss"}, 1},
		{"dragoman_auth_failures_total", []string{"provider", "mobile", "cause", "token_expired"}, 1},
		{"dragoman_authorization_refused_total", []string{"rule", "admins", "dry_run", "false"}, 13},
		{"dragoman_authorization_refused_total", []string{"rule", "trial", "dry_run", "true"}, 13},
		{"dragoman_authorization_unknown_total", []string{"rule", "admins"}, 2},
		{"dragoman_invalid_responses_total", []string{"service", "acme.Books", "method", "Get"}, 18},
		{"dragoman_cache_entries", nil, 14},
		{"dragoman_cache_bytes", nil, 15},
		{"dragoman_cache_evicted_total", nil, 16},
		{"dragoman_cache_purged_total", nil, 17},
		{"dragoman_config_reloads_total", []string{"result", "ok"}, 1},
		{"dragoman_config_reloads_total", []string{"result", "refused"}, 1},
		{"dragoman_config_last_reload_success", nil, 0},
		{"dragoman_schema_loads_total", []string{"source", "protos", "result", "refused"}, 1},
		{"dragoman_schema_loads_total", []string{"source", "live", "result", "ok"}, 1},
		{"dragoman_tls_cert_not_after_seconds", []string{"listener", "public", "name", "a.example", "source", "file"}, 1_800_000_000},
		{"dragoman_tls_cert_not_after_seconds", []string{"listener", "public", "name", "b.example", "source", "acme"}, 4_000_000_000},
		{"dragoman_acme_certificate", []string{"listener", "public", "name", "b.example"}, 1},
		{"dragoman_acme_certificate", []string{"listener", "public", "name", "c.example"}, 0},
		{"dragoman_acme_orders_total", []string{"name", "b.example", "result", "issued"}, 12},
		{"dragoman_acme_orders_total", []string{"name", "b.example", "result", "failed"}, 13},
		{"dragoman_connections", []string{"listener", "public", "protocol", "http2"}, 11},
		{"dragoman_telemetry_dropped_total", []string{"kind", "access_log"}, 7},
		{"dragoman_build_info", []string{"version", "v1.2.3", "go_version", "go1"}, 1},
	} {
		if got := value(t, families, want.name, want.labels...); got != want.value {
			t.Errorf("%s %q is %v; want %v", want.name, want.labels, got, want.value)
		}
	}
	if age := value(t, families, "dragoman_schema_age_seconds"); age < 3600 || age > 3700 {
		t.Errorf("the schemas are %v s old", age)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if families[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	if text := page(t, all(t), "text/plain"); strings.Contains(text, "10.0.0.1:1\",state=\"connecting") {
		t.Error("an address that two instances share is told twice")
	}
}

// promtool's own check finds nothing to say.
func TestPrometheusToolIsContent(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: apt-get install prometheus")
	}
	own := &bytes.Buffer{} // what is ours; the runtime's metrics are not
	for line := range strings.Lines(page(t, all(t), "text/plain")) {
		if strings.Contains(line, "dragoman_") {
			own.WriteString(line)
		}
	}
	cmd := exec.CommandContext(t.Context(), tool, "check", "metrics") //nolint:gosec // the path is that of promtool
	cmd.Stdin = own
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func method(name string, streams bool) *transcoder.Method {
	m := transcoder.BareMethod("/acme.Books/"+name, streams, streams)
	m.Desc = described
	return m
}

// count counts a call that a test makes.
func count(m *metrics.Metrics, edit func(*transcoder.Call)) {
	now := time.Now()
	c := &transcoder.Call{
		Request: &transcoder.Request{Method: "GET", Path: "/v1/books"}, Protocol: "rest", Method: method("Get", false), Backend: "books",
		Start: now, End: now.Add(2 * time.Millisecond), BackendTime: time.Millisecond,
	}
	edit(c)
	telemetry.NewRecorder(m).Observe(c)
}

// Whatever clients call, there are no more series: names that are in no schema are none.
func TestThreatClientsMakeNoSeries(t *testing.T) {
	t.Parallel()
	m := all(t)
	count(m, func(c *transcoder.Call) {
		c.Method, c.Err = nil, status.Errorf(codes.NotFound, status.ReasonNoRoute, "no route")
	})
	before := series(scrape(t, m))
	calls := 10_000
	if faults.Held() {
		calls = 100_000
	}
	for i := range calls {
		count(m, func(c *transcoder.Call) {
			c.Request.Path, c.Request.Method = fmt.Sprint("/", i), fmt.Sprint("METHOD", i)
			c.RequestID = fmt.Sprint(i)
			if i%2 == 0 {
				c.Method, c.Err = nil, status.Errorf(codes.NotFound, status.ReasonNoRoute, "no route")
				return
			}
			c.Method = transcoder.BareMethod(fmt.Sprintf("/made.up%d/Method%d", i, i), false, false)
			c.Method.Rule = "made.**"
		})
	}
	// The rule by which they are passed on is the one that is new: a count, and the buckets, sum and count of two histograms.
	after := series(scrape(t, m))
	for name, n := range after {
		grown := n - before[name]
		if strings.HasPrefix(name, "dragoman_") && grown > 1 {
			t.Errorf("%s has %d more series", name, grown)
		}
	}
	if got := value(t, scrape(t, m), "dragoman_requests_total", "service", "made.**", "method", ""); got != float64(calls)/2 {
		t.Errorf("%v calls are counted by the rule", got)
	}
}

func series(families map[string]*dto.MetricFamily) map[string]int {
	n := map[string]int{}
	for name, f := range families {
		n[name] = len(f.GetMetric())
	}
	return n
}

// What is not there any more has no series any more: methods that a reload took away, and endpoints that are gone.
func TestWhatIsGoneIsNotTold(t *testing.T) {
	t.Parallel()
	state := full()
	m := metrics.New(metrics.Config{State: func() metrics.State { return state }})
	count(m, func(*transcoder.Call) {})
	count(m, func(c *transcoder.Call) { c.Method = method("List", false) })
	count(m, func(c *transcoder.Call) { c.Method = nil })
	m.Retain(func(_, method string) bool { return method == "List" })
	state.Backends[0].Endpoints = state.Backends[0].Endpoints[:1]
	families := scrape(t, m)
	for name, want := range map[string]int{
		"dragoman_requests_total": 2, "dragoman_request_duration_seconds": 1, "dragoman_overhead_seconds": 1, "dragoman_endpoint_state": 1, "dragoman_endpoint_in_flight": 1,
	} {
		if got := len(families[name].GetMetric()); got != want {
			t.Errorf("%s has %d series, want %d", name, got, want)
		}
	}
	count(m, func(*transcoder.Call) {})
	if got := value(t, scrape(t, m), "dragoman_requests_total", "method", "Get"); got != 1 {
		t.Errorf("a method that comes back is counted from %v", got)
	}
}

// A call that is recorded as a span is the example of its bucket.
func TestExemplars(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Config{})
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	count(m, func(c *transcoder.Call) { c.TraceID, c.Trace.Sampled = id, true })
	count(m, func(c *transcoder.Call) { c.TraceID = strings.Repeat("0", len(id)) })
	text := page(t, m, string(expfmt.NewFormat(expfmt.TypeOpenMetrics)))
	if !strings.Contains(text, `# {trace_id="`+id+`"}`) || strings.Contains(text, "0000000000") {
		t.Errorf("the examples are not of the call that is recorded:\n%s", text)
	}
	if !strings.HasSuffix(text, "# EOF\n") {
		t.Error("it is no OpenMetrics")
	}
}

// Each bucket has its own examples, and one in a second is enough.
func TestEachBucketHasItsExample(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Config{})
	for i, took := range []time.Duration{time.Millisecond, time.Millisecond, 30 * time.Millisecond, time.Hour} {
		count(m, func(c *transcoder.Call) {
			c.End = time.Unix(1_700_000_000, 0)
			c.Start = c.End.Add(-took)
			c.TraceID, c.Trace.Sampled = strings.Repeat(strconv.Itoa(i+1), 32), true
		})
	}
	text := page(t, m, string(expfmt.NewFormat(expfmt.TypeOpenMetrics)))
	for digit, want := range map[string]bool{"1": true, "2": false, "3": true, "4": true} {
		if strings.Contains(text, strings.Repeat(digit, 32)) != want {
			t.Errorf("there is the example of call %s: %t", digit, !want)
		}
	}
	if got := strings.Count(text, "dragoman_request_duration_seconds_count"); got != 1 {
		t.Errorf("there are %d counts", got)
	}
}

// What operators try is not counted.
func TestProbesAreNotCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Config{})
	count(m, func(c *transcoder.Call) { c.Request.Probe = true })
	if names := slices.Collect(maps.Keys(scrape(t, m))); slices.Contains(names, "dragoman_requests_total") {
		t.Error("a probe is counted")
	}
}

// Counting a call of a kind that was counted before allocates nothing.
//
//nolint:paralleltest // it counts allocations
func TestCountingAllocatesNothing(t *testing.T) {
	m := metrics.New(metrics.Config{})
	now := time.Now()
	c := &transcoder.Call{
		Request: &transcoder.Request{Method: "GET", Path: "/v1/books"}, Protocol: "rest", Method: method("Get", false), Backend: "books",
		Start: now, End: now.Add(2 * time.Millisecond), BackendTime: time.Millisecond,
	}
	c.SetTries([]transcoder.Try{{Code: codes.OK}})
	recorder := telemetry.NewRecorder(m)
	if n := testing.AllocsPerRun(1000, func() { recorder.Observe(c) }); n > 0 {
		t.Errorf("it allocates %v times", n)
	}
}

func BenchmarkCount(b *testing.B) {
	m := metrics.New(metrics.Config{})
	now := time.Now()
	c := &transcoder.Call{
		Request: &transcoder.Request{Method: "GET", Path: "/v1/books"}, Protocol: "rest", Method: method("Get", false), Backend: "books",
		Start: now, End: now.Add(2 * time.Millisecond), BackendTime: time.Millisecond,
	}
	c.SetTries([]transcoder.Try{{Code: codes.OK}})
	recorder := telemetry.NewRecorder(m)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			recorder.Observe(c)
		}
	})
}
