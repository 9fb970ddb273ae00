// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// rpcProtocols are the protocols of the setting rpc, as connect-go speaks them.
func rpcProtocols() map[string][]connect.ClientOption {
	return map[string][]connect.ClientOption{
		"connect": nil, "connect, json": {connect.WithProtoJSON()}, "grpc-web": {connect.WithGRPCWeb()}, "grpc": {connect.WithGRPC()}, "grpc, json": {connect.WithGRPC(), connect.WithProtoJSON()},
	}
}

func (d *dragoman) rpc(t testing.TB, path string, options []connect.ClientOption) *connect.Client[testv1.BindRequest, testv1.BindResponse] {
	t.Helper()
	return connect.NewClient[testv1.BindRequest, testv1.BindResponse](d.h2(t).http, "http://"+d.address+path, options...)
}

// TestCompressFrom: the gateway itself compresses answers from a size on, and none unless it is told to (T200).
func TestCompressFrom(t *testing.T) {
	t.Parallel()
	never := start(t, nil)
	from := start(t, func(c *config.Config) { c.RPC.CompressFrom = 2000 })
	large, small := &testv1.BindRequest{Id: strings.Repeat("x", 3000)}, &testv1.BindRequest{Id: strings.Repeat("x", 100)}
	for name, options := range rpcProtocols() {
		for _, row := range []struct {
			d    *dragoman
			in   *testv1.BindRequest
			want string
		}{{never, large, ""}, {from, large, "gzip"}, {from, small, ""}} {
			out, err := row.d.rpc(t, binding+"NoRule", options).CallUnary(within(t), connect.NewRequest(row.in))
			if err != nil || out.Msg.GetSeen() == nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := out.Header().Get("Content-Encoding") + out.Header().Get("Grpc-Encoding"); got != row.want {
				t.Errorf("%s: an answer to %d bytes, %q; want %q (the gateway compresses: %v)", name, len(row.in.GetId()), got, row.want, row.d == from)
			}
		}
	}
}

// TestErrorInfo: errors that are the gateway's own say why in their details, unless they are not to; those of the backend stay as they are.
func TestErrorInfo(t *testing.T) {
	t.Parallel()
	with := start(t, nil)
	without := start(t, func(c *config.Config) { c.RPC.WithoutErrorInfo = true })
	for name, options := range rpcProtocols() {
		for _, row := range []struct {
			d    *dragoman
			want int
		}{{with, 1}, {without, 0}} {
			_, err := row.d.rpc(t, "/dragoman.test.v1.None/Call", options).CallUnary(within(t), connect.NewRequest(&testv1.BindRequest{}))
			details := detailsOf(t, err)
			if len(details) != row.want {
				t.Errorf("%s: %v has %d details; want %d", name, err, len(details), row.want)
			}
			for _, d := range details {
				if info, ok := d.(*errdetails.ErrorInfo); !ok || info.GetReason() != "NO_ROUTE" {
					t.Errorf("%s: %v", name, d)
				}
			}
			_, err = row.d.rpc(t, binding+"NoRule", options).CallUnary(within(t), connect.NewRequest(request(t, `{"behavior":{"status":{"code":9,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}}}`)))
			if details := detailsOf(t, err); len(details) != 1 {
				t.Errorf("%s: the backend's error has the details %v", name, details)
			}
		}
	}
	// REST has an error format of its own.
	if a := without.h1(t).call(t, "GET", "/nowhere", ""); !strings.Contains(a.body, "NO_ROUTE") {
		t.Errorf("REST: %+v", a)
	}
}

// detailsOf returns the details of an error of connect-go.
func detailsOf(t testing.TB, err error) (all []any) {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	for _, d := range e.Details() {
		value, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	return all
}

// TestT192_RequireConnectVersion: calls that do not say the version of Connect are refused where that is asked for, and JSON that says
// nothing is REST as before.
func TestT192_RequireConnectVersion(t *testing.T) {
	t.Parallel()
	for _, required := range []bool{false, true} {
		d := start(t, func(c *config.Config) { c.RPC.RequireConnectVersion = required })
		want := map[bool]int{false: 200, true: 400}[required]
		for _, c := range d.both(t) {
			if a := c.do(t, c.request(t, "POST", binding+"NoRule", "", "content-type", "application/proto")); a.status != want {
				t.Errorf("%s: required %v: %+v", c.name, required, a)
			}
			if a := c.do(t, c.request(t, "POST", binding+"NoRule", "", "content-type", "application/proto", "connect-protocol-version", "1")); a.status != 200 {
				t.Errorf("%s: required %v, and said: %+v", c.name, required, a)
			}
			if a := c.call(t, "POST", binding+"NoRule", "{}"); a.status != 200 {
				t.Errorf("%s: required %v, REST: %+v", c.name, required, a)
			}
		}
	}
}
