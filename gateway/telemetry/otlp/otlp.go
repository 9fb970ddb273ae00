// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package otlp provides what goes to a collector of OpenTelemetry: calls as spans and as lines of a log, the gateway's own log, and metrics.
//
// Everything is sent in the background, from queues of fixed size. While the collector is away, what does not fit is dropped.
package otlp

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// Defaults of a Config.
const (
	// DefaultServiceName is what the gateway is called unless OTEL_SERVICE_NAME says otherwise.
	DefaultServiceName = "dragoman"
	// DefaultTimeout is how long a request to the collector may take.
	DefaultTimeout = 10 * time.Second
	// DefaultInterval is how often metrics are sent.
	DefaultInterval = time.Minute
	// farewell is how long what is queued may take to leave when the gateway ends.
	farewell = 3 * time.Second
	// quiet is how long is kept quiet about a collector that cannot be reached, once that was said.
	quiet = time.Minute
)

// Config says what goes where.
type Config struct {
	// Version is that of the program.
	Version string
	// Traces, Metrics and Logs are the collectors that each of them goes to, as "http://host:port" or "https://host:port"; "" leaves it to
	// the environment, and where that says nothing, it goes nowhere.
	Traces, Metrics, Logs string
	// Headers go with each request.
	Headers map[string]string
	// CA is a PEM file with the certificates to trust; "" means the system's.
	CA string
	// Gzip compresses.
	Gzip bool
	// Timeout is how long a request may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// Interval is how often metrics are sent; 0 means DefaultInterval.
	Interval time.Duration
	// Gatherer is what metrics are read from; nil sends none.
	Gatherer prometheus.Gatherer
	// Calls sends a line of a log for each call as well.
	Calls bool
	// Sampling says of which of them, Redact of which of their fields nothing is said.
	Sampling *telemetry.Sampling
	Redact   *telemetry.Redacted
	// Getenv returns a variable of the environment; nil means os.Getenv. What says how to send is read by the exporters themselves.
	Getenv func(string) string
	// Log is told when the collector cannot be reached, now and then.
	Log *slog.Logger

	failed func(error) // is told of what was not sent
}

// Exporter sends. It is safe for concurrent use.
type Exporter struct {
	traces  *spans   // nil where none go anywhere
	logs    *lines   // nil where none go anywhere
	metrics *figures // nil where none go anywhere
	failed  atomic.Int64
	said    atomic.Int64 // when it was said that it cannot be reached, in nanoseconds since 1970
	log     *slog.Logger
}

// New returns an Exporter that connects when there is something to send. The error joins all that is wrong.
func New(ctx context.Context, cfg Config) (*Exporter, error) {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Timeout, cfg.Interval = cmp.Or(cfg.Timeout, DefaultTimeout), cmp.Or(cfg.Interval, DefaultInterval)
	e := &Exporter{log: cfg.Log}
	if strings.EqualFold(cfg.Getenv("OTEL_SDK_DISABLED"), "true") {
		return e, nil
	}
	errs := []error{cfg.checkProtocol()}
	secure, err := cfg.credentials()
	errs = append(errs, err)
	of, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", DefaultServiceName), attribute.String("service.version", cfg.Version),
	), resource.WithFromEnv())
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	cfg.failed = e.unreached
	otel.SetErrorHandler(otel.ErrorHandlerFunc(e.unreached)) // of all else that goes wrong in the SDK
	if cfg.enabled("TRACES", cfg.Traces) {
		e.traces, err = newSpans(ctx, &cfg, of, secure)
		errs = append(errs, err)
	}
	if cfg.enabled("LOGS", cfg.Logs) {
		e.logs, err = newLines(ctx, &cfg, of, secure)
		errs = append(errs, err)
	}
	if cfg.Gatherer != nil && cfg.enabled("METRICS", cfg.Metrics) {
		e.metrics, err = newFigures(ctx, &cfg, of, secure)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("otlp: %w", errors.Join(err, e.Close())) //nolint:contextcheck // it has a time of its own
	}
	return e, nil
}

// enabled says whether there is a collector for something.
func (c *Config) enabled(signal, endpoint string) bool {
	if endpoint != "" {
		return true
	}
	if c.Getenv("OTEL_"+signal+"_EXPORTER") == "none" {
		return false
	}
	return c.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != "" || c.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != ""
}

// checkProtocol refuses what the environment asks for and this package does not speak, rather than speak gRPC to a port of HTTP.
func (c *Config) checkProtocol() error {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"} {
		if v := c.Getenv(name); v != "" && v != "grpc" {
			return fmt.Errorf("%s is %q; it must be grpc", name, v)
		}
	}
	return nil
}

// credentials returns how a collector proves who it is; nil leaves it to the environment.
func (c *Config) credentials() (credentials.TransportCredentials, error) {
	if c.CA == "" {
		return nil, nil //nolint:nilnil // nothing is wrong
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: %s has no certificate", c.CA)
	}
	return credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}), nil
}

// unreached is told that something was not sent.
func (e *Exporter) unreached(err error) {
	e.failed.Add(1)
	now, last := time.Now().UnixNano(), e.said.Load()
	if now-last >= int64(quiet) && e.said.CompareAndSwap(last, now) {
		// At a level that the exporter of logs itself does not send again and again: one line in a while.
		e.log.Warn("telemetry was not sent; this is said once a minute", slog.Any("error", err), slog.Int64("failed", e.failed.Load()))
	}
}

// Tracing tells whether calls are to be recorded as spans.
func (e *Exporter) Tracing() bool { return e.traces != nil }

// Sinks returns who takes records of calls.
func (e *Exporter) Sinks() []telemetry.Sink {
	var sinks []telemetry.Sink
	if e.traces != nil {
		sinks = append(sinks, e.traces)
	}
	if e.logs != nil && e.logs.calls {
		sinks = append(sinks, e.logs)
	}
	return sinks
}

// Handler returns a handler that gives what it is told to next and, if logs go anywhere, to the collector.
func (e *Exporter) Handler(next slog.Handler) slog.Handler {
	if e.logs == nil {
		return next
	}
	return &handler{next: next, to: e.logs.own}
}

// Failed returns how many requests to collectors have failed.
func (e *Exporter) Failed() int64 { return e.failed.Load() }

// Close sends what is queued, if that takes no longer than a moment, and returns when all is quiet.
func (e *Exporter) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if e.metrics != nil {
		e.unsent(e.metrics.close(ctx))
	}
	if e.traces != nil {
		e.unsent(e.traces.close(ctx))
	}
	if e.logs != nil {
		e.unsent(e.logs.close(ctx))
	}
	return nil
}

// unsent is told how the end of a part went: a collector that is away is no reason for the gateway not to end well.
func (e *Exporter) unsent(err error) {
	if err != nil {
		e.unreached(err)
	}
}
