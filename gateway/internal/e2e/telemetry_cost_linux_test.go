// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/metrics"
	"github.com/dragoman-gateway/dragoman/gateway/telemetry/otlp"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/nethttp"
)

// instant is a backend that answers at once, so that what a call costs is the gateway's.
type instant struct{ answer mem.SliceBuffer }

func (i instant) Forward(c *transcoder.Call, s transcoder.Stream) error {
	c.Backend, c.Endpoint = "instant", "10.0.0.1:50051"
	err := transcoder.Forward(c, s, i)
	c.SetTries([]transcoder.Try{{Endpoint: c.Endpoint, Took: time.Microsecond, Span: transcoder.NewSpanID()}})
	return err
}

func (i instant) Invoke(_ context.Context, _ string, _, reply any, _ ...grpc.CallOption) error {
	if m, ok := reply.(*transcoder.Message); ok {
		m.Data = mem.BufferSlice{i.answer}
	}
	return nil
}

func (instant) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, io.ErrUnexpectedEOF
}

// deaf runs a collector that reads nothing of what it gets, so that its work is not taken for the gateway's, and returns where.
func deaf(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(transcoder.RawCodec{}), grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		var m transcoder.Message
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		m.Free()
		return s.SendMsg(&transcoder.Message{})
	}))
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return l.Addr().String()
}

// caller calls a gateway without sockets.
type caller struct {
	handler http.Handler
	request *http.Request
}

func newCaller(t testing.TB, observer gateway.Observer, tracing *gateway.Tracing) *caller {
	t.Helper()
	g := gateway.New(slog.New(slog.DiscardHandler))
	g.Swap(embedded(t, instant{}, observer))
	g.SetTracing(tracing)
	t.Cleanup(g.Close)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/test/v1/things/1", http.NoBody)
	r.Header.Set("User-Agent", "phone/1.0")
	return &caller{handler: nethttp.Handler(nethttp.Config{Listener: "main"}, g.Serve), request: r}
}

func (c *caller) call(t testing.TB) {
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, c.request)
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
}

// telling returns a gateway of which all is told that is by default, and traces of one call in twenty.
func telling(t testing.TB) *caller {
	t.Helper()
	exporter, err := otlp.New(t.Context(), otlp.Config{Traces: "http://" + deaf(t)})
	if err != nil {
		t.Fatal(err)
	}
	access := telemetry.NewAccessLog(io.Discard, telemetry.AccessLogConfig{Format: telemetry.JSON, Redact: telemetry.NewRedacted(nil)})
	t.Cleanup(func() {
		access.Close()
		if err := exporter.Close(); err != nil {
			t.Error(err)
		}
	})
	feed, err := telemetry.NewFeed(telemetry.DefaultRecent)
	if err != nil {
		t.Fatal(err)
	}
	tracing, err := gateway.NewTracing(gateway.TracingConfig{Percent: otlp.DefaultSamplePercent})
	if err != nil {
		t.Fatal(err)
	}
	sinks := append([]telemetry.Sink{feed, telemetry.NewHistory(), metrics.New(metrics.Config{}), access}, exporter.Sinks()...)
	return newCaller(t, telemetry.NewRecorder(sinks...), tracing)
}

// cpu is the time that the process has spent on processors: what is done in the background counts.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestThreatTelemetryIsCheap: metrics, the access log, the console's history and traces of one call in twenty cost at most 2 µs of processor time for each
// unary call, and no allocation but for what is recorded of that one. Both are called in turn, in one run, and first by turns; time is the process's own, so that
// other work on the machine counts for little.
func TestThreatTelemetryIsCheap(t *testing.T) {
	off, on := newCaller(t, nil, nil), telling(t)
	rounds, calls := 5, 200
	if faults.Held() {
		rounds, calls = 41, 5_000
	}
	more := make([]time.Duration, rounds)
	for i := range more {
		spent := func(c *caller) time.Duration {
			before := cpu(t)
			for range calls {
				c.call(t)
			}
			return cpu(t) - before
		}
		first, second := on, off
		if i%2 == 1 {
			first, second = off, on
		}
		one, two := spent(first), spent(second)
		if i%2 == 1 {
			one, two = two, one
		}
		more[i] = (one - two) / time.Duration(calls)
	}
	slices.Sort(more)
	cost := more[len(more)/2]
	plain := testing.AllocsPerRun(calls, func() { off.call(t) })
	told := testing.AllocsPerRun(calls, func() { on.call(t) })
	t.Logf("a call costs %v more (half of the rounds are between %v and %v), and %.1f allocations beside %.1f", cost, more[len(more)/4], more[len(more)*3/4], told-plain, plain)
	if faults.Held() && cost > 2*time.Microsecond {
		t.Errorf("telemetry costs %v for each call; want at most 2µs", cost)
	}
	if !race.Enabled && told-plain > 1 { // of one in twenty: its exemplar, and what sends its spans
		t.Errorf("telemetry allocates %.1f times for each call", told-plain)
	}
}

func BenchmarkTelemetry(b *testing.B) {
	for _, way := range []struct {
		name string
		to   func() *caller
	}{{"off", func() *caller { return newCaller(b, nil, nil) }}, {"on", func() *caller { return telling(b) }}} {
		b.Run(way.name, func(b *testing.B) {
			c := way.to()
			b.ReportAllocs()
			for b.Loop() {
				c.call(b)
			}
		})
	}
}
