// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// caching stores the answers of all methods without side effects.
func caching(p cache.PolicyConfig) func(*config.Config) {
	return func(c *config.Config) { c.Defaults.Cache = &config.CachePolicy{PolicyConfig: p} }
}

// minute is a policy whose answers stay fresh while a test runs.
func minute() cache.PolicyConfig { return cache.PolicyConfig{TTL: time.Hour} }

// asking is one way to call Echo of the canary, which returns what the client is sent, in whatever form: texts stand in it as they are.
type asking struct {
	name   string
	secure bool // of another scheme and host, so that its answers are its own
	ask    func(t *testing.T, d *dragoman, id string, fields ...string) string
}

// askings are all protocols.
var askings = []asking{
	{"grpc", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		ctx := metadata.AppendToOutgoingContext(within(t), fields...)
		out := &testv1.CanaryResponse{}
		if err := d.dial(t).Invoke(ctx, canaryEcho, &testv1.CanaryRequest{Id: id}, out); err != nil {
			return err.Error()
		}
		return marshal(t, out)
	}},
	{"grpc, fields in another order", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		ctx := metadata.AppendToOutgoingContext(within(t), fields...)
		out := &testv1.CanaryResponse{}
		// Field 30 of no bytes would be another request; field 2 of no text is none.
		request := append([]byte{2<<3 | 2, 0}, marshal(t, &testv1.CanaryRequest{Id: id})...)
		in := &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(request)}}
		if err := d.dial(t).Invoke(ctx, canaryEcho, in, out, grpc.ForceCodecV2(transcoder.RawCodec{})); err != nil {
			return err.Error()
		}
		return marshal(t, out)
	}},
	{"grpc-web", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "POST", canaryEcho, string(frame{0, marshal(t, &testv1.CanaryRequest{Id: id})}.bytes()), web("application/grpc-web+proto", fields...)...)).body
	}},
	{"grpc-web-text", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h2(t)
		a := c.do(t, c.request(t, "POST", canaryEcho, units(string(frame{0, marshal(t, &testv1.CanaryRequest{Id: id})}.bytes())), web("application/grpc-web-text+proto", fields...)...))
		return string(decodeUnits(t, a.body))
	}},
	{"connect in JSON", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h2(t)
		return c.do(t, c.request(t, "POST", canaryEcho, `{"id":"`+id+`"}`, connectJSON(fields...)...)).body
	}},
	{"connect in protobuf", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "POST", canaryEcho, marshal(t, &testv1.CanaryRequest{Id: id}), connectProto(fields...)...)).body
	}},
	{"connect by GET", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "GET", canaryEcho+"?connect=v1&encoding=json&message="+url.QueryEscape(`{"id":"`+id+`"}`), "", fields...)).body
	}},
	{"rest by GET", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "GET", "/canary/v1/echo?id="+id, "", fields...)).body
	}},
	{"rest by POST", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		return d.h2(t).call(t, "POST", "/canary/v1/echo", `{"text":"","id":"`+id+`"}`, fields...).body
	}},
	{"websocket", false, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		k, _, err := d.tryConnect(t, canaryEcho, nil, fields...)
		if err != nil {
			return err.Error()
		}
		k.send(`{"id":"` + id + `"}`)
		text := k.next(ws.MessageText)
		_, _, _ = k.conn.Read(k.ctx) // the end
		return text
	}},
	{"rest over HTTP/3", true, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h3(t)
		return c.do(t, c.request(t, "GET", "/canary/v1/echo?id="+id, "", fields...)).body
	}},
	{"connect over HTTP/3", true, func(t *testing.T, d *dragoman, id string, fields ...string) string {
		c := d.h3(t)
		return c.do(t, c.request(t, "POST", canaryEcho, `{"id":"`+id+`"}`, connectJSON(fields...)...)).body
	}},
}

// asked counts the calls of Echo that reach the backend while do runs.
func (d *dragoman) asked(do func()) int { return d.arrivals(do)[canaryEcho] }

// cached is what the gateway says of the call of a request.
func (d *dragoman) cached(t *testing.T, id string) string {
	t.Helper()
	return d.access.await(t, id).Cache
}

// echoOf is a request of Echo that wants some metadata in its answer.
func echoOf(id string, header ...string) *testv1.CanaryRequest {
	b := &testv1.Behavior{}
	for i := 0; i < len(header); i += 2 {
		b.Header = append(b.Header, &testv1.Metadata{Key: header[i], Values: []string{header[i+1]}})
	}
	return &testv1.CanaryRequest{Id: id, Behavior: b}
}

// echo calls Echo by gRPC.
func (d *dragoman) echo(ctx context.Context, t testing.TB, request proto.Message, fields ...string) (*testv1.CanaryResponse, metadata.MD, error) {
	t.Helper()
	var header metadata.MD
	out := &testv1.CanaryResponse{}
	err := d.dial(t).Invoke(metadata.AppendToOutgoingContext(ctx, fields...), canaryEcho, request, out, grpc.Header(&header))
	return out, header, err
}
