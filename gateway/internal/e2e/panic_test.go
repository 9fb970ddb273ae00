// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// secret is what panics of these tests say: a client must never read it.
const secret = "the-secret-of-the-panic"

type admitFunc func(*transcoder.Call) error

func (f admitFunc) Admit(c *transcoder.Call) error { return f(c) }

type finisher struct {
	admitFunc
	finish func(*transcoder.Call)
}

func (f finisher) Finish(c *transcoder.Call) { f.finish(c) }

type observeFunc func(*transcoder.Call)

func (f observeFunc) Observe(c *transcoder.Call) { f(c) }

// wrappedStream is a stream of an interceptor's own.
type wrappedStream struct {
	grpc.ServerStream
	recv func(grpc.ServerStream, any) error
	send func(grpc.ServerStream, any) error
}

func (w *wrappedStream) RecvMsg(m any) error {
	if w.recv == nil {
		return w.ServerStream.RecvMsg(m)
	}
	return w.recv(w.ServerStream, m)
}

func (w *wrappedStream) SendMsg(m any) error {
	if w.send == nil {
		return w.ServerStream.SendMsg(m)
	}
	return w.send(w.ServerStream, m)
}

// TestFault38_Panics: a panic is the failure of one call, told with its id and nothing else; the process and all other calls
// go on.
func TestFault38_Panics(t *testing.T) {
	t.Parallel()
	bad := func(c *transcoder.Call) bool { return c.Request.Header.Get("x-panic") != "" }
	for _, tt := range []struct {
		name     string
		stage    interceptor.Stage
		observer observeFunc
		late     bool // the answer is complete when it happens
	}{
		{name: "admitter", stage: interceptor.Stage{Name: "a", Admitter: admitFunc(func(c *transcoder.Call) error {
			if bad(c) {
				panic(secret)
			}
			return nil
		})}},
		{name: "interceptor", stage: interceptor.Stage{Name: "i", Interceptor: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			if md := incoming(ss, "x-panic"); md != "" {
				panic(errors.New(secret))
			}
			return h(srv, ss)
		}}},
		{name: "index in RecvMsg", stage: interceptor.Stage{Name: "i", Interceptor: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			return h(srv, &wrappedStream{ServerStream: ss, recv: func(below grpc.ServerStream, m any) error {
				if incoming(ss, "x-panic") != "" {
					none := []int{}
					none[len(secret)]++
				}
				return below.RecvMsg(m)
			}})
		}}},
		{name: "finisher", late: true, stage: interceptor.Stage{Name: "f", Admitter: finisher{func(*transcoder.Call) error { return nil }, func(c *transcoder.Call) {
			if bad(c) {
				panic(secret)
			}
		}}}},
		{name: "observer", late: true, stage: interceptor.Stage{Name: "a", Admitter: admitFunc(func(*transcoder.Call) error { return nil })}, observer: func(c *transcoder.Call) {
			if bad(c) {
				panic(secret)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var observer observeFunc = func(*transcoder.Call) {}
			if tt.observer != nil {
				observer = tt.observer
			}
			var balance, told atomic.Int64
			counting := interceptor.Stage{Name: "counting", Admitter: finisher{
				func(*transcoder.Call) error { balance.Add(1); return nil }, func(*transcoder.Call) { balance.Add(-1); told.Add(1) },
			}}
			d := embed(t, observer, counting, tt.stage)
			client := testv1.NewStreamServiceClient(d.dial(t))
			for _, c := range d.both(t) {
				for range 3 {
					a, err := c.try(c.request(t, "GET", "/test/v1/things/1", "", "x-panic", "1", "x-request-id", "panic-1"))
					if tt.late { // the answer is as it was
						if err != nil || a.status != 200 {
							t.Errorf("%s: %+v, %v", c.name, a, err)
						}
						continue
					}
					if err != nil || a.status != 500 || statusBody(t, a).GetCode() != int32(codes.Internal) || a.header.Get("X-Request-Id") != "panic-1" || a.header.Get("X-Dragoman-Reason") != "internal" {
						t.Fatalf("%s: %+v, %v", c.name, a, err)
					}
					if strings.Contains(fmt.Sprint(a), secret) {
						t.Errorf("%s: the client is told: %+v", c.name, a)
					}
				}
				if a := c.call(t, "GET", "/test/v1/things/1", ""); a.status != 200 {
					t.Errorf("%s: a good call after that: %d %s", c.name, a.status, a.body)
				}
			}
			_, err := testv1.NewBindingServiceClient(d.dial(t)).NoRule(outgoing(t, "x-panic", "1", "x-request-id", "panic-2"), request(t, `{}`))
			if tt.late && err != nil {
				t.Errorf("gRPC: %v", err)
			}
			if st := status.Convert(err); !tt.late && (st.Code() != codes.Internal || strings.Contains(st.Message(), secret)) {
				t.Errorf("gRPC: %v", err)
			}
			talk, err := client.ConverseNoRule(outgoing(t, "x-panic", "1"))
			if err != nil {
				t.Fatal(err)
			}
			_ = talk.Send(request(t, `{}`)) // the call may be over already
			_ = talk.CloseSend()
			for err == nil {
				_, err = talk.Recv()
			}
			if !tt.late && status.Code(err) != codes.Internal {
				t.Errorf("gRPC stream: %v", err)
			}
			if _, err := testv1.NewBindingServiceClient(d.dial(t)).NoRule(within(t), request(t, `{}`)); err != nil {
				t.Errorf("gRPC: a good call after that: %v", err)
			}
			eventually(t, func() error { // who admits a call is told of its end, whatever became of it
				if n := balance.Load(); n != 0 || told.Load() < 11 {
					return fmt.Errorf("%d calls were admitted and never finished; %d were", n, told.Load())
				}
				return nil
			})
			found := false
			for _, r := range d.log.records(t) {
				found = found || r.Msg == "a call panicked" && r.RequestID == "panic-1" && strings.Contains(r.Stack, "panic_test.go")
			}
			if !found {
				t.Errorf("the log does not tell of the panic:\n%s", d.log)
			}
		})
	}
}
