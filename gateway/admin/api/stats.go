// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// statsOf tells how a route was called, and heat also how long that took over time; nil where it was not.
func (a *API) statsOf(route string, heat bool) *adminv1.CallStats {
	inFlight := a.config.Gateway.UnderWay(route)
	now := time.Now()
	t, ok := a.config.History.Route(route, now)
	if !ok && inFlight == 0 {
		return nil
	}
	out := &adminv1.CallStats{
		Calls: int64(t.Totals.Calls), Errors: errorsIn(&t.Totals), InFlight: inFlight, LastCall: timeOf(t.Totals.Last), //nolint:gosec // a count
		Latency: latencyOf(&t.Recent), Codes: map[string]int64{}, Reasons: map[string]int64{},
	}
	for c, n := range t.Totals.ByCode {
		if n > 0 {
			out.Codes[codeName(codes.Code(c))] = int64(n) //nolint:gosec // codes are few, and this is a count
		}
	}
	for reason, n := range t.Totals.ByReason {
		out.Reasons[string(reason)] = int64(n) //nolint:gosec // a count
	}
	if heat && ok {
		out.Heat = heatOf(&t)
	}
	return out
}

// latencyOf tells how long calls took; nil where there were none.
func latencyOf(q *telemetry.Quantiles) *adminv1.Latency {
	if q.Count == 0 {
		return nil
	}
	return &adminv1.Latency{P50: durationpb.New(q.P50), P95: durationpb.New(q.P95), P99: durationpb.New(q.P99), Mean: durationpb.New(q.Mean)}
}

func heatOf(t *telemetry.Track) *adminv1.Heat {
	out := &adminv1.Heat{Span: durationpb.New(telemetry.HeatSpan), Current: timeOf(t.HeatBegan)}
	for _, b := range telemetry.HeatBounds() {
		out.Bounds = append(out.Bounds, b.Seconds())
	}
	for i := range t.Heat {
		column := &adminv1.HeatColumn{}
		if t.Heat[i] != [telemetry.HeatRows]uint32{} {
			column.Counts = t.Heat[i][:]
		}
		out.Columns = append(out.Columns, column)
	}
	return out
}
