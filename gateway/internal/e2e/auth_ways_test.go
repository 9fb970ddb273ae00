// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// way is one way to make a call of the canary with some fields, in one protocol. Calls that stream send one message and read to the end.
type way struct {
	name string
	// call makes it; it is false where the method cannot be called so.
	call func(t *testing.T, d *dragoman, method string, fields ...string) bool
}

// canaryPaths are the paths of REST, which cannot carry a method of which both sides stream.
var canaryPaths = map[string]string{
	canaryPublic: "GET /canary/v1/public", canaryUser: "GET /canary/v1/users/u", canaryAdmin: "DELETE /canary/v1/admin/a", canaryEcho: "GET /canary/v1/echo",
	canaryStream: "GET /canary/v1/stream",
}

// streaming are the methods that stream; their messages are in envelopes where those of others are not.
var streaming = map[string]*grpc.StreamDesc{canaryStream: {ServerStreams: true}, canaryConverse: {ServerStreams: true, ClientStreams: true}}

// byGRPC makes a call; what comes of it is in the log.
func byGRPC(t *testing.T, d *dragoman, method string, fields ...string) {
	ctx := metadata.AppendToOutgoingContext(within(t), fields...)
	request := &testv1.CanaryRequest{UserId: "u"}
	desc := streaming[method]
	if desc == nil {
		_ = d.dial(t).Invoke(ctx, method, request, &testv1.CanaryResponse{})
		return
	}
	s, err := d.dial(t).NewStream(ctx, desc, method)
	if err == nil {
		err = s.SendMsg(request)
	}
	if err == nil {
		err = s.CloseSend()
	}
	for err == nil {
		err = s.RecvMsg(&testv1.CanaryResponse{})
	}
}

// byConnect makes a call with a client of HTTP.
func byConnect(t *testing.T, c *client, method string, fields ...string) {
	if streaming[method] != nil {
		c.do(t, c.request(t, "POST", method, string(frame{0, "{}"}.bytes()), connectStream("json", fields...)...))
		return
	}
	c.do(t, c.request(t, "POST", method, "{}", connectJSON(fields...)...))
}

// byREST makes a call with a client of HTTP; it is false where REST has no path for the method.
func byREST(t *testing.T, c *client, method string, fields ...string) bool {
	verb, path, ok := strings.Cut(canaryPaths[method], " ")
	if ok {
		c.do(t, c.request(t, verb, path, "", fields...))
	}
	return ok
}

// ways are all protocols.
var ways = []way{
	{"grpc", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		byGRPC(t, d, method, fields...)
		return true
	}},
	{"grpc-web", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		c := d.h1(t)
		c.do(t, c.request(t, "POST", method, string(frame{0, marshal(t, &testv1.CanaryRequest{})}.bytes()), web("application/grpc-web+proto", fields...)...))
		return true
	}},
	{"grpc-web-text", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		c := d.h2(t)
		c.do(t, c.request(t, "POST", method, units(string(frame{0, marshal(t, &testv1.CanaryRequest{})}.bytes())), web("application/grpc-web-text+proto", fields...)...))
		return true
	}},
	{"connect", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		byConnect(t, d.h2(t), method, fields...)
		return true
	}},
	{"connect by GET", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		if method != canaryEcho {
			return false
		}
		c := d.h1(t)
		c.do(t, c.request(t, "GET", method+"?connect=v1&encoding=json&message="+url.QueryEscape("{}"), "", fields...))
		return true
	}},
	{"rest", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		return byREST(t, d.h1(t), method, fields...)
	}},
	{"rest over HTTP/3", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		return byREST(t, d.h3(t), method, fields...)
	}},
	{"connect over HTTP/3", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		byConnect(t, d.h3(t), method, fields...)
		return true
	}},
	{"websocket", func(t *testing.T, d *dragoman, method string, fields ...string) bool {
		k, _, err := d.tryConnect(t, method, nil, fields...)
		if err == nil {
			k.send("{}")
			if desc := streaming[method]; desc != nil && desc.ClientStreams {
				k.send("")
			}
			for err == nil { // the answer, if there is one, and the end
				_, _, err = k.conn.Read(k.ctx)
			}
		}
		return true
	}},
}

// decision is what is decided of a call, and what the log says of it.
type decision struct {
	Code, Reason, RPC             string
	Auth, Subject, Tenant         string
	Arrived                       int
	UserID, TenantID, Credentials []string // metadata at the backend
}

// decide makes a call in one way.
func (d *dragoman) decide(t *testing.T, w way, method, id string, fields ...string) (decision, bool) {
	t.Helper()
	before := d.backend.Counts(method).Arrived
	if !w.call(t, d, method, append([]string{"x-request-id", id}, fields...)...) {
		return decision{}, false
	}
	r := d.access.await(t, id)
	got := decision{Code: r.Code, Reason: r.Reason, RPC: r.RPC, Auth: r.Auth, Subject: r.Subject, Tenant: r.Tenant, Arrived: d.backend.Counts(method).Arrived - before}
	if got.Arrived > 0 {
		seen := d.backend.Last(method)
		got.UserID, got.TenantID, got.Credentials = metadataOf(seen, "x-user-id"), metadataOf(seen, "x-tenant-id"), metadataOf(seen, "authorization")
	}
	return got, true
}
