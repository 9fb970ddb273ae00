// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"

	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"google.golang.org/grpc/credentials"
)

// figures sends what Prometheus is told: the same names, from the same counters.
type figures struct {
	provider *sdkmetric.MeterProvider
}

func newFigures(ctx context.Context, cfg *Config, of *resource.Resource, secure credentials.TransportCredentials) (*figures, error) {
	options := []otlpmetricgrpc.Option{otlpmetricgrpc.WithTimeout(cfg.Timeout)}
	if cfg.Metrics != "" {
		options = append(options, otlpmetricgrpc.WithEndpointURL(cfg.Metrics))
	}
	if len(cfg.Headers) > 0 {
		options = append(options, otlpmetricgrpc.WithHeaders(cfg.Headers))
	}
	if cfg.Gzip {
		options = append(options, otlpmetricgrpc.WithCompressor("gzip"))
	}
	if secure != nil {
		options = append(options, otlpmetricgrpc.WithTLSCredentials(secure))
	}
	exporter, err := otlpmetricgrpc.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &figures{sdkmetric.NewMeterProvider(sdkmetric.WithResource(of), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(countedFigures{exporter, cfg.failed},
		sdkmetric.WithInterval(cfg.Interval), sdkmetric.WithTimeout(cfg.Timeout), sdkmetric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(cfg.Gatherer))),
	)))}, nil
}

func (f *figures) close(ctx context.Context) error { return f.provider.Shutdown(ctx) }
