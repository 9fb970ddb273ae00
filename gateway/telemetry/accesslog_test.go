// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func call(path string) *transcoder.Call {
	now := time.Date(2026, 11, 22, 14, 2, 52, 0, time.UTC)
	return &transcoder.Call{
		Request: &transcoder.Request{
			Method: "GET", Path: path, Listener: "public", Header: wire.Header{{Name: "user-agent", Value: "test"}, {Name: "authorization", Value: "marker"}},
			Query: "token=marker",
		},
		Protocol: "rest", RequestID: "id", Client: netip.MustParseAddr("127.0.0.2"), HTTPStatus: 503,
		Backend: "users", Endpoint: "10.0.0.1:50051", Split: "services[0].split[1]", Attempts: 1, Start: now, End: now.Add(4100 * time.Microsecond), BackendTime: 3900 * time.Microsecond,
		Err: &status.Error{Code: codes.Unavailable, Reason: status.ReasonNoReadyBackend, Message: "no endpoint", Cause: errors.New("dial failed")},
	}
}

// observe gives a call to a sink, as the gateway does.
func observe(s telemetry.Sink, c *transcoder.Call) { telemetry.NewRecorder(s).Observe(c) }

// I6: whatever a client sends, a call is one line of JSON, and no text of it is cut out of its field. I7: no header, no query.
func TestThreatI6OneLinePerCall(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/a", "/\n{\"level\":\"fake\"}", "/\"\\\u2028\x00\xff", "/" + strings.Repeat("x", 100_000)} {
		var out bytes.Buffer
		l := telemetry.NewAccessLog(&out, telemetry.AccessLogConfig{Format: telemetry.JSON})
		observe(l, call(path))
		l.Close()
		line := strings.TrimSuffix(out.String(), "\n")
		if strings.ContainsAny(line, "\n\r") || len(line) > 8192 || strings.Contains(line, "marker") {
			t.Errorf("%.40q: the line is %.200q", path, line)
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%.40q: %v in %.200q", path, err, line)
			continue
		}
		for name, want := range map[string]any{
			"level": "WARN", "request_id": "id", "client_ip": "127.0.0.2", "protocol": "rest", "method": "GET", "code": "UNAVAILABLE", "http_status": 503.0,
			"reason": "no_ready_backend", "detail": "dial failed", "backend": "users", "endpoint": "10.0.0.1:50051", "split": "services[0].split[1]", "attempts": 1.0,
			"duration_ms": 4.1, "backend_ms": 3.9, "gateway_ms": 0.2, "user_agent": "test",
		} {
			if fields[name] != want {
				t.Errorf("%.40q: %s is %v; want %v", path, name, fields[name], want)
			}
		}
	}
}

func TestTextIsALineForAPerson(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := telemetry.NewAccessLog(&out, telemetry.AccessLogConfig{Format: telemetry.Text})
	observe(l, call("/v1/users/42\x1b[31m"))
	l.Close()
	for _, want := range []string{"GET /v1/users/42\\u001b[31m", "503 Service Unavailable", "rest=UNAVAILABLE", "4.1 ms (gateway 0.2)", "users→10.0.0.1:50051", "no_ready_backend: no endpoint (dial failed)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}

// stuck is a writer that takes nothing until it is let go.
type stuck struct {
	free chan struct{}
	mu   sync.Mutex
	n    int // lines; guarded by mu
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// Fault 31: a writer that is stuck holds up nobody; what does not fit is counted, and the rest is written when it moves again.
func TestFault31StuckWriter(t *testing.T) {
	t.Parallel()
	const calls = 20_000
	out := &stuck{free: make(chan struct{})}
	l := telemetry.NewAccessLog(out, telemetry.AccessLogConfig{Format: telemetry.JSON})
	for range calls {
		observe(l, call("/a"))
	}
	if l.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
	close(out.free)
	l.Close()
	if got := out.n + int(l.Dropped()); got != calls {
		t.Errorf("%d lines are written and %d dropped, of %d", out.n, l.Dropped(), calls)
	}
}
