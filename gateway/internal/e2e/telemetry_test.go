// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/internal/faults"
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

// scrape reads a gateway's metrics as Prometheus does.
func (d *dragoman) scrape(t testing.TB) map[string]*dto.MetricFamily {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), http.MethodGet, "http://"+d.admin+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		t.Fatalf("what is scraped cannot be read: %v", err)
	}
	return families
}

// sample returns the sum of the series that have these labels.
func sample(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	sum := 0.0
	for _, m := range families[name].GetMetric() {
		is := map[string]string{}
		for _, l := range m.GetLabel() {
			is[l.GetName()] = l.GetValue()
		}
		all := true
		for i := 0; i < len(labels); i += 2 {
			all = all && is[labels[i]] == labels[i+1]
		}
		if all {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// Calls by every protocol are counted, and so is what else happens: connections by what they speak, endpoints, loads, certificates.
func TestMetrics(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, call := range safeCalls(t, d) {
		call()
	}
	d.h1(t).call(t, "GET", "/no/such/route", "")
	var families map[string]*dto.MetricFamily
	for _, want := range []struct {
		name   string
		labels []string
		least  float64
	}{
		{"dragoman_requests_total", []string{"service", "dragoman.test.v1.BindingService", "method", "Safe", "protocol", "rest", "code", "OK", "reason", "ok"}, 3},
		{"dragoman_requests_total", []string{"protocol", "grpc", "method", "Safe"}, 1},
		{"dragoman_requests_total", []string{"protocol", "websocket", "method", "Safe"}, 1},
		{"dragoman_requests_total", []string{"service", "", "method", "", "reason", "no_route"}, 1},
		{"dragoman_request_duration_seconds", []string{"method", "Safe", "protocol", "connect"}, 3},
		{"dragoman_overhead_seconds", []string{"method", "Safe", "protocol", "rest"}, 3},
		{"dragoman_backend_attempts_total", []string{"backend", "test", "code", "OK"}, 10},
		{"dragoman_endpoint_state", []string{"backend", "test", "endpoint", d.backend.Address(), "state", "ready"}, 1},
		{"dragoman_connections", []string{"listener", "main", "protocol", "http2"}, 1},
		{"dragoman_connections", []string{"listener", "main", "protocol", "http1"}, 1},
		{"dragoman_schema_loads_total", []string{"source", "protos", "result", "ok"}, 1},
		{"dragoman_config_last_reload_success", nil, 1},
		{"dragoman_tls_cert_not_after_seconds", []string{"listener", secureName("main")}, 1},
		{"dragoman_build_info", nil, 1},
		{"dragoman_message_bytes_total", []string{"direction", "out"}, 1},
	} {
		eventually(t, func() error {
			families = d.scrape(t)
			if got := sample(families, want.name, want.labels...); got < want.least {
				return fmt.Errorf("%s %q is %v; want at least %v", want.name, want.labels, got, want.least)
			}
			return nil
		})
	}
}

// Connections that are closed are counted no more, whatever they spoke.
func TestConnectionsAreCountedWhileTheyAreOpen(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	silent := d.socket(t)
	h1, h2 := d.h1(t), d.h2(t)
	h1.call(t, "GET", "/test/v1/things/1", "")
	h2.call(t, "GET", "/test/v1/things/1", "")
	h3 := d.h3(t)
	h3.call(t, "GET", "/test/v1/things/1", "")
	socket := d.connect(t, binding+"Safe", nil)
	open := func(want map[string]float64) {
		t.Helper()
		eventually(t, func() error {
			families := d.scrape(t)
			for protocol, n := range want {
				if got := sample(families, "dragoman_connections", "protocol", protocol); got != n {
					return fmt.Errorf("%v connections of %s are open, want %v", got, protocol, n)
				}
			}
			return nil
		})
	}
	open(map[string]float64{"new": 1, "http1": 1, "http2": 1, "http3": 1, "websocket": 1})
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}
	h1.http.CloseIdleConnections()
	h2.http.CloseIdleConnections()
	socket.send("{}")
	socket.next(ws.MessageText)
	socket.ends(1000, "")
	open(map[string]float64{"new": 0, "http1": 0, "http2": 0, "websocket": 0})
}

// However many paths and methods clients make up, what is counted has no more series than before; nor does the console know more routes.
// With DRAGOMAN_FAULTS it is a hundred thousand of them.
func TestThreatClientsMakeUpNoSeries(t *testing.T) {
	t.Parallel()
	calls := 3_000
	if faults.Held() {
		calls = 100_000
	}
	d := start(t, nil)
	socket := d.socket(t)
	answers := bufio.NewReader(socket)
	wait := func(n int) {
		t.Helper()
		for i := range n {
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
		}
	}
	say := func(from, to int) error {
		w := bufio.NewWriter(socket)
		for i := from; i < to; i++ {
			var err error
			switch i % 3 {
			case 0:
				_, err = fmt.Fprintf(w, "GET /made/up/%d HTTP/1.1\r\nhost: x\r\n\r\n", i)
			case 1:
				_, err = fmt.Fprintf(w, "POST /made.up%d.Service/Method%d HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n", i, i)
			case 2:
				_, err = fmt.Fprintf(w, "MADE-UP-%d /test/v1/things/%d HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", i, i)
			}
			if err != nil {
				return err
			}
		}
		return w.Flush()
	}
	if err := say(0, 3); err != nil {
		t.Fatal(err)
	}
	wait(3)
	counted := func(n int) map[string]*dto.MetricFamily { // a call is counted when its answer has been sent
		t.Helper()
		var families map[string]*dto.MetricFamily
		eventually(t, func() error {
			families = d.scrape(t)
			if got := sample(families, "dragoman_requests_total"); int(got) != n {
				return fmt.Errorf("%v calls are counted", got)
			}
			return nil
		})
		return families
	}
	before := seriesOf(counted(3))
	said := make(chan error, 1)
	go func() { said <- say(3, calls+3) }()
	wait(calls)
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	if after := seriesOf(counted(calls + 3)); after != before {
		t.Errorf("there were %d series, and are %d", before, after)
	}
	if n := len(d.started.History.Routes(time.Time{})) + len(d.started.History.Services(time.Time{})); n != 0 {
		t.Errorf("the console knows %d routes and services that nobody has", n)
	}
}

// seriesOf counts what is about the gateway and not about the runtime.
func seriesOf(families map[string]*dto.MetricFamily) int {
	n := 0
	for name, f := range families {
		if strings.HasPrefix(name, "dragoman_") {
			n += len(f.GetMetric())
		}
	}
	return n
}

// What the gateway itself answers says why, by every protocol, unless that is turned off; where the time of a call went, and under which id it is
// kept, is told to who shows the token, and the backend never sees that.
func TestReasonsAndTimesAreTold(t *testing.T) {
	t.Parallel()
	const token = "a-token-that-is-long"
	for _, hidden := range []bool{false, true} {
		d := start(t, func(cfg *config.Config) { cfg.Observability.HideReason, cfg.Observability.DebugToken = hidden, token })
		want := "deadline_exceeded"
		if hidden {
			want = ""
		}
		h2 := d.h2(t)
		enveloped := string(frame{}.bytes())
		for name, a := range map[string]*answer{
			"rest":     h2.call(t, "GET", "/test/v1/things/1", "", "grpc-timeout", "0S"),
			"grpc":     h2.do(t, h2.request(t, "POST", binding+"Get", enveloped, "content-type", "application/grpc", "te", "trailers", "grpc-timeout", "0S")),
			"grpc-web": h2.do(t, h2.request(t, "POST", binding+"Get", enveloped, web("application/grpc-web", "x-own", "1", "grpc-timeout", "0S")...)),
			"connect":  h2.do(t, h2.request(t, "POST", binding+"Get", "", "content-type", "application/proto", "connect-timeout-ms", "0")),
		} {
			if got := a.header.Get("x-dragoman-reason") + a.trailer.Get("x-dragoman-reason"); got != want {
				t.Errorf("%s, hidden: %t: the reason is %q, want %q; %d %v", name, hidden, got, want, a.status, a.header)
			}
		}
		for _, shown := range []string{"", "a-token-that-is-wrong", token} {
			a := d.h1(t).call(t, "GET", "/test/v1/things/1", "", "x-dragoman-debug", shown, "x-request-id", "asked")
			timing, id := a.header.Get("server-timing"), a.header.Get("x-dragoman-explain")
			if told := timing != "" || id != ""; told != (shown == token) {
				t.Errorf("%q is shown, and the times are %q", shown, timing)
			} else if told && (!regexp.MustCompile(`^match;dur=\d+\.\d{3}, deadline;dur=\d+\.\d{3}, (\w+;dur=\d+\.\d{3}, )*backend;dur=\d+\.\d{3}$`).MatchString(timing) || id != "asked") {
				t.Errorf("the times are %q, the id is %q", timing, id)
			}
			if got := metadataOf(d.backend.Last(binding+"Get"), "x-dragoman-debug"); len(got) > 0 {
				t.Errorf("the backend sees %q", got)
			}
		}
	}
}
