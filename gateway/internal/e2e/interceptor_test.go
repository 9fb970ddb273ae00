// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// incoming is the first value of a key of a call's metadata.
func incoming(ss grpc.ServerStream, key string) string {
	md, _ := metadata.FromIncomingContext(ss.Context())
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// outgoing is a context with metadata.
func outgoing(t testing.TB, pairs ...string) context.Context {
	t.Helper()
	return metadata.AppendToOutgoingContext(within(t), pairs...)
}

func stage(i grpc.StreamServerInterceptor) interceptor.Stage {
	return interceptor.Stage{Name: "test", Interceptor: i}
}

// TestInterceptorOfTheEcosystem: what any interceptor of gRPC may do with a stream works here, over REST and gRPC alike.
func TestInterceptorOfTheEcosystem(t *testing.T) {
	t.Parallel()
	var received, sent atomic.Int64
	var kinds atomic.Pointer[grpc.StreamServerInfo]
	counting := func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, h grpc.StreamHandler) error {
		kinds.Store(info)
		from, ok := peer.FromContext(ss.Context())
		if !ok || !strings.HasPrefix(from.Addr.String(), "127.0.0.1:") {
			return status.Error(codes.Internal, "the peer is not known")
		}
		if method, ok := grpc.Method(ss.Context()); !ok || method != info.FullMethod {
			return status.Error(codes.Internal, "the method is not known")
		}
		if err := ss.SetHeader(metadata.Pairs("x-set-header", "1")); err != nil {
			return err
		}
		ss.SetTrailer(metadata.Pairs("x-set-before", "1"))
		err := h(srv, &wrappedStream{
			ServerStream: ss,
			recv: func(below grpc.ServerStream, m any) error {
				err := below.RecvMsg(m)
				if err == nil {
					received.Add(1)
				}
				return err
			},
			send: func(below grpc.ServerStream, m any) error {
				sent.Add(1)
				return below.SendMsg(m)
			},
		})
		ss.SetTrailer(metadata.Pairs("x-set-behind", "1"))
		return err
	}
	inner := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
		return h(srv, ss)
	}
	d := embed(t, nil, stage(counting), stage(inner))
	for _, c := range d.both(t) {
		received.Store(0)
		sent.Store(0)
		a := c.call(t, "POST", repeat, `{"behavior":{"messages":3,"trailer":[{"key":"x-t","values":["1"]}]}}`)
		if a.status != 200 || len(lines(t, a.body)) != 3 || received.Load() != 1 || sent.Load() != 3 || a.header.Get("X-Set-Header") != "1" {
			t.Errorf("%s: %d %s, %d received, %d sent, %v", c.name, a.status, a.body, received.Load(), sent.Load(), a.header)
		}
		if c.name == "h2c" && (a.trailer.Get("X-Set-Before") != "1" || a.trailer.Get("X-Set-Behind") != "1" || a.trailer.Get("X-T") != "1") {
			t.Errorf("trailers are %v", a.trailer)
		}
		if a := c.call(t, "PUT", "/test/v1/things/1", `{"parent":"p"}`); a.status != 200 || a.header.Get("X-Set-Header") != "1" {
			t.Errorf("%s: unary: %d %s", c.name, a.status, a.body)
		}
	}
	client := testv1.NewStreamServiceClient(d.dial(t))
	received.Store(0)
	sent.Store(0)
	talk, err := client.ConverseNoRule(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := talk.Send(request(t, `{}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := talk.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if received.Load() != 4 || sent.Load() != 4 {
		t.Errorf("both ways: %d received, %d sent; want 4 and 4", received.Load(), sent.Load())
	}
	if k := kinds.Load(); k.FullMethod != streams+"ConverseNoRule" || !k.IsClientStream || !k.IsServerStream {
		t.Errorf("info is %+v", k)
	}
	for _, key := range []string{"x-set-before", "x-set-behind"} {
		if got := talk.Trailer().Get(key); !slices.Equal(got, []string{"1"}) {
			t.Errorf("trailer %s is %q", key, got)
		}
	}
	var trailer metadata.MD
	if _, err := testv1.NewBindingServiceClient(d.dial(t)).NoRule(within(t), request(t, `{}`), grpc.Trailer(&trailer)); err != nil || len(trailer.Get("x-set-before")) != 1 || len(trailer.Get("x-set-behind")) != 1 {
		t.Errorf("unary: %v, trailers %v", err, trailer)
	}
}

// TestInterceptorLooksInside: an interceptor may read and change messages as what they are.
func TestInterceptorLooksInside(t *testing.T) {
	t.Parallel()
	changing := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
		return h(srv, &wrappedStream{
			ServerStream: ss,
			recv: func(below grpc.ServerStream, m any) error {
				r := &testv1.BindRequest{}
				if err := below.RecvMsg(r); err != nil {
					return err
				}
				if r.GetId() == "refused" {
					return status.Error(codes.PermissionDenied, "not this one")
				}
				r.Parent = "of the interceptor"
				data, err := proto.Marshal(r)
				if err != nil {
					return err
				}
				out, ok := m.(*transcoder.Message)
				if !ok {
					return status.Errorf(codes.Internal, "message is a %T", m)
				}
				*out = *raw(string(data))
				return nil
			},
			send: func(below grpc.ServerStream, m any) error {
				in, ok := m.(*transcoder.Message)
				if !ok {
					return status.Errorf(codes.Internal, "message is a %T", m)
				}
				data, free := in.Bytes()
				defer free()
				r := &testv1.BindResponse{}
				if err := proto.Unmarshal(data, r); err != nil {
					return err
				}
				r.Tags = append(r.Tags, "of the interceptor")
				return below.SendMsg(r)
			},
		})
	}
	d := embed(t, nil, stage(changing))
	for _, c := range d.both(t) {
		a := c.call(t, "GET", "/test/v1/things/1", "")
		if m := fromJSON(t, a.body, response()); m.GetSeen().GetRequestJson() != `{"id":"1","parent":"of the interceptor"}` || !slices.Equal(m.GetTags(), []string{"of the interceptor"}) {
			t.Errorf("%s: %s", c.name, a.body)
		}
		none(t, d.arrivals(func() {
			if a := c.call(t, "GET", "/test/v1/things/refused", ""); a.status != 403 || statusBody(t, a).GetMessage() != "not this one" {
				t.Errorf("%s: refused: %d %s", c.name, a.status, a.body)
			}
		}))
	}
	talk, err := testv1.NewStreamServiceClient(d.dial(t)).ConverseNoRule(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := talk.Send(request(t, `{"id":"1"}`)); err != nil {
		t.Fatal(err)
	}
	if m, err := talk.Recv(); err != nil || !slices.Equal(m.GetTags(), []string{"of the interceptor"}) {
		t.Errorf("%v, %v", m, err)
	}
	if err := talk.Send(request(t, `{"id":"refused"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); status.Code(err) != codes.PermissionDenied || status.Convert(err).Message() != "not this one" {
		t.Errorf("refused in the middle of a stream: %v", err)
	}
}

// TestInterceptorAnswersItself: an interceptor that does not call on answers in its own name.
func TestInterceptorAnswersItself(t *testing.T) {
	t.Parallel()
	answering := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
		switch incoming(ss, "x-do") {
		case "answer":
			return ss.SendMsg(&testv1.BindResponse{Text: "of the interceptor"})
		case "refuse":
			return status.Error(codes.Unauthenticated, "who are you")
		case "plain error":
			return errors.New("tcp 127.0.0.1: secret")
		default:
			return h(srv, ss)
		}
	}
	d := embed(t, nil, stage(answering))
	for _, c := range d.both(t) {
		none(t, d.arrivals(func() {
			if a := c.call(t, "GET", "/test/v1/streams/repeat-text", "", "x-do", "answer"); a.status != 200 || a.body != "\"of the interceptor\"\n" {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
			if a := c.call(t, "GET", "/test/v1/things/1", "", "x-do", "refuse"); a.status != 401 || statusBody(t, a).GetMessage() != "who are you" {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
			a := c.call(t, "GET", "/test/v1/things/1", "", "x-do", "plain error")
			if a.status != 500 && a.status != 502 {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
			noLeak(t, a)
		}))
	}
}
