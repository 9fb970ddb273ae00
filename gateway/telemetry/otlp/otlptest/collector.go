// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package otlptest provides a collector of OpenTelemetry for tests: it speaks OTLP over gRPC, by the published protos, and keeps what it gets.
package otlptest

import (
	"context"
	"net"
	"sync"
	"testing"

	logsservice "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsservice "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traceservice "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // so that it reads what is compressed
	"google.golang.org/grpc/metadata"
)

// Collector keeps what it is sent. It is safe for concurrent use.
type Collector struct {
	address string
	changed chan struct{} // has room for one

	mu        sync.Mutex
	spans     []*tracev1.Span
	metrics   []*metricsv1.Metric
	lines     []*logsv1.LogRecord
	resources []*resourcev1.Resource
	headers   []metadata.MD
}

// Run starts a collector that runs until the test ends.
func Run(t testing.TB, options ...grpc.ServerOption) *Collector {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{address: l.Addr().String(), changed: make(chan struct{}, 1)}
	server := grpc.NewServer(options...)
	traceservice.RegisterTraceServiceServer(server, traces{collector: c})
	metricsservice.RegisterMetricsServiceServer(server, metrics{collector: c})
	logsservice.RegisterLogsServiceServer(server, logs{collector: c})
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return c
}

// URL is where it is, in clear text.
func (c *Collector) URL() string { return "http://" + c.address }

// Address is where it is, as host:port.
func (c *Collector) Address() string { return c.address }

// Changed gives something when more has come since it last did.
func (c *Collector) Changed() <-chan struct{} { return c.changed }

// Spans returns the spans that have come.
func (c *Collector) Spans() []*tracev1.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*tracev1.Span(nil), c.spans...)
}

// Metrics returns the metrics that have come.
func (c *Collector) Metrics() []*metricsv1.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*metricsv1.Metric(nil), c.metrics...)
}

// Lines returns the lines of logs that have come.
func (c *Collector) Lines() []*logsv1.LogRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*logsv1.LogRecord(nil), c.lines...)
}

// Resources returns what each request said that it comes from.
func (c *Collector) Resources() []*resourcev1.Resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*resourcev1.Resource(nil), c.resources...)
}

// Headers returns the metadata of each request.
func (c *Collector) Headers() []metadata.MD {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]metadata.MD(nil), c.headers...)
}

func (c *Collector) keep(ctx context.Context, do func()) {
	c.mu.Lock()
	md, _ := metadata.FromIncomingContext(ctx)
	c.headers = append(c.headers, md)
	do()
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Attributes returns attributes by their names, as text, numbers and booleans.
func Attributes(list []*commonv1.KeyValue) map[string]any {
	all := map[string]any{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *commonv1.AnyValue_StringValue:
			all[a.GetKey()] = v.StringValue
		case *commonv1.AnyValue_IntValue:
			all[a.GetKey()] = v.IntValue
		case *commonv1.AnyValue_DoubleValue:
			all[a.GetKey()] = v.DoubleValue
		case *commonv1.AnyValue_BoolValue:
			all[a.GetKey()] = v.BoolValue
		}
	}
	return all
}

type traces struct {
	traceservice.UnimplementedTraceServiceServer

	collector *Collector
}

func (s traces) Export(ctx context.Context, r *traceservice.ExportTraceServiceRequest) (*traceservice.ExportTraceServiceResponse, error) {
	s.collector.keep(ctx, func() {
		for _, of := range r.GetResourceSpans() {
			s.collector.resources = append(s.collector.resources, of.GetResource())
			for _, scope := range of.GetScopeSpans() {
				s.collector.spans = append(s.collector.spans, scope.GetSpans()...)
			}
		}
	})
	return &traceservice.ExportTraceServiceResponse{}, nil
}

type metrics struct {
	metricsservice.UnimplementedMetricsServiceServer

	collector *Collector
}

func (s metrics) Export(ctx context.Context, r *metricsservice.ExportMetricsServiceRequest) (*metricsservice.ExportMetricsServiceResponse, error) {
	s.collector.keep(ctx, func() {
		for _, of := range r.GetResourceMetrics() {
			s.collector.resources = append(s.collector.resources, of.GetResource())
			for _, scope := range of.GetScopeMetrics() {
				s.collector.metrics = append(s.collector.metrics, scope.GetMetrics()...)
			}
		}
	})
	return &metricsservice.ExportMetricsServiceResponse{}, nil
}

type logs struct {
	logsservice.UnimplementedLogsServiceServer

	collector *Collector
}

func (s logs) Export(ctx context.Context, r *logsservice.ExportLogsServiceRequest) (*logsservice.ExportLogsServiceResponse, error) {
	s.collector.keep(ctx, func() {
		for _, of := range r.GetResourceLogs() {
			s.collector.resources = append(s.collector.resources, of.GetResource())
			for _, scope := range of.GetScopeLogs() {
				s.collector.lines = append(s.collector.lines, scope.GetLogRecords()...)
			}
		}
	})
	return &logsservice.ExportLogsServiceResponse{}, nil
}
