// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package otlptest provides a collector of OpenTelemetry for tests: it speaks OTLP over gRPC, by the published protos, and keeps what it gets.
package otlptest

import (
	"context"
	"net"
	"slices"
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
	traceservice.RegisterTraceServiceServer(server, traces{service: service[traceservice.ExportTraceServiceRequest, traceservice.ExportTraceServiceResponse]{
		c, func(r *traceservice.ExportTraceServiceRequest) {
			keep(c, &c.spans, r.GetResourceSpans(), (*tracev1.ResourceSpans).GetScopeSpans, (*tracev1.ScopeSpans).GetSpans)
		},
	}})
	metricsservice.RegisterMetricsServiceServer(server, metrics{service: service[metricsservice.ExportMetricsServiceRequest, metricsservice.ExportMetricsServiceResponse]{
		c, func(r *metricsservice.ExportMetricsServiceRequest) {
			keep(c, &c.metrics, r.GetResourceMetrics(), (*metricsv1.ResourceMetrics).GetScopeMetrics, (*metricsv1.ScopeMetrics).GetMetrics)
		},
	}})
	logsservice.RegisterLogsServiceServer(server, logs{service: service[logsservice.ExportLogsServiceRequest, logsservice.ExportLogsServiceResponse]{
		c, func(r *logsservice.ExportLogsServiceRequest) {
			keep(c, &c.lines, r.GetResourceLogs(), (*logsv1.ResourceLogs).GetScopeLogs, (*logsv1.ScopeLogs).GetLogRecords)
		},
	}})
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
func (c *Collector) Spans() []*tracev1.Span { return kept(c, &c.spans) }

// Metrics returns the metrics that have come.
func (c *Collector) Metrics() []*metricsv1.Metric { return kept(c, &c.metrics) }

// Lines returns the lines of logs that have come.
func (c *Collector) Lines() []*logsv1.LogRecord { return kept(c, &c.lines) }

// Resources returns what each request said that it comes from.
func (c *Collector) Resources() []*resourcev1.Resource { return kept(c, &c.resources) }

// Headers returns the metadata of each request.
func (c *Collector) Headers() []metadata.MD { return kept(c, &c.headers) }

func kept[T any](c *Collector, list *[]T) []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(*list)
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

// service takes requests of one kind. What the generated interfaces want beside is embedded by those below.
type service[Request, Response any] struct {
	collector *Collector
	keep      func(*Request) // the collector is locked
}

// Export takes a request.
func (s service[Request, Response]) Export(ctx context.Context, r *Request) (*Response, error) {
	c := s.collector
	c.mu.Lock()
	md, _ := metadata.FromIncomingContext(ctx)
	c.headers = append(c.headers, md)
	s.keep(r)
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return new(Response), nil
}

// keep keeps what a request has, by resource and scope, in a list of the collector, which is locked.
func keep[Resource interface {
	GetResource() *resourcev1.Resource
}, Scope, T any](c *Collector, list *[]T, all []Resource, scopes func(Resource) []Scope, of func(Scope) []T) {
	for _, resource := range all {
		c.resources = append(c.resources, resource.GetResource())
		for _, scope := range scopes(resource) {
			*list = append(*list, of(scope)...)
		}
	}
}

type traces struct {
	traceservice.UnsafeTraceServiceServer
	service[traceservice.ExportTraceServiceRequest, traceservice.ExportTraceServiceResponse]
}

type metrics struct {
	metricsservice.UnsafeMetricsServiceServer
	service[metricsservice.ExportMetricsServiceRequest, metricsservice.ExportMetricsServiceResponse]
}

type logs struct {
	logsservice.UnsafeLogsServiceServer
	service[logsservice.ExportLogsServiceRequest, logsservice.ExportLogsServiceResponse]
}
