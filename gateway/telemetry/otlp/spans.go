// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// scope is what spans and lines say that they come from.
const scope = "github.com/dragoman-gateway/dragoman"

// spans makes spans of records: one of the call, and one of each attempt. They are made when the call is over, and only of those that are
// recorded, so that the others cost nothing.
type spans struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newSpans(ctx context.Context, cfg *Config, of *resource.Resource, secure credentials.TransportCredentials) (*spans, error) {
	options := []otlptracegrpc.Option{otlptracegrpc.WithTimeout(cfg.Timeout)}
	if cfg.Traces != "" {
		options = append(options, otlptracegrpc.WithEndpointURL(cfg.Traces))
	}
	if len(cfg.Headers) > 0 {
		options = append(options, otlptracegrpc.WithHeaders(cfg.Headers))
	}
	if cfg.Gzip {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	if secure != nil {
		options = append(options, otlptracegrpc.WithTLSCredentials(secure))
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	s := &spans{provider: sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(countedSpans{exporter, cfg.failed}), sdktrace.WithResource(of), sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithIDGenerator(ids{}),
	)}
	s.tracer = s.provider.Tracer(scope)
	return s, nil
}

func (s *spans) close(ctx context.Context) error { return s.provider.Shutdown(ctx) }

// Record makes the spans of a call whose trace is recorded.
func (s *spans) Record(r *telemetry.Record) {
	of := r.Trace()
	if !of.Sampled || r.Probe {
		return
	}
	ctx := context.Background()
	if of.Parent != [8]byte{} {
		state, _ := trace.ParseTraceState(of.State) // what was passed on is well formed
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: of.ID, SpanID: of.Parent, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
		}))
	}
	began := r.Began()
	ctx, span := s.tracer.Start(withIDs(ctx, of.ID, of.Span), nameOf(r),
		trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(callAttributes(r)...))
	for i := range r.Tries() {
		s.attempt(ctx, r, &r.Tries()[i])
	}
	if r.Failed() {
		span.SetStatus(otelcodes.Error, r.Message)
	}
	span.End(trace.WithTimestamp(r.Time))
}

// attempt makes the span of an attempt. Its id is what the backend was told.
func (s *spans) attempt(ctx context.Context, r *telemetry.Record, t *transcoder.Try) {
	began := r.Began().Add(t.Offset)
	_, span := s.tracer.Start(withIDs(ctx, r.Trace().ID, t.Span), r.Service+"/"+r.RPC,
		trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("rpc.response.status_code", status.Name(t.Code)),
			attribute.String("server.address", t.Endpoint),
			attribute.String("dragoman.backend", r.Backend),
			attribute.String("dragoman.attempt", t.Kind.String()),
		))
	if t.Code != codes.OK {
		span.SetStatus(otelcodes.Error, "")
	}
	span.End(trace.WithTimestamp(began.Add(t.Took)))
}

// nameOf names the span of a call: by what was called, where that is known, for names that clients make up are no names.
func nameOf(r *telemetry.Record) string {
	if name := r.RouteName(); name != "" {
		return name
	}
	return "unknown"
}

func callAttributes(r *telemetry.Record) []attribute.KeyValue {
	all := append(make([]attribute.KeyValue, 0, mostAttributes),
		attribute.String("http.request.method", r.HTTPMethod),
		attribute.String("url.path", clip(r.Path)),
		attribute.Int("http.response.status_code", r.HTTPStatus),
		attribute.String("rpc.response.status_code", status.Name(r.Code)),
		attribute.String("dragoman.protocol", r.Protocol),
		attribute.String("dragoman.reason", string(r.Reason)),
		attribute.String("dragoman.request_id", r.RequestID),
		attribute.String("dragoman.stops", stopsOf(r)),
	)
	for _, more := range [...]struct{ key, value string }{
		{"rpc.method", methodOf(r)}, {"client.address", address(r)}, {"dragoman.rule", r.Rule}, {"dragoman.cache", string(r.Cache)},
	} {
		if more.value != "" {
			all = append(all, attribute.String(more.key, clip(more.value)))
		}
	}
	return all
}

// mostAttributes is how many attributes the span of a call has at most.
const mostAttributes = 12

// stopsOf says where the time went, in the form of a Server-Timing: one text is a tenth of what events cost.
func stopsOf(r *telemetry.Record) string {
	const thousand, digits, bits = 1000, 3, 64
	var text []byte
	for i, s := range r.Stops() {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, s.Name...), ";dur="...)
		text = strconv.AppendFloat(text, float64(s.Took.Microseconds())/thousand, 'f', digits, bits)
	}
	return string(text)
}

func methodOf(r *telemetry.Record) string {
	if r.Service == "" {
		return ""
	}
	return r.Service + "/" + r.RPC
}

func address(r *telemetry.Record) string {
	if !r.Client.IsValid() {
		return ""
	}
	return r.Client.String()
}

// maxText is the length in bytes of the longest text of a span or a line: one request must not fill what the collector keeps (threat I6).
const maxText = 1024

func clip(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "…" + strconv.Itoa(len(s))
	}
	return s
}

// ids gives spans the ids that were told to others while the call went on.
type ids struct{}

type idKey struct{}

type given struct {
	trace trace.TraceID
	span  trace.SpanID
}

func withIDs(ctx context.Context, id [16]byte, span [8]byte) context.Context {
	return context.WithValue(ctx, idKey{}, given{id, span})
}

// NewIDs implements sdktrace.IDGenerator.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	g, ok := ctx.Value(idKey{}).(given)
	if !ok {
		return transcoder.NewTraceID(), transcoder.NewSpanID()
	}
	return g.trace, g.span
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if g, ok := ctx.Value(idKey{}).(given); ok {
		return g.span
	}
	return transcoder.NewSpanID()
}
