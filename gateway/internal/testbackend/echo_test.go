// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package testbackend_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

func TestEchoTellsWhatItSaw(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	ctx = metadata.AppendToOutgoingContext(ctx, "x-one", "1", "x-one", "2", "x-raw-bin", "\x00\xff")
	request := &testv1.CanaryRequest{Id: "7", Tenant: &testv1.CanaryRequest_Tenant{Id: "t"}, Numbers: []int64{1 << 60}}
	response, err := testv1.NewEchoServiceClient(conn).Echo(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	seen := response.GetSeen()
	values := make(map[string][]string)
	for _, entry := range seen.GetMetadata() {
		values[entry.GetKey()] = entry.GetValues()
	}
	for key, want := range map[string][]string{"x-one": {"1", "2"}, "x-raw-bin": {"AP8="}, "content-type": {"application/grpc"}, ":authority": {backend.Address()}} {
		if diff := cmp.Diff(want, values[key]); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", key, diff)
		}
	}
	if got, want := seen.GetMethod(), testv1.EchoService_Echo_FullMethodName; got != want {
		t.Errorf("got method %s, want %s", got, want)
	}
	if left := seen.GetDeadlineLeft().AsDuration(); left <= 0 || left > 20*time.Second {
		t.Errorf("got %v left, want up to 20s", left)
	}
	if got, want := seen.GetRequestJson(), `{"id":"7","tenant":{"id":"t"},"numbers":["1152921504606846976"]}`; got != want {
		t.Errorf("got JSON %s, want %s", got, want)
	}
	got, err := seen.GetRequest().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(proto.Message(request), got, protocmp.Transform()); diff != "" {
		t.Errorf("request differs (-want +got):\n%s", diff)
	}
	if seen.GetPeer() == "" || seen.GetBackend() != "b1" || seen.GetSequence() != 1 {
		t.Errorf("got %v", seen)
	}
	if diff := cmp.Diff(seen, backend.Last(testv1.EchoService_Echo_FullMethodName), protocmp.Transform()); diff != "" {
		t.Errorf("Last differs (-want +got):\n%s", diff)
	}
}

func TestUnaryBehavior(t *testing.T) {
	t.Parallel()
	detail, err := anypb.New(&errdetails.ErrorInfo{Reason: "BECAUSE"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		behavior *testv1.Behavior
		want     codes.Code
		check    func(response *testv1.CanaryResponse, header, trailer metadata.MD, err error) bool
	}{
		{
			name: "metadata",
			behavior: &testv1.Behavior{
				Header:  []*testv1.Metadata{{Key: "x-h", Values: []string{"1", "2"}}, {Key: "x-b-bin", Values: []string{"AP8="}}},
				Trailer: []*testv1.Metadata{{Key: "x-t", Values: []string{"3"}}},
			},
			check: func(_ *testv1.CanaryResponse, header, trailer metadata.MD, _ error) bool {
				return cmp.Equal(header["x-h"], []string{"1", "2"}) && cmp.Equal(header["x-b-bin"], []string{"\x00\xff"}) && cmp.Equal(trailer["x-t"], []string{"3"})
			},
		},
		{
			name:     "payload",
			behavior: &testv1.Behavior{PayloadSize: 20},
			check: func(response *testv1.CanaryResponse, _, _ metadata.MD, _ error) bool {
				return bytes.Equal(response.GetPayload(), []byte("0123456789abcdef0123"))
			},
		},
		{
			name:     "status with details and metadata",
			behavior: &testv1.Behavior{Status: &spb.Status{Code: 9, Message: "no", Details: []*anypb.Any{detail}}, Trailer: []*testv1.Metadata{{Key: "x-t", Values: []string{"3"}}}},
			want:     codes.FailedPrecondition,
			check: func(_ *testv1.CanaryResponse, _, trailer metadata.MD, err error) bool {
				return len(status.Convert(err).Details()) == 1 && status.Convert(err).Message() == "no" && len(trailer["x-t"]) == 1
			},
		},
		{name: "a code that nobody knows", behavior: &testv1.Behavior{Status: &spb.Status{Code: 77}}, want: 77},
		{name: "OK without a message", behavior: &testv1.Behavior{NoMessage: true}, want: codes.Internal},
		{name: "two messages", behavior: &testv1.Behavior{Messages: 2}, want: codes.Internal},
		{name: "a message and then a status", behavior: &testv1.Behavior{Messages: 1, Status: &spb.Status{Code: 5}}, want: codes.NotFound},
		{name: "too many messages", behavior: &testv1.Behavior{Messages: 100_001}, want: codes.InvalidArgument},
		{name: "too large a payload", behavior: &testv1.Behavior{PayloadSize: -1}, want: codes.InvalidArgument},
		{name: "a sleep below zero", behavior: &testv1.Behavior{Sleep: durationpb.New(-1)}, want: codes.InvalidArgument},
		{name: "metadata that is not base64", behavior: &testv1.Behavior{Trailer: []*testv1.Metadata{{Key: "x-bin", Values: []string{"!"}}}}, want: codes.InvalidArgument},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, conn, ctx := run(t)
			var header, trailer metadata.MD
			response, err := testv1.NewEchoServiceClient(conn).Echo(ctx, &testv1.CanaryRequest{Behavior: test.behavior}, grpc.Header(&header), grpc.Trailer(&trailer))
			wantCode(t, err, test.want)
			if test.check != nil && !test.check(response, header, trailer, err) {
				t.Errorf("got %v, header %v, trailer %v, error %v", response, header, trailer, err)
			}
		})
	}
}

func TestLargePayload(t *testing.T) {
	t.Parallel()
	_, conn, ctx := run(t)
	const size = 8 << 20
	response, err := testv1.NewEchoServiceClient(conn).Echo(ctx, &testv1.CanaryRequest{Behavior: &testv1.Behavior{PayloadSize: size}}, grpc.MaxCallRecvMsgSize(size+1<<20))
	if err != nil || len(response.GetPayload()) != size {
		t.Errorf("got %d bytes and error %v, want %d", len(response.GetPayload()), err, size)
	}
}

func TestSlowSleeps(t *testing.T) {
	t.Parallel()
	backend, conn, ctx := run(t)
	begin := time.Now()
	const short = 20 * time.Millisecond
	if _, err := testv1.NewEchoServiceClient(conn).Slow(ctx, &testv1.CanaryRequest{Sleep: durationpb.New(short)}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < short {
		t.Errorf("it took %v, want %v or more", took, short)
	}
	counts, err := backend.Wait(ctx, testv1.EchoService_Slow_FullMethodName, ended(1))
	if err != nil || counts.Arrived != 1 || counts.Cancelled != 0 {
		t.Errorf("got %+v and error %v", counts, err)
	}
}
