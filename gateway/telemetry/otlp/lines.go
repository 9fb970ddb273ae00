// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// lines sends logs: the gateway's own, and a line for each call where that is asked for.
type lines struct {
	provider *sdklog.LoggerProvider
	own      log.Logger
	access   log.Logger
	calls    bool
	sampling *telemetry.Sampling
	redact   *telemetry.Redacted
}

func newLines(ctx context.Context, cfg *Config, of *resource.Resource, secure credentials.TransportCredentials) (*lines, error) {
	options := []otlploggrpc.Option{otlploggrpc.WithTimeout(cfg.Timeout)}
	if cfg.Logs != "" {
		options = append(options, otlploggrpc.WithEndpointURL(cfg.Logs))
	}
	if len(cfg.Headers) > 0 {
		options = append(options, otlploggrpc.WithHeaders(cfg.Headers))
	}
	if cfg.Gzip {
		options = append(options, otlploggrpc.WithCompressor("gzip"))
	}
	if secure != nil {
		options = append(options, otlploggrpc.WithTLSCredentials(secure))
	}
	exporter, err := otlploggrpc.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	l := &lines{calls: cfg.Calls, sampling: cfg.Sampling, redact: cfg.Redact, provider: sdklog.NewLoggerProvider(
		sdklog.WithResource(of), sdklog.WithProcessor(sdklog.NewBatchProcessor(countedLines{exporter, cfg.failed})),
	)}
	l.own, l.access = l.provider.Logger(scope), l.provider.Logger(scope+"/access")
	return l, nil
}

func (l *lines) close(ctx context.Context) error { return l.provider.Shutdown(ctx) }

// Record sends the line of a call, with the names that the access log has.
func (l *lines) Record(r *telemetry.Record) {
	if !l.sampling.Wants(r) {
		return
	}
	var line log.Record
	line.SetTimestamp(r.Time)
	line.SetObservedTimestamp(r.Time)
	line.SetBody(attribute.StringValue("call"))
	severity(&line, r.LogLevel())
	fields := make(attributes, 0, mostFields)
	r.Fields(&telemetry.Redaction{Names: l.redact, Next: &fields})
	line.AddAttributes(fields...)
	ctx := context.Background()
	if of := r.Trace(); of.Kept() {
		flags := trace.TraceFlags(0).WithSampled(of.Sampled)
		ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: of.ID, SpanID: of.Span, TraceFlags: flags}))
	}
	l.access.Emit(ctx, line)
}

// mostFields is about how many fields a line has.
const mostFields = 40

// attributes are the fields of a line.
type attributes []attribute.KeyValue

var _ telemetry.Visitor = (*attributes)(nil)

// Text adds a text.
func (a *attributes) Text(name, value string) { *a = append(*a, attribute.String(name, clip(value))) }

// Number adds a number.
func (a *attributes) Number(name string, value int64) { *a = append(*a, attribute.Int64(name, value)) }

// Millis adds a duration.
func (a *attributes) Millis(name string, value time.Duration) {
	const thousand = 1000
	*a = append(*a, attribute.Float64(name, float64(value.Microseconds())/thousand))
}

// severity sets how important a line is. The levels of slog are four apart, as those of OpenTelemetry are.
//
// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
func severity(line *log.Record, level slog.Level) {
	const info = 9
	line.SetSeverity(log.Severity(min(max(int(level)+info, 1), 24)))
	line.SetSeverityText(level.String())
}
