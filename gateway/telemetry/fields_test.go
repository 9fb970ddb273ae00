// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// written returns the line of a call.
func written(t testing.TB, cfg telemetry.AccessLogConfig, headers []string, c *transcoder.Call) string {
	t.Helper()
	var out bytes.Buffer
	l := telemetry.NewAccessLog(&out, cfg)
	telemetry.NewRecorder(l).WithHeaders(headers).Observe(c)
	l.Close()
	return out.String()
}

// A line has the fields that it is to have, by their names; those that are asked for are added.
func TestFieldsOfALine(t *testing.T) {
	t.Parallel()
	c := call("/v1/books")
	c.TraceID, c.Cache, c.FirstByte = strings.Repeat("a", 32), transcoder.CacheMiss, c.Start.Add(time.Millisecond)
	c.Method = transcoder.BareMethod("/acme.Books/Get", false, false)
	c.Method.Rule = "acme.**"
	c.Identity = &transcoder.Identity{Provider: "mobile", Subject: "ada", Tenant: "t"}
	c.Err = &status.Error{Code: codes.ResourceExhausted, Reason: status.ReasonRateLimited, Message: "too often", Metadata: map[string]string{"rule": "per-caller"}}
	c.Request.Header.Add("x-tenant", "acme")
	line := written(t, telemetry.AccessLogConfig{Format: telemetry.JSON}, []string{"x-tenant", "x-none"}, c)
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields("time level msg request_id trace_id client_ip protocol method path route service rpc code http_status reason backend endpoint attempts " +
		"duration_ms gateway_ms backend_ms ttfb_ms bytes_in bytes_out messages_in messages_out subject rule cache user_agent header.x-tenant")
	for _, name := range names {
		if fields[name] == nil {
			t.Errorf("%s is missing in %s", name, line)
		}
	}
	if fields["header.x-tenant"] != "acme" || fields["reason"] != "rate_limited" || fields["rule"] != "per-caller" || fields["ttfb_ms"] != 1.0 {
		t.Errorf("got %s", line)
	}
}

// Of what is redacted nothing is written, and of credentials nothing in any case, in every form of a line.
func TestThreatI7Redaction(t *testing.T) {
	t.Parallel()
	const secret = "marker"
	c := call("/v1/" + secret)
	c.Request.Header = wire.Header{{Name: "user-agent", Value: secret}, {Name: "x-tenant", Value: secret}}
	var headers []string
	for _, name := range []string{"authorization", "cookie", "proxy-authorization", "x-api-key", "x-dragoman-debug"} {
		headers = append(headers, name)
		c.Request.Header.Add(name, secret)
	}
	headers = append(headers, "x-tenant")
	c.Err = status.Errorf(codes.Internal, status.ReasonInternal, "%s", secret)
	redact := telemetry.NewRedacted([]string{"path", "user_agent", "message", "x-tenant", "client_ip", "duration_ms", "http_status"})
	for name, format := range map[string]telemetry.Format{"JSON": telemetry.JSON, "text": telemetry.Text} {
		line := written(t, telemetry.AccessLogConfig{Format: format, Redact: redact}, headers, c)
		if strings.Contains(line, secret) {
			t.Errorf("%s: the secret is in %s", name, line)
		}
		if name == "JSON" && strings.Count(line, "(redacted)") != 12 {
			t.Errorf("%d fields are redacted in %s", strings.Count(line, "(redacted)"), line)
		}
	}
}

// Of calls that went well and fast the share is written, by their ids the same in every log; of others all.
func TestSampling(t *testing.T) {
	t.Parallel()
	percent := 10.0
	s, err := telemetry.NewSampling(&percent, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	const calls = 20_000
	n := 0
	for i := range calls {
		r := &telemetry.Record{RequestID: fmt.Sprintf("01JD%022d", i), Duration: time.Millisecond}
		first := s.Wants(r)
		if first {
			n++
		}
		if again := s.Wants(r); again != first {
			t.Fatal("it says now this and now that")
		}
		slow, failed := *r, *r
		slow.Duration, failed.Code = 100*time.Millisecond, codes.NotFound
		if !s.Wants(&slow) || !s.Wants(&failed) {
			t.Fatal("a call that is slow or failed is not written")
		}
	}
	if want := calls / 10; math.Abs(float64(n-want)) > float64(want)/10 {
		t.Errorf("%d of %d are written", n, calls)
	}
	var everything *telemetry.Sampling
	if !everything.Wants(&telemetry.Record{}) {
		t.Error("without sampling, a call is not written")
	}
	for _, wrong := range []float64{-1, 101, math.NaN()} {
		if _, err := telemetry.NewSampling(&wrong, 0); err == nil {
			t.Errorf("%v percent is accepted", wrong)
		}
	}
}

// Milliseconds are written as strconv would, to the microsecond.
func TestMillisecondsOfALine(t *testing.T) {
	t.Parallel()
	var got []string
	for _, us := range []int64{0, 1, 10, 100, 1000, 1001, 1010, 1100, 1234, 999_999, 60_000_000} {
		c := call("/a")
		c.BackendTime = time.Duration(us) * time.Microsecond
		var fields struct {
			Backend json.Number `json:"backend_ms"`
		}
		if err := json.Unmarshal([]byte(written(t, telemetry.AccessLogConfig{Format: telemetry.JSON}, nil, c)), &fields); err != nil {
			t.Fatal(err)
		}
		got = append(got, fields.Backend.String())
	}
	if want := strings.Fields("0 0.001 0.01 0.1 1 1.001 1.01 1.1 1.234 999.999 60000"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
