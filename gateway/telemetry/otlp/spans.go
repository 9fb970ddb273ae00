// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/credentials"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// scope is what spans and lines say that they come from.
const scope = "github.com/dragoman-gateway/dragoman"

// spans makes spans of records: one of the call, and one of each attempt. They are made when the call is over, and only of those that are
// recorded, so that the others cost nothing.
type spans struct {
	client  otlptrace.Client
	of      *resourcev1.Resource
	schema  string
	batches *batches
	texts   sync.Pool // of *[]byte
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
	limits, err := batchLimitsOf(cfg.Getenv)
	if err != nil {
		return nil, err
	}
	s := &spans{client: otlptracegrpc.NewClient(options...), of: resourceOf(of), schema: of.SchemaURL()}
	s.texts.New = func() any { return new([]byte) }
	if err := s.client.Start(ctx); err != nil {
		return nil, err
	}
	s.batches = newBatches(limits, func(ctx context.Context, batch []byte) {
		if err := s.send(ctx, batch); err != nil {
			cfg.failed(err)
		}
	})
	return s, nil
}

// resourceOf returns a resource as it is sent. All that is known of one are texts.
func resourceOf(of *resource.Resource) *resourcev1.Resource {
	r := new(resourcev1.Resource)
	for _, a := range of.Attributes() {
		r.Attributes = append(r.Attributes, &commonv1.KeyValue{
			Key: string(a.Key), Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: clip(a.Value.String())}},
		})
	}
	return r
}

// send sends a batch. Its bytes are fields of the message that they are put into, which its type need not know of to write them.
func (s *spans) send(ctx context.Context, batch []byte) error {
	of := &tracev1.ScopeSpans{Scope: &commonv1.InstrumentationScope{Name: scope}}
	of.ProtoReflect().SetUnknown(batch)
	return s.client.UploadTraces(ctx, []*tracev1.ResourceSpans{{Resource: s.of, ScopeSpans: []*tracev1.ScopeSpans{of}, SchemaUrl: s.schema}})
}

func (s *spans) close(ctx context.Context) error {
	s.batches.close(ctx)
	return s.client.Stop(ctx)
}

// dropped returns how many spans there was no room for.
func (s *spans) dropped() uint64 { return s.batches.dropped.Load() }

// Record makes the spans of a call whose trace is recorded.
func (s *spans) Record(r *telemetry.Record) {
	if !r.Trace().Sampled || r.Probe {
		return
	}
	text, _ := s.texts.Get().(*[]byte)
	*text = appendSpans((*text)[:0], r)
	s.batches.add(*text, 1+len(r.Tries()))
	s.texts.Put(text)
}
