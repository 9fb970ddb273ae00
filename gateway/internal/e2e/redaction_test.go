// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/jwt/jwttest"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// confidential is what those who may not see it must not find in an answer.
const confidential = "s3cr3t"

// asked is a request of the canary that comes back in its answer: in an Any, and as text.
func asked(t testing.TB, behavior string) string {
	t.Helper()
	return fmt.Sprintf(`{"text":"open","secret":%q,"behavior":{%s}}`, confidential, behavior)
}

// answeredWays are ways to call the canary's Echo with a request in JSON. They return all that the client gets.
var answeredWays = []struct {
	name string
	call func(t *testing.T, d *dragoman, request string, fields ...string) string
}{
	{"grpc", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		return d.answered(t, request, fields)
	}},
	{"grpc with gzip", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		return d.answered(t, request, fields, grpc.UseCompressor(gzip.Name))
	}},
	{"grpc-web", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		c := d.h1(t)
		m := fromJSON(t, request, &testv1.CanaryRequest{})
		a := c.do(t, c.request(t, "POST", canaryEcho, string(frame{0, marshal(t, m)}.bytes()), web("application/grpc-web+proto", fields...)...))
		return a.body + fmt.Sprint(a.header)
	}},
	{"connect", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		c := d.h2(t)
		return c.do(t, c.request(t, "POST", canaryEcho, request, connectJSON(fields...)...)).body
	}},
	{"connect in protobuf over HTTP/3", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		c := d.h3(t)
		return c.do(t, c.request(t, "POST", canaryEcho, marshal(t, fromJSON(t, request, &testv1.CanaryRequest{})), connectProto(fields...)...)).body
	}},
	{"rest", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "POST", "/canary/v1/echo", request, append([]string{"content-type", "application/json"}, fields...)...)).body
	}},
	{"rest, a stream", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		c := d.h2(t)
		return c.do(t, c.request(t, "POST", "/canary/v1/stream", request, append([]string{"content-type", "application/json"}, fields...)...)).body
	}},
	{"websocket", func(t *testing.T, d *dragoman, request string, fields ...string) string {
		k := d.connect(t, canaryEcho, nil, fields...)
		k.send(request)
		var all strings.Builder
		for {
			_, data, err := k.conn.Read(k.ctx)
			all.Write(data)
			if err != nil {
				fmt.Fprint(&all, err)
				return all.String()
			}
		}
	}},
}

// answered calls by gRPC.
func (d *dragoman) answered(t *testing.T, request string, fields []string, options ...grpc.CallOption) string {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(within(t), fields...)
	a := &testv1.CanaryResponse{}
	if err := d.dial(t).Invoke(ctx, canaryEcho, fromJSON(t, request, &testv1.CanaryRequest{}), a, options...); err != nil {
		return fmt.Sprint(err, grpcstatus.Convert(err).Details())
	}
	data, err := protojson.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// redacting takes out what is marked, and the request as text, for all but those with the scope.
func redacting(t testing.TB, key *jwttest.Key) func(*config.Config) {
	t.Helper()
	return func(c *config.Config) {
		readsGzip(c)
		c.Auth.Providers = []config.AuthProvider{jwtProvider(t, "mobile", nil, key)}
		c.Defaults.Auth = []string{"mobile", config.Everybody}
		c.Defaults.Redact = &config.Redaction{DebugRedact: true, Fields: []string{"seen.request_json", "seen.metadata"}, Unless: "'support' in auth.scopes"}
	}
}

// Fields go out of answers for those who may not see them, in every protocol, for each message of a stream, and out of the details of errors: also those
// in an Any.
func TestFieldsAreTakenOutInEveryProtocol(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	d := start(t, redacting(t, key))
	token := func(scope string) []string {
		return []string{"authorization", "Bearer " + key.Token("ada", map[string]any{"tenant": "t1", "scope": scope})}
	}
	good := asked(t, "")
	bad := asked(t, `"status":{"code":9,"message":"no","details":[{"@type":"type.googleapis.com/dragoman.test.v1.CanaryRequest","text":"open","secret":"`+confidential+`"}]}`)
	for _, w := range answeredWays {
		for _, tt := range []struct {
			who    string
			fields []string
			shown  bool
		}{
			{"nobody", nil, false},
			{"somebody", token("read write"), false},
			{"support", token("read support"), true},
		} {
			said := w.call(t, d, good, tt.fields...)
			if !strings.Contains(said, "open") || strings.Contains(said, confidential) != tt.shown {
				t.Errorf("%s, %s: the answer has the secret: %t; want %t: %.300q", w.name, tt.who, !tt.shown, tt.shown, said)
			}
			if w.name == "websocket" || w.name == "grpc-web" {
				continue // which do not tell details, or in base64
			}
			said = w.call(t, d, bad, tt.fields...)
			if !strings.Contains(said, "no") || strings.Contains(said, confidential) != tt.shown {
				t.Errorf("%s, %s: the error has the secret: %t; want %t: %.300q", w.name, tt.who, !tt.shown, tt.shown, said)
			}
		}
	}
}

// Each message of a stream in both directions, by gRPC and WebSocket; and a place that says {} takes nothing out.
func TestFieldsAreTakenOutOfStreams(t *testing.T) {
	t.Parallel()
	key := jwttest.NewKey(t, "k", "ES256")
	whole := redacting(t, key)
	d := start(t, func(c *config.Config) {
		whole(c)
		c.Services[0].Methods = []config.Method{{Name: "Slow", Policy: config.Policy{Redact: &config.Redaction{}}}}
	})
	stream, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	k := d.connect(t, echo+"Converse", nil)
	for range 3 {
		if err := stream.Send(&testv1.CanaryRequest{Text: "open", Secret: confidential}); err != nil {
			t.Fatal(err)
		}
		a, err := stream.Recv()
		if errors.Is(err, io.EOF) || err != nil {
			t.Fatal(err)
		}
		got := &testv1.CanaryRequest{}
		if err := a.GetSeen().GetRequest().UnmarshalTo(got); err != nil || !proto.Equal(got, &testv1.CanaryRequest{Text: "open"}) || a.GetSeen().GetRequestJson() != "" || len(a.GetSeen().GetMetadata()) > 0 {
			t.Errorf("gRPC: %v, %v", a, err)
		}
		k.send(asked(t, ""))
		if text := k.next(ws.MessageText); strings.Contains(text, confidential) || !strings.Contains(text, "open") {
			t.Errorf("WebSocket: %s", text)
		}
	}
	if a := d.h1(t).call(t, "POST", "/canary/v1/slow", asked(t, `"sleep":"0.001s"`)); !strings.Contains(a.body, confidential) {
		t.Errorf("a method of which nothing is taken out: %s", a.body)
	}
}
