// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// What follows sends as what it holds does, and tells of failures the Exporter that it belongs to: the SDK itself has one handler for all of a
// process.

type countedLines struct {
	sdklog.Exporter

	failed func(error)
}

func (c countedLines) Export(ctx context.Context, lines []sdklog.Record) error {
	if err := c.Exporter.Export(ctx, lines); err != nil {
		c.failed(err)
	}
	return nil
}

type countedFigures struct {
	sdkmetric.Exporter

	failed func(error)
}

func (c countedFigures) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	if err := c.Exporter.Export(ctx, all); err != nil {
		c.failed(err)
	}
	return nil
}
