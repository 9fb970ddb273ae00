// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp_test

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	traceservice "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/otlp"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/otlp/otlptest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nothing is an environment that says nothing.
func nothing(string) string { return "" }

func newExporter(t testing.TB, cfg otlp.Config) *otlp.Exporter {
	t.Helper()
	if cfg.Getenv == nil {
		cfg.Getenv = nothing
	}
	e, err := otlp.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// finished gives a call that is over to an exporter.
func finished(e *otlp.Exporter, edit func(*transcoder.Call)) *transcoder.Call {
	now := time.Now()
	c := &transcoder.Call{
		Request: &transcoder.Request{Method: "GET", Path: "/v1/books/7", Listener: "public"}, Protocol: "rest", RequestID: "id", HTTPStatus: 200,
		Method: transcoder.BareMethod("/acme.Books/Get", false, false), Backend: "books", Endpoint: "10.0.0.1:1", Attempts: 2,
		Start: now.Add(-10 * time.Millisecond), End: now, BackendTime: 8 * time.Millisecond,
		Trace: transcoder.Trace{ID: transcoder.NewTraceID(), Span: transcoder.NewSpanID(), Parent: transcoder.NewSpanID(), Sampled: true, State: "a=1"},
	}
	c.Method.Rule = "acme.**"
	c.TraceID = hex.EncodeToString(c.Trace.ID[:])
	c.SetTries([]transcoder.Try{
		{Endpoint: "10.0.0.1:1", Code: codes.Unavailable, Offset: time.Millisecond, Took: 2 * time.Millisecond, Span: transcoder.NewSpanID()},
		{Endpoint: "10.0.0.2:1", Kind: transcoder.TryRetry, Code: codes.OK, Offset: 4 * time.Millisecond, Took: 5 * time.Millisecond, Span: transcoder.NewSpanID()},
	})
	if edit != nil {
		edit(c)
	}
	telemetry.NewRecorder(e.Sinks()...).Observe(c)
	return c
}

// A call that is recorded is a span, whose parent is the client's, and each attempt one within it, with the id that the backend was told.
func TestCallsAreSpans(t *testing.T) {
	t.Parallel()
	collector := otlptest.Run(t)
	e := newExporter(t, otlp.Config{Traces: collector.URL(), Version: "v1.2.3", Headers: map[string]string{"api-key": "k"}, Gzip: true})
	if !e.Tracing() {
		t.Fatal("no spans are recorded")
	}
	c := finished(e, func(c *transcoder.Call) { c.Stopped("match", 0) })
	finished(e, func(c *transcoder.Call) { c.Trace.Sampled = false })
	finished(e, func(c *transcoder.Call) { c.Request.Probe = true })
	failed := finished(e, func(c *transcoder.Call) {
		c.Trace.Parent = [8]byte{}
		c.Err = status.Errorf(codes.Unavailable, status.ReasonNoReadyBackend, "no endpoint")
	})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	spans := collector.Spans()
	if len(spans) != 6 {
		t.Fatalf("there are %d spans; want those of two calls and of their four attempts", len(spans))
	}
	find := func(id [8]byte) *tracev1.Span {
		i := slices.IndexFunc(spans, func(s *tracev1.Span) bool { return string(s.GetSpanId()) == string(id[:]) })
		if i < 0 {
			t.Fatalf("there is no span %x", id)
		}
		return spans[i]
	}
	call := find(c.Trace.Span)
	if string(call.GetTraceId()) != string(c.Trace.ID[:]) || string(call.GetParentSpanId()) != string(c.Trace.Parent[:]) || call.GetTraceState() != "a=1" ||
		call.GetKind() != tracev1.Span_SPAN_KIND_SERVER || call.GetName() != "acme.**" {
		t.Errorf("the call is %v", call)
	}
	if took := call.GetEndTimeUnixNano() - call.GetStartTimeUnixNano(); took != uint64(10*time.Millisecond) {
		t.Errorf("the call took %v", time.Duration(took)) //nolint:gosec // small
	}
	if got, _ := otlptest.Attributes(call.GetAttributes())["dragoman.stops"].(string); !strings.HasPrefix(got, "match;dur=") {
		t.Errorf("its stops are %q", got)
	}
	for name, want := range map[string]any{
		"rpc.method": "acme.Books/Get", "rpc.response.status_code": "OK", "http.request.method": "GET", "url.path": "/v1/books/7", "http.response.status_code": int64(200),
		"dragoman.reason": "ok", "dragoman.request_id": "id",
	} {
		if got := otlptest.Attributes(call.GetAttributes())[name]; got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
	for i, try := range c.Tries() {
		s := find(try.Span)
		if string(s.GetParentSpanId()) != string(c.Trace.Span[:]) || s.GetKind() != tracev1.Span_SPAN_KIND_CLIENT || s.GetStartTimeUnixNano()-call.GetStartTimeUnixNano() != uint64(try.Offset) || //nolint:gosec // small
			otlptest.Attributes(s.GetAttributes())["server.address"] != try.Endpoint || otlptest.Attributes(s.GetAttributes())["dragoman.attempt"] != try.Kind.String() || otlptest.Attributes(s.GetAttributes())["dragoman.attempt_number"] != int64(i+1) {
			t.Errorf("attempt %d is %v", i, s)
		}
	}
	if s := find(c.Tries()[0].Span); s.GetStatus().GetCode() != tracev1.Status_STATUS_CODE_ERROR {
		t.Errorf("the attempt that failed has the status %v", s.GetStatus())
	}
	if s := find(failed.Trace.Span); s.GetStatus().GetMessage() != "no endpoint" || len(s.GetParentSpanId()) != 0 || string(s.GetTraceId()) != string(failed.Trace.ID[:]) {
		t.Errorf("the call that failed is %v", s)
	}
	of := otlptest.Attributes(collector.Resources()[0].GetAttributes())
	if of["service.name"] != "dragoman" || of["service.version"] != "v1.2.3" {
		t.Errorf("they come from %v", of)
	}
	if got := collector.Headers()[0].Get("api-key"); !slices.Equal(got, []string{"k"}) {
		t.Errorf("the header is %q", got)
	}
}

// What clients and backends say is no UTF-8 now and then, or long, and the spans of all calls come all the same.
func TestThreatI6WhatClientsSayIsSent(t *testing.T) {
	t.Parallel()
	collector := otlptest.Run(t)
	e := newExporter(t, otlp.Config{Traces: collector.URL()})
	finished(e, func(c *transcoder.Call) {
		c.Request.Path, c.Request.Method, c.Method = "/"+strings.Repeat("é", 10_000), "\xff", transcoder.BareMethod("/\xfe/\xff", false, false)
		c.Err = status.Errorf(codes.Internal, status.ReasonInternal, "\xff%s", strings.Repeat("x", 10_000))
	})
	finished(e, func(c *transcoder.Call) { c.Request.Path = "/good" })
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if n := e.Failed(); n != 0 {
		t.Errorf("%d requests failed", n)
	}
	spans := collector.Spans()
	if len(spans) != 6 {
		t.Fatalf("there are %d spans, want 6", len(spans))
	}
	for _, s := range spans {
		if size := proto.Size(s); size > 4<<10 {
			t.Errorf("a span has %d bytes", size)
		}
	}
	if got := spans[0].GetStatus().GetMessage(); !strings.HasPrefix(got, "\ufffdx") {
		t.Errorf("its message is %.20q", got)
	}
}

// Spans are what OpenTelemetry's own types read, to the last byte, and the same that they would write.
func TestSpansAreWhatOpenTelemetryReads(t *testing.T) {
	t.Parallel()
	collector := otlptest.Run(t)
	e := newExporter(t, otlp.Config{Traces: collector.URL()})
	finished(e, func(c *transcoder.Call) {
		c.Client, c.Cache = netip.MustParseAddr("10.0.0.1"), transcoder.CacheMiss
		c.Err = &status.Error{Code: codes.ResourceExhausted, Reason: status.ReasonRateLimited, Message: "later", Metadata: map[string]string{"rule": "r"}}
	})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range collector.Spans() {
		if len(s.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("of %v, %q is unknown", s, s.ProtoReflect().GetUnknown())
		}
		wants := uint32(tracev1.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK) | 1
		if s.GetKind() == tracev1.Span_SPAN_KIND_SERVER {
			wants |= uint32(tracev1.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
			of := otlptest.Attributes(s.GetAttributes())
			if of["client.address"] != "10.0.0.1" || of["dragoman.cache"] != "miss" || of["dragoman.rule"] != "r" || s.GetStatus() != nil {
				t.Errorf("the call is %v", s)
			}
		}
		if s.GetFlags() != wants || s.GetTraceState() != "a=1" {
			t.Errorf("its flags are %x, want %x; its state is %q", s.GetFlags(), wants, s.GetTraceState())
		}
	}
}

// What there is no room for is dropped and counted, and the queue is sent in batches of at most the size that was asked for.
func TestFault31SpansThatFindNoRoom(t *testing.T) {
	t.Parallel()
	env := map[string]string{"OTEL_BSP_MAX_QUEUE_SIZE": "30", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "3600000"}
	held, begun := make(chan struct{}), make(chan struct{}, 1)
	var mu sync.Mutex
	var sizes []int
	collector := otlptest.Run(t, grpc.UnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		select {
		case begun <- struct{}{}:
		default:
		}
		<-held
		mu.Lock()
		defer mu.Unlock()
		request, _ := r.(*traceservice.ExportTraceServiceRequest)
		sizes = append(sizes, len(request.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()))
		return next(ctx, r)
	}))
	e := newExporter(t, otlp.Config{Traces: collector.URL(), Getenv: func(name string) string { return env[name] }})
	for range 4 { // of three spans each: three fit a batch, and the next has it sent
		finished(e, nil)
	}
	<-begun // and now the collector is stuck
	const calls = 20
	for range calls - 4 {
		finished(e, nil)
	}
	dropped := e.Dropped()
	if want := uint64(3*calls - 30); dropped != want {
		t.Errorf("%d spans are dropped, want %d", dropped, want)
	}
	close(held)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := uint64(len(collector.Spans())) + e.Dropped(); got != 3*calls || e.Dropped() != dropped {
		t.Errorf("%d spans have come and %d are dropped, of %d", len(collector.Spans()), e.Dropped(), 3*calls)
	}
	if slices.Max(sizes) > 10 {
		t.Errorf("the batches have %d spans", sizes)
	}
}

// Lines of the gateway's own log and of calls come with their fields, and with the trace that they belong to; what is redacted does not.
func TestLogsAreSent(t *testing.T) {
	t.Parallel()
	collector := otlptest.Run(t)
	e := newExporter(t, otlp.Config{Logs: collector.URL(), Calls: true, Redact: telemetry.NewRedacted([]string{"path", "bytes_in", "duration_ms"})})
	var level slog.LevelVar
	log := slog.New(e.Handler(slog.NewTextHandler(new(strings.Builder), &slog.HandlerOptions{Level: &level})))
	log.Debug("not written")
	log.With(slog.String("a", "b")).WithGroup("g").Warn("written", slog.Int("n", 7), slog.Group("h", slog.Bool("yes", true)), slog.Any("error", errors.New("why")), slog.Duration("took", time.Second))
	level.Set(slog.LevelDebug)
	log.Debug("written now")
	c := finished(e, nil)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	lines := map[string]*logsv1.LogRecord{}
	for _, l := range collector.Lines() {
		lines[l.GetBody().GetStringValue()] = l
	}
	if len(lines) != 3 || lines["written now"] == nil {
		t.Fatalf("got %v", lines)
	}
	own := lines["written"]
	if own.GetSeverityNumber() != logsv1.SeverityNumber_SEVERITY_NUMBER_WARN || own.GetSeverityText() != "WARN" {
		t.Errorf("its severity is %v %s", own.GetSeverityNumber(), own.GetSeverityText())
	}
	for name, want := range map[string]any{"a": "b", "g.n": int64(7), "g.h.yes": true, "g.error": "why", "g.took": "1s"} {
		if got := otlptest.Attributes(own.GetAttributes())[name]; got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
	call := lines["call"]
	if string(call.GetTraceId()) != string(c.Trace.ID[:]) || string(call.GetSpanId()) != string(c.Trace.Span[:]) || call.GetFlags() != 1 {
		t.Errorf("the line of the call is of trace %x, span %x", call.GetTraceId(), call.GetSpanId())
	}
	for name, want := range map[string]any{
		"request_id": "id", "service": "acme.Books", "code": "OK", "http_status": int64(200), "reason": "ok", "backend_ms": 8.0, "gateway_ms": 2.0, "attempts": int64(2),
		"path": "(redacted)", "bytes_in": "(redacted)", "duration_ms": "(redacted)",
	} {
		if got := otlptest.Attributes(call.GetAttributes())[name]; got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
}

// Metrics come by the names that Prometheus is told.
func TestMetricsAreSent(t *testing.T) {
	t.Parallel()
	collector := otlptest.Run(t)
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dragoman_requests_total", Help: "x"}, []string{"code"})
	registry.MustRegister(counter)
	counter.WithLabelValues("OK").Add(3)
	e := newExporter(t, otlp.Config{Metrics: collector.URL(), Gatherer: registry, Interval: time.Hour})
	if err := e.Close(); err != nil { // sends what there is
		t.Fatal(err)
	}
	all := collector.Metrics()
	if len(all) != 1 || all[0].GetName() != "dragoman_requests_total" {
		t.Fatalf("got %v", all)
	}
	points := all[0].GetSum().GetDataPoints()
	if len(points) != 1 || points[0].GetAsDouble() != 3 || otlptest.Attributes(points[0].GetAttributes())["code"] != "OK" {
		t.Errorf("got %v", points)
	}
}

// While the collector is away, nobody waits, memory is bounded, and the end takes no longer than a moment. It is said once, and not for each call.
func TestACollectorThatIsAwayHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"nobody listens": unused(t), "it does not answer": silent(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			e := newExporter(t, otlp.Config{
				Traces: "http://" + address, Logs: "http://" + address, Calls: true, Timeout: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&text, nil)),
			})
			const calls = 6_000 // three times what the queues have room for
			before := heap()
			began := time.Now()
			for range calls {
				finished(e, nil)
			}
			each := time.Since(began) / calls
			grown := heap() - before
			t.Logf("%v for each call, %d KiB more", each, grown>>10)
			if each > 20*time.Millisecond { // on a machine that has much else to do; where the collector is waited for, it is a hundred
				t.Errorf("a call takes %v", each)
			}
			if grown > 64<<20 {
				t.Errorf("it takes %d MiB more", grown>>20)
			}
			began = time.Now()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("the end takes %v", took)
			}
			if n := strings.Count(text.String(), "\n"); n > 2 {
				t.Errorf("it is said %d times:\n%.2000s", n, text.String())
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // below 2^63
}

// unused returns an address at which nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// silent returns an address whose connections are never accepted.
func silent(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// What the environment says counts where the configuration says nothing; what cannot be done is refused.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:1"
	for _, test := range []struct {
		why     string
		env     map[string]string
		cfg     otlp.Config
		traces  bool
		sinks   int
		problem string
	}{
		{"nothing is said", nil, otlp.Config{}, false, 0, ""},
		{"the configuration says where", nil, otlp.Config{Traces: url}, true, 1, ""},
		{"all goes to one place", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url}, otlp.Config{Calls: true}, true, 2, ""},
		{"traces alone", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url}, otlp.Config{Calls: true}, true, 1, ""},
		{"all but traces", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_EXPORTER": "none"}, otlp.Config{Calls: true}, false, 1, ""},
		{"nothing is to be sent", map[string]string{"OTEL_SDK_DISABLED": "true"}, otlp.Config{Traces: url}, false, 0, ""},
		{"another protocol", map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, otlp.Config{Traces: url}, false, 0, `OTEL_EXPORTER_OTLP_PROTOCOL is "http/protobuf"; it must be grpc`},
		{"a queue that is none", map[string]string{"OTEL_BSP_MAX_QUEUE_SIZE": "0"}, otlp.Config{Traces: url}, false, 0, `OTEL_BSP_MAX_QUEUE_SIZE is "0"; it must be 1 to 65536`},
		{"a while that is none", map[string]string{"OTEL_BSP_SCHEDULE_DELAY": "5s"}, otlp.Config{Traces: url}, false, 0, `OTEL_BSP_SCHEDULE_DELAY is "5s"; it must be 1 to 3600000`},
		{"no file of certificates", nil, otlp.Config{Traces: url, CA: "none.pem"}, false, 0, "ca: open none.pem"},
		{"a file without certificates", nil, otlp.Config{Traces: url, CA: "otlp_test.go"}, false, 0, "ca: otlp_test.go has no certificate"},
	} {
		test.cfg.Getenv = func(name string) string { return test.env[name] }
		e, err := otlp.New(t.Context(), test.cfg)
		if test.problem != "" {
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%s: got %v", test.why, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
			continue
		}
		if e.Tracing() != test.traces || len(e.Sinks()) != test.sinks {
			t.Errorf("%s: traces: %t, %d take calls", test.why, e.Tracing(), len(e.Sinks()))
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSampling(t *testing.T) {
	t.Parallel()
	half := 50.0
	for _, test := range []struct {
		sampler, arg string
		percent      *float64
		want         float64
		ignoreParent bool
		problem      string
	}{
		{"", "", nil, otlp.DefaultSamplePercent, false, ""},
		{"always_off", "", &half, 50, false, ""}, // the configuration comes first
		{"always_on", "", nil, 100, true, ""},
		{"always_off", "", nil, 0, true, ""},
		{"traceidratio", "0.25", nil, 25, true, ""},
		{"parentbased_always_on", "", nil, 100, false, ""},
		{"parentbased_always_off", "", nil, 0, false, ""},
		{"parentbased_traceidratio", "0.1", nil, 10, false, ""},
		{"parentbased_traceidratio", "", nil, 100, false, ""},
		{"parentbased_traceidratio", "2", nil, 0, false, `OTEL_TRACES_SAMPLER_ARG is "2"; it must be 0 to 1`},
		{"jaeger_remote", "", nil, 0, false, `OTEL_TRACES_SAMPLER is "jaeger_remote"`},
	} {
		env := map[string]string{"OTEL_TRACES_SAMPLER": test.sampler, "OTEL_TRACES_SAMPLER_ARG": test.arg}
		percent, ignoreParent, err := otlp.Sampling(test.percent, false, func(name string) string { return env[name] })
		if test.problem != "" {
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%s %s: got %v", test.sampler, test.arg, err)
			}
			continue
		}
		if err != nil || percent != test.want || ignoreParent != test.ignoreParent {
			t.Errorf("%s %s: got %v, %t, %v", test.sampler, test.arg, percent, ignoreParent, err)
		}
	}
}
