// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

func ended(n int) func(testbackend.Counts) bool {
	return func(counts testbackend.Counts) bool { return counts.Ended == n }
}

func running(n int) func(testbackend.Counts) bool {
	return func(counts testbackend.Counts) bool { return counts.Running == n }
}

func TestEveryArrivalCounts(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	paths := map[string]codes.Code{
		testv1.PublicService_Get_FullMethodName:   codes.OK,
		"/dragoman.test.v1.PublicService/Unknown": codes.Unimplemented,
		"/nobody/knows":                            codes.Unimplemented,
		"//dragoman.test.v1.PublicService/Get":     codes.Unimplemented,
		"/dragoman.test.v1.PublicService/Get/":     codes.Unimplemented,
		"/no-second-slash":                         codes.Unimplemented,
		testv1.AdminService_Delete_FullMethodName:  codes.OK,
		"/dragoman.test.v1.AdminService/Delete;a":  codes.Unimplemented,
		"/dragoman.test.v1.AdminService/Delete%20": codes.Unimplemented,
	}
	want := make(map[string]int)
	for path, code := range paths {
		want[path] = 1
		wantCode(t, conn.Invoke(ctx, path, &testv1.CanaryRequest{}, &testv1.CanaryResponse{}), code)
	}
	if diff := cmp.Diff(want, backend.Arrived()); diff != "" {
		t.Errorf("arrivals differ (-want +got):\n%s", diff)
	}
	if got := backend.Counts("/never/called"); got != (testbackend.Counts{}) {
		t.Errorf("got %+v for a method that nobody called", got)
	}
}

func TestHeldCallsWait(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	const path = testv1.EchoService_Echo_FullMethodName
	release := backend.Hold(path)
	results := make(chan error, 3)
	for range cap(results) {
		go func() {
			_, err := testv1.NewEchoServiceClient(conn).Echo(ctx, &testv1.CanaryRequest{})
			results <- err
		}()
	}
	if _, err := backend.Wait(ctx, path, running(3)); err != nil {
		t.Fatal(err)
	}
	release()
	release()
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if counts, err := backend.Wait(ctx, path, ended(3)); err != nil || counts.Running != 0 || counts.Cancelled != 0 {
		t.Errorf("got %+v and error %v", counts, err)
	}
}

func TestCancelledCallsAreSeen(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testbackend.Backend) *testv1.CanaryRequest{
		"held": func(backend *testbackend.Backend) *testv1.CanaryRequest {
			backend.Hold(testv1.EchoService_Slow_FullMethodName)
			return &testv1.CanaryRequest{}
		},
		"asleep": func(*testbackend.Backend) *testv1.CanaryRequest {
			return &testv1.CanaryRequest{Sleep: durationpb.New(time.Hour)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backend, conn, ctx := run(t)
			request := prepare(backend)
			cancelled, cancel := context.WithCancel(ctx)
			result := make(chan error, 1)
			go func() {
				_, err := testv1.NewEchoServiceClient(conn).Slow(cancelled, request)
				result <- err
			}()
			if _, err := backend.Wait(ctx, testv1.EchoService_Slow_FullMethodName, running(1)); err != nil {
				t.Fatal(err)
			}
			cancel()
			wantCode(t, <-result, codes.Canceled)
			counts, err := backend.Wait(ctx, testv1.EchoService_Slow_FullMethodName, ended(1))
			if err != nil || counts.Cancelled != 1 {
				t.Errorf("got %+v and error %v, want one cancelled", counts, err)
			}
		})
	}
}

func TestWaitGivesUp(t *testing.T) {
	t.Parallel()
	backend, _, ctx := run(t)
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := backend.Wait(short, "/never/called", running(1)); err == nil {
		t.Error("it waited for what did not happen, and did not say so")
	}
}

func TestStopReleasesWhatIsHeld(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	backend.Hold(testv1.PublicService_Get_FullMethodName)
	result := make(chan error, 1)
	go func() {
		_, err := testv1.NewPublicServiceClient(conn).Get(ctx, &testv1.CanaryRequest{})
		result <- err
	}()
	if _, err := backend.Wait(ctx, testv1.PublicService_Get_FullMethodName, running(1)); err != nil {
		t.Fatal(err)
	}
	if err := backend.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("the call that was under way: %v", err)
	}
}

func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	stream, err := testv1.NewEchoServiceClient(conn).Converse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backend.Wait(ctx, testv1.EchoService_Converse_FullMethodName, running(1)); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := backend.Stop(short); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.Unavailable)
}

func TestHealthCanBeChanged(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	health := healthgrpc.NewHealthClient(conn)
	check := func() healthgrpc.HealthCheckResponse_ServingStatus {
		response, err := health.Check(ctx, &healthgrpc.HealthCheckRequest{Service: testv1.EchoService_ServiceDesc.ServiceName})
		if err != nil {
			t.Fatal(err)
		}
		return response.GetStatus()
	}
	if got := check(); got != healthgrpc.HealthCheckResponse_SERVING {
		t.Errorf("got %v at first", got)
	}
	backend.Health().SetServingStatus(testv1.EchoService_ServiceDesc.ServiceName, healthgrpc.HealthCheckResponse_NOT_SERVING)
	if got := check(); got != healthgrpc.HealthCheckResponse_NOT_SERVING {
		t.Errorf("got %v after the change", got)
	}
}

func TestConfigIsUsed(t *testing.T) {
	t.Parallel()
	backend, _, _ := run(t)
	if _, err := testbackend.Start(t.Context(), testbackend.Config{Address: backend.Address()}); err == nil {
		t.Error("two backends listen on one address")
	}
	small := testbackend.Run(t, testbackend.Config{Options: []grpc.ServerOption{grpc.MaxRecvMsgSize(1)}, WithoutReflection: true})
	conn, ctx := dial(t, small)
	_, err := testv1.NewPublicServiceClient(conn).Get(ctx, &testv1.CanaryRequest{Id: "more than one byte"})
	wantCode(t, err, codes.ResourceExhausted)
	err = conn.Invoke(ctx, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &emptypb.Empty{}, &emptypb.Empty{})
	wantCode(t, err, codes.Unimplemented)
	if small.Name() != "backend" {
		t.Errorf("got name %q", small.Name())
	}
}
