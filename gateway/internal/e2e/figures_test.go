// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Routes tell how they were called by REST and by protocols that name the method apart: how calls ended and why, how long they took, and what is
// under way, also on a snapshot that a reload has replaced.
func TestAdminTellsHowRoutesFare(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	ctx := within(t)
	routes := adminv1.NewRouteServiceClient(g.administer(t))
	route := func(method string) *adminv1.Route {
		t.Helper()
		all, err := routes.ListRoutes(ctx, &adminv1.ListRoutesRequest{Method: "dragoman.test.v1.EchoService/" + method, Heat: true})
		for _, r := range all.GetRoutes() {
			if r.GetVerb() == http.MethodGet && r.GetPath() == "/canary/v1/echo" || method != "Echo" {
				return r
			}
		}
		t.Fatalf("%v, %v", all, err)
		return nil
	}
	if r := route("Echo"); r.GetStats() != nil || r.GetRpcStats() != nil {
		t.Errorf("before any call: %v, %v", r.GetStats(), r.GetRpcStats())
	}
	c := g.h1(t)
	for _, target := range []string{"/canary/v1/echo", "/canary/v1/echo?no_such_field=1"} {
		c.call(t, http.MethodGet, target, "")
	}
	echo := testv1.NewEchoServiceClient(g.dial(t))
	if _, err := echo.Echo(ctx, &testv1.CanaryRequest{}); err != nil {
		t.Fatal(err)
	}
	stream, err := echo.Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	converse := func() {
		t.Helper()
		if err := stream.Send(&testv1.CanaryRequest{Id: "1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	converse()

	var byREST, byName *adminv1.CallStats
	eventually(t, func() error {
		r := route("Echo")
		if byREST, byName = r.GetStats(), r.GetRpcStats(); byREST.GetCalls() != 2 || byName.GetCalls() != 1 {
			return fmt.Errorf("%v, %v", byREST, byName)
		}
		return nil
	})
	if byREST.GetCodes()["OK"] != 1 || byREST.GetCodes()["INVALID_ARGUMENT"] != 1 || byREST.GetReasons()["ok"] != 1 || byREST.GetReasons()["bad_query"] != 1 ||
		byREST.GetErrors() != 0 || byREST.GetInFlight() != 0 || byREST.GetLatency().GetP99() == nil || byREST.GetLastCall() == nil {
		t.Errorf("by REST: %v", byREST)
	}
	if byName.GetReasons()["ok"] != 1 {
		t.Errorf("by name: %v", byName)
	}
	cells := 0
	for _, column := range byREST.GetHeat().GetColumns() {
		if n := len(column.GetCounts()); n != 0 && n != len(byREST.GetHeat().GetBounds())+1 {
			t.Errorf("a column has %d cells, and there are %d bounds", n, len(byREST.GetHeat().GetBounds()))
		}
		for _, n := range column.GetCounts() {
			cells += int(n)
		}
	}
	if cells != 2 || byREST.GetHeat().GetSpan().AsDuration() == 0 || byREST.GetHeat().GetCurrent() == nil {
		t.Errorf("the heat has %d calls: %v", cells, byREST.GetHeat())
	}

	underWay := func(want int64) error {
		series, err := adminv1.NewMetricServiceClient(g.administer(t)).GetSeries(ctx, &adminv1.GetSeriesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(series.GetPoints()) == 0 {
			return errors.New("there is no point")
		}
		p := series.GetPoints()[len(series.GetPoints())-1]
		if n := route("Converse").GetRpcStats().GetInFlight(); n != want || p.GetStreams() != want || p.GetInFlight() < want || want > 0 && p.GetConnections()["http2"] == 0 {
			return fmt.Errorf("%d are under way; want %d: %v", n, want, p)
		}
		return nil
	}
	eventually(t, func() error { return underWay(1) })
	g.write(g.with("b1", "9s", ""))
	eventually(t, func() error {
		if e := <-g.reloads; e.Err != nil || len(e.Changes) == 0 {
			return errors.New("it is another reload")
		}
		return nil
	})
	converse()
	if err := underWay(1); err != nil {
		t.Errorf("after a reload: %v", err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return underWay(0) })
}

// Endpoints tell how long their calls took of late.
func TestAdminTellsHowEndpointsFare(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	backends := adminv1.NewBackendServiceClient(d.administer(t))
	for range 3 {
		if a := d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", ""); a.status != http.StatusOK {
			t.Fatal(a.body)
		}
	}
	eventually(t, func() error {
		all, err := backends.GetBackend(within(t), &adminv1.GetBackendRequest{Name: "test"})
		if err != nil {
			return err
		}
		of := all.GetBackend().GetEndpoints()[0].GetLatencies()
		if of.GetP50() == nil || of.GetP50().AsDuration() <= 0 || of.GetP99().AsDuration() < of.GetP50().AsDuration() {
			return fmt.Errorf("the quantiles: %v", of)
		}
		return nil
	})
	eventually(t, func() error { // the last call may be noted between the two
		all, err := backends.ListBackends(within(t), &adminv1.ListBackendsRequest{})
		if err != nil {
			return err
		}
		one, err := backends.GetBackend(within(t), &adminv1.GetBackendRequest{Name: "test"})
		if err != nil {
			return err
		}
		if !proto.Equal(one.GetBackend().GetEndpoints()[0].GetLatencies(), all.GetBackends()[0].GetEndpoints()[0].GetLatencies()) {
			return fmt.Errorf("all backends: %v; one: %v", all, one)
		}
		return nil
	})
}

// How often endpoints were called is remembered: who asks only now is told of the seconds before.
func TestAdminRemembersHowOftenEndpointsWereCalled(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	metrics := adminv1.NewMetricServiceClient(d.administer(t))
	const calls = 3
	for range calls {
		if a := d.h1(t).call(t, http.MethodGet, "/canary/v1/echo", ""); a.status != http.StatusOK {
			t.Fatal(a.body)
		}
	}
	eventually(t, func() error {
		out, err := metrics.ListEndpointSeries(within(t), &adminv1.ListEndpointSeriesRequest{})
		if err != nil {
			return err
		}
		if len(out.GetEndpoints()) != 1 || out.GetLeftOut() != 0 {
			return fmt.Errorf("the series: %v", out)
		}
		of := out.GetEndpoints()[0]
		if age := time.Since(out.GetTime().AsTime()); of.GetBackend() != "test" || of.GetAddress() != d.backend.Address() || age < 0 || age > time.Minute {
			return fmt.Errorf("the series of %s %s until %s ago", of.GetBackend(), of.GetAddress(), age)
		}
		sum := 0.0
		for _, v := range of.GetCallsPerSecond() {
			sum += float64(v)
		}
		if n := len(of.GetCallsPerSecond()); n < 2 || of.GetCallsPerSecond()[n-1] != 0 || sum < calls/2 {
			return fmt.Errorf("the series has %d seconds with %v calls, %v in the last", n, sum, of.GetCallsPerSecond()[n-1])
		}
		return nil
	})
	if _, err := metrics.ListEndpointSeries(within(t), &adminv1.ListEndpointSeriesRequest{Backend: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("a backend that is not there: %v", err)
	}
}
