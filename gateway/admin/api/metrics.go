// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

type metricServer struct {
	adminv1.UnimplementedMetricServiceServer

	api *API
}

// GetSeries has a point for each second.
func (s *metricServer) GetSeries(_ context.Context, in *adminv1.GetSeriesRequest) (*adminv1.GetSeriesResponse, error) {
	window := telemetry.Window
	if in.GetWindow() != nil {
		window = in.GetWindow().AsDuration()
		if window <= 0 || window > telemetry.Window {
			return nil, invalid("window is %s; it must be more than 0s and at most %s", window, telemetry.Window)
		}
	}
	out := &adminv1.GetSeriesResponse{}
	for _, p := range s.api.config.History.All(time.Now().Add(-window)) {
		point := pointOf(&p)
		s.api.sampler.gauges.addTo(point, p.Time)
		out.Points = append(out.Points, point)
	}
	return out, nil
}

// ListServiceSeries has the calls of each service.
func (s *metricServer) ListServiceSeries(context.Context, *adminv1.ListServiceSeriesRequest) (*adminv1.ListServiceSeriesResponse, error) {
	const step = 10 // seconds that are told together
	out := &adminv1.ListServiceSeriesResponse{}
	for _, t := range s.api.config.History.Services(time.Now().Add(-telemetry.Window)) {
		one := &adminv1.ServiceSeries{Service: t.Name, Span: durationpb.New(step * telemetry.Step), TotalCalls: int64(t.Totals.Calls), TotalErrors: errorsIn(&t.Totals)} //nolint:gosec // counts
		for i := range t.Points {
			if i%step == 0 {
				one.Calls, one.Errors = append(one.GetCalls(), 0), append(one.GetErrors(), 0)
			}
			one.Calls[len(one.GetCalls())-1] += int64(t.Points[i].Requests)
			one.Errors[len(one.GetErrors())-1] += int64(t.Points[i].Errors)
		}
		out.Services = append(out.Services, one)
	}
	return out, nil
}

// ListEndpointSeries has how often endpoints were called.
func (s *metricServer) ListEndpointSeries(_ context.Context, in *adminv1.ListEndpointSeriesRequest) (*adminv1.ListEndpointSeriesResponse, error) {
	if name := in.GetBackend(); name != "" && s.api.config.Assembly().Backend(name) == nil {
		return nil, notFound("there is no backend %.64q", name)
	}
	return s.api.sampler.series(in.GetBackend()), nil
}

// errorsIn counts the calls that failed, as Record.Failed says.
func errorsIn(t *telemetry.Totals) int64 {
	var n uint64
	for _, c := range []codes.Code{codes.Unknown, codes.DeadlineExceeded, codes.Internal, codes.Unavailable, codes.DataLoss} {
		n += t.ByCode[c]
	}
	return int64(n) //nolint:gosec // a count
}

func pointOf(p *telemetry.Point) *adminv1.Point {
	out := &adminv1.Point{
		Time: timeOf(p.Time.Add(telemetry.Step)), Calls: int64(p.Requests), Errors: int64(p.Errors), Refused: int64(p.Refused), BytesIn: p.BytesIn, BytesOut: p.BytesOut,
	}
	if p.P99 > 0 {
		out.Latency = &adminv1.Quantiles{P50: p.P50.Seconds(), P95: p.P95.Seconds(), P99: p.P99.Seconds()}
		out.Overhead = &adminv1.Quantiles{P50: p.Overhead50.Seconds(), P95: p.Overhead95.Seconds(), P99: p.Overhead99.Seconds()}
	}
	return out
}

// lastPoint is the last second that is over, with what is under way now.
func (a *API) lastPoint(now time.Time) *adminv1.Point {
	points := a.config.History.All(now.Add(-3 * telemetry.Step))
	out := &adminv1.Point{Time: timeOf(now)}
	if len(points) >= 2 {
		out = pointOf(&points[len(points)-2])
	}
	gaugeOf(a).addTo(out)
	return out
}
