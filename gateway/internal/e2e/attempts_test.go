// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"cmp"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/otlp/otlptest"
)

// seenAttempt is what a server saw of an attempt.
type seenAttempt struct {
	endpoint string
	parent   string // its traceparent
	previous string // its grpc-previous-rpc-attempts
}

// visited keeps, by the id of the request, the attempts that servers saw, in the order in which they came.
type visited struct {
	mu  sync.Mutex
	all map[string][]seenAttempt // guarded by mu
}

// serve returns what a server does: keep the attempt, and answer as answer has it, which is told which one of its call it is, from 1.
func (v *visited) serve(answer func(s grpc.ServerStream, number int) error) func(string, grpc.ServerStream) error {
	return func(_ string, s grpc.ServerStream) error {
		md, _ := metadata.FromIncomingContext(s.Context())
		client, _ := peer.FromContext(s.Context())
		id := strings.Join(md.Get("x-request-id"), ",")
		v.mu.Lock()
		v.all[id] = append(v.all[id], seenAttempt{
			endpoint: client.LocalAddr.String(), parent: strings.Join(md.Get("traceparent"), ","), previous: strings.Join(md.Get("grpc-previous-rpc-attempts"), ","),
		})
		number := len(v.all[id])
		v.mu.Unlock()
		if err := s.RecvMsg(raw("")); err != nil {
			return err
		}
		return answer(s, number)
	}
}

// traced has everything of a gateway that a client says is recorded sent to a collector, and nothing else.
func traced(c *config.Config, collector *otlptest.Collector) {
	none := 0.0
	c.Observability.Tracing = config.Tracing{Endpoint: collector.URL(), SamplePercent: &none}
}

// wantAttempts looks at the spans of a call: one of the server, within the client's trace, and of each attempt one of a client, which is a
// child of it, says why there was the attempt and what became of it, and is what its server was told as its parent. The kinds are in the order in
// which attempts began, the codes in that in which they came to a server.
func wantAttempts(t *testing.T, name string, spans []*tracev1.Span, id string, seen []seenAttempt, kinds, wantCodes []string) {
	t.Helper()
	i := slices.IndexFunc(spans, func(s *tracev1.Span) bool {
		return s.GetKind() == tracev1.Span_SPAN_KIND_SERVER && otlptest.Attributes(s.GetAttributes())["dragoman.request_id"] == id
	})
	if i < 0 {
		t.Errorf("%s: the call has no span", name)
		return
	}
	call := spans[i]
	if hex.EncodeToString(call.GetTraceId()) != traceID || otlptest.Attributes(call.GetAttributes())["rpc.response.status_code"] != "OK" {
		t.Errorf("%s: the call is %v", name, call)
	}
	var attempts []*tracev1.Span
	for _, s := range spans {
		if string(s.GetParentSpanId()) == string(call.GetSpanId()) {
			attempts = append(attempts, s)
		}
	}
	slices.SortFunc(attempts, func(a, b *tracev1.Span) int { return cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano()) })
	if len(attempts) != len(kinds) || len(seen) != len(wantCodes) {
		t.Errorf("%s: there are spans of %d attempts, and servers saw %d; want %d", name, len(attempts), len(seen), len(kinds))
		return
	}
	for i, s := range attempts {
		parent := "00-" + traceID + "-" + hex.EncodeToString(s.GetSpanId()) + "-01"
		came := slices.IndexFunc(seen, func(a seenAttempt) bool { return a.parent == parent })
		if came < 0 {
			t.Errorf("%s: no server was told %s, of attempt %d; they were told %v", name, parent, i+1, seen)
			continue
		}
		code, failed := wantCodes[came], s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR
		of := otlptest.Attributes(s.GetAttributes())
		if s.GetKind() != tracev1.Span_SPAN_KIND_CLIENT || string(s.GetTraceId()) != string(call.GetTraceId()) || failed != (code != "OK") ||
			of["dragoman.attempt"] != kinds[i] || of["dragoman.attempt_number"] != int64(i+1) || of["rpc.response.status_code"] != code ||
			of["server.address"] != seen[came].endpoint || of["dragoman.backend"] != "test" {
			t.Errorf("%s: attempt %d is %v; want a %s with %s at %s", name, i+1, s, kinds[i], code, seen[came].endpoint)
		}
		if s.GetStartTimeUnixNano() < call.GetStartTimeUnixNano() || s.GetEndTimeUnixNano() > call.GetEndTimeUnixNano() {
			t.Errorf("%s: attempt %d was not while the call was", name, i+1)
		}
	}
}

// A call that is tried again has a span, and each of its attempts one within it, in every protocol.
func TestEachRetryIsASpan(t *testing.T) {
	t.Parallel()
	collector, v := otlptest.Run(t), &visited{all: map[string][]seenAttempt{}}
	address := misbehave(t, v.serve(func(s grpc.ServerStream, number int) error {
		if number == 1 {
			return grpcstatus.Error(codes.Unavailable, "not now")
		}
		return s.SendMsg(raw(""))
	}))
	d := startFor(t, address, func(c *config.Config) { traced(c, collector) })
	eventually(t, func() error { return d.ready(t.Context()) })
	calls := safeCalls(t, d)
	for name, call := range calls {
		call("traceparent", traceParent, "x-request-id", idOf(name))
	}
	if err := d.stop(patience); err != nil {
		t.Fatal(err)
	}
	for name := range calls {
		seen := v.all[idOf(name)]
		wantAttempts(t, name, collector.Spans(), idOf(name), seen, []string{"first", "retry"}, []string{"UNAVAILABLE", "OK"})
		if len(seen) == 2 && (seen[0].previous != "" || seen[1].previous != "1") {
			t.Errorf("%s: the server was told of %q and %q attempts before", name, seen[0].previous, seen[1].previous)
		}
	}
	if got := len(collector.Spans()); got != 3*len(calls) {
		t.Errorf("there are %d spans for %d calls", got, len(calls))
	}
}

// A call that is late is made once more on another endpoint, and both are spans: the one that lost says so.
func TestAHedgeIsASpan(t *testing.T) {
	t.Parallel()
	collector, v := otlptest.Run(t), &visited{all: map[string][]seenAttempt{}}
	const slow = "slow"
	addresses := make([]string, 2)
	for i := range addresses {
		addresses[i] = misbehave(t, v.serve(func(s grpc.ServerStream, number int) error {
			md, _ := metadata.FromIncomingContext(s.Context())
			if number == 1 && strings.HasPrefix(md.Get("x-request-id")[0], slow) {
				<-s.Context().Done() // until the other one has won
				return s.Context().Err()
			}
			return s.SendMsg(raw(""))
		}))
	}
	d := startFor(t, addresses[0], func(c *config.Config) {
		traced(c, collector)
		other, err := endpoint.New(endpoint.Spec{Addresses: addresses[1:]})
		if err != nil {
			t.Fatal(err)
		}
		c.Backends[0].Endpoints = append(c.Backends[0].Endpoints, other)
		c.Defaults.Hedge = &backend.HedgeConfig{After: 50 * time.Millisecond, Percent: 50}
	})
	calls := safeCalls(t, d)
	eventually(t, func() error { // both are ready
		both := map[string]bool{}
		for _, call := range calls {
			call("x-request-id", "quick")
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, seen := range v.all["quick"] {
			both[seen.endpoint] = true
		}
		if len(both) < len(addresses) {
			return errors.New("one of the endpoints has had no call yet")
		}
		return nil
	})
	for name, call := range calls {
		for range 4 { // enough is saved up for a hedge
			call("x-request-id", "quick")
		}
		call("traceparent", traceParent, "x-request-id", slow+idOf(name))
	}
	if err := d.stop(patience); err != nil {
		t.Fatal(err)
	}
	for name := range calls {
		seen := v.all[slow+idOf(name)]
		wantAttempts(t, name, collector.Spans(), slow+idOf(name), seen, []string{"first", "hedge"}, []string{"CANCELLED", "OK"})
		if len(seen) == 2 && seen[0].endpoint == seen[1].endpoint {
			t.Errorf("%s: both attempts went to %s", name, seen[0].endpoint)
		}
	}
}
