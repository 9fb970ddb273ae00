// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	ws "github.com/coder/websocket"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/validate"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// changed serves the test service from files in which the canary has other text; old and new alternate.
func changed(t testing.TB, oldNew ...string) func(*config.Config) {
	t.Helper()
	folder, canary := newTree(t)
	text, err := os.ReadFile(canary.canary)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(string(text), oldNew[i]) {
			t.Fatalf("the canary has no %q", oldNew[i])
		}
	}
	canary.write(t, strings.NewReplacer(oldNew...).Replace(string(text)))
	return func(c *config.Config) {
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
	}
}

// ruled has the text of the canary's request at most five characters long, with a plan where there is a tenant.
func ruled(t testing.TB) func(*config.Config) {
	files := changed(t,
		"import \"google/api/annotations.proto\";", "import \"buf/validate/validate.proto\";\nimport \"google/api/annotations.proto\";\nimport \"google/api/field_behavior.proto\";",
		"string text = 4;", "string text = 4 [(buf.validate.field).string.max_len = 5];",
		"string plan = 2;", "string plan = 2 [(google.api.field_behavior) = REQUIRED];",
		"bytes data = 7;", "bytes data = 7 [(google.api.field_behavior) = OUTPUT_ONLY];",
	)
	return func(c *config.Config) {
		files(c)
		c.Defaults.Validate = validate.Config{Requests: new(true)}
	}
}

// heldRequest is a request in the forms in which clients make it.
type heldRequest struct{ tenant, text, data string }

func (r heldRequest) message() *testv1.CanaryRequest {
	m := &testv1.CanaryRequest{Text: r.text, Data: []byte(r.data)}
	if r.tenant != "" {
		m.Tenant = &testv1.CanaryRequest_Tenant{Id: r.tenant}
	}
	return m
}

func (r heldRequest) json(t testing.TB) string {
	t.Helper()
	data, err := protojson.Marshal(r.message())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (r heldRequest) query() string {
	q := url.Values{"text": {r.text}, "data": {base64.StdEncoding.EncodeToString([]byte(r.data))}}
	if r.tenant != "" {
		q.Set("tenant.id", r.tenant)
	}
	return q.Encode()
}

// violationsOf is a status, with its details, as text.
func violationsOf(t testing.TB, err error) string {
	t.Helper()
	st := grpcstatus.Convert(err)
	text := st.Message()
	for _, detail := range st.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				text += "; " + v.GetField() + ": " + v.GetDescription() + " " + v.GetReason()
			}
		}
	}
	return text
}

// heldWays are ways to make a call of the canary's Echo with a request. They return what the client is told.
var heldWays = []struct {
	name string
	call func(t *testing.T, d *dragoman, r heldRequest, id string) string
}{
	{"grpc", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		ctx := metadata.AppendToOutgoingContext(within(t), "x-request-id", id)
		return violationsOf(t, d.dial(t).Invoke(ctx, canaryEcho, r.message(), &testv1.CanaryResponse{}))
	}},
	{"grpc with gzip", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		ctx := metadata.AppendToOutgoingContext(within(t), "x-request-id", id)
		return violationsOf(t, d.dial(t).Invoke(ctx, canaryEcho, r.message(), &testv1.CanaryResponse{}, grpc.UseCompressor(gzip.Name)))
	}},
	{"grpc-web", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		c := d.h1(t)
		a := c.do(t, c.request(t, "POST", canaryEcho, string(frame{0, marshal(t, r.message())}.bytes()), web("application/grpc-web+proto", "x-request-id", id)...))
		data, err := base64.RawStdEncoding.DecodeString(a.header.Get("Grpc-Status-Details-Bin"))
		st := &spb.Status{}
		if err != nil || proto.Unmarshal(data, st) != nil {
			t.Fatalf("grpc-web: %v, %v", err, a.header)
		}
		return violationsOf(t, grpcstatus.ErrorProto(st))
	}},
	{"connect", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		c := d.h2(t)
		return c.do(t, c.request(t, "POST", canaryEcho, r.json(t), connectJSON("x-request-id", id)...)).body
	}},
	{"connect in protobuf", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		c := d.h2(t)
		return c.do(t, c.request(t, "POST", canaryEcho, marshal(t, r.message()), connectProto("x-request-id", id)...)).body
	}},
	{"connect over HTTP/3", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		c := d.h3(t)
		return c.do(t, c.request(t, "POST", canaryEcho, r.json(t), connectJSON("x-request-id", id)...)).body
	}},
	{"rest", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "POST", "/canary/v1/echo", r.json(t), "content-type", "application/json", "x-request-id", id)).body
	}},
	{"rest, in the query", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		c := d.h1(t)
		return c.do(t, c.request(t, "GET", "/canary/v1/echo?"+r.query(), "", "x-request-id", id)).body
	}},
	{"websocket", func(t *testing.T, d *dragoman, r heldRequest, id string) string {
		k := d.connect(t, canaryEcho, nil, "x-request-id", id)
		k.send(r.json(t))
		_, data, err := k.conn.Read(k.ctx)
		for err == nil { // up to the end
			_, _, err = k.conn.Read(k.ctx)
		}
		return fmt.Sprint(string(data), err)
	}},
}

// T209 and threat A14: what a schema says of a request holds in every protocol alike: the same refusals, before the backend, with the same paths.
func TestT209ValidationInEveryProtocol(t *testing.T) {
	t.Parallel()
	d := start(t, ruled(t))
	for i, tt := range []struct {
		reason  string
		request heldRequest
		want    []string // in what the client is told; none where the request is good
	}{
		{"good", heldRequest{text: "12345", data: "x"}, nil},
		{"too long", heldRequest{text: "123456"}, []string{"text: must be at most 5 characters"}},
		{"no plan", heldRequest{tenant: "a"}, []string{"tenant.plan: is required"}},
		{"both", heldRequest{text: "123456", tenant: "a"}, []string{"tenant.plan: is required (and 1 more)"}},
	} {
		for j, w := range heldWays {
			id := fmt.Sprintf("held-%d-%d", i, j)
			before := d.backend.Counts(canaryEcho).Arrived
			said := w.call(t, d, tt.request, id)
			r := d.access.await(t, id)
			arrived := d.backend.Counts(canaryEcho).Arrived - before
			if tt.want == nil {
				if got := d.backend.Last(canaryEcho).GetRequestJson(); r.Code != "OK" || arrived != 1 || got != `{"text":"12345"}` {
					t.Errorf("%s, %s: %+v, %d arrived, %s; want it without what is output only", w.name, tt.reason, r, arrived, got)
				}
				continue
			}
			if r.Code != "INVALID_ARGUMENT" || r.Reason != "validation_failed" || arrived != 0 {
				t.Errorf("%s, %s: %+v, %d arrived", w.name, tt.reason, r, arrived)
			}
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("%s, %s: the client is told %q; want %q in it", w.name, tt.reason, said, want)
				}
			}
			if w.name != "websocket" && (!strings.Contains(said, "STRING_MAX_LEN") && tt.request.text != "" || !strings.Contains(said, "tenant.plan") && tt.request.tenant != "") {
				t.Errorf("%s, %s: the details are not in %q", w.name, tt.reason, said)
			}
		}
	}
}

// T209: each message of a stream is held to the rules; the first that breaks one ends it.
func TestT209EachMessageOfStreams(t *testing.T) {
	t.Parallel()
	d := start(t, ruled(t))
	stream, err := testv1.NewEchoServiceClient(d.dial(t)).Converse(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1", "12345"} {
		if err := stream.Send(&testv1.CanaryRequest{Text: text}); err != nil {
			t.Fatal(err)
		}
		if a, err := stream.Recv(); err != nil || a.GetSeen().GetRequestJson() != `{"text":"`+text+`"}` {
			t.Fatalf("%v, %v", a, err)
		}
	}
	_ = stream.Send(&testv1.CanaryRequest{Text: "123456"})
	if _, err := stream.Recv(); grpcstatus.Code(err) != codes.InvalidArgument || !strings.Contains(violationsOf(t, err), "text: must be at most 5 characters STRING_MAX_LEN") {
		t.Errorf("gRPC: %v", err)
	}
	k := d.connect(t, echo+"Converse", nil)
	k.send(`{"text":"12345"}`)
	k.next(ws.MessageText)
	k.send(`{"text":"123456"}`)
	_, data, err := k.conn.Read(k.ctx)
	if !strings.Contains(fmt.Sprint(string(data), err), "text: must be at most 5 characters") {
		t.Errorf("WebSocket: %s, %v", data, err)
	}
	a := d.h2(t).call(t, "POST", "/canary/v1/stream", `{"text":"123456"}`)
	if a.status != 400 || !strings.Contains(a.body, "STRING_MAX_LEN") {
		t.Errorf("a stream of answers: %d %s", a.status, a.body)
	}
}

// Rules hold where the policy says so, the most specific place first; without it no request is held to them.
func TestValidationIsAPolicy(t *testing.T) {
	t.Parallel()
	files := ruled(t)
	d := start(t, func(c *config.Config) {
		files(c)
		c.Services[0].Methods = []config.Method{{Name: "Slow", Policy: config.Policy{Validate: validate.Config{Requests: new(false)}}}}
	})
	for path, want := range map[string]int{"/canary/v1/echo": 400, "/canary/v1/slow": 200} {
		if a := d.h1(t).call(t, "POST", path, `{"text":"123456","sleep":"0.001s"}`); a.status != want {
			t.Errorf("%s: %d %s; want %d", path, a.status, a.body, want)
		}
	}
}

// Rules that cannot be compiled do not come into force: what was served goes on.
func TestRulesThatDoNotCompileAreRefused(t *testing.T) {
	t.Parallel()
	folder, canary := newTree(t)
	d := start(t, func(c *config.Config) {
		c.Schemas.Sources = []config.Source{{Name: "protos", Protos: &config.Protos{Dirs: []string{folder}, Watch: true}}}
		c.Defaults.Validate = validate.Config{Requests: new(true)}
	})
	text, err := os.ReadFile(canary.canary)
	if err != nil {
		t.Fatal(err)
	}
	canary.write(t, strings.NewReplacer(
		"import \"google/api/annotations.proto\";", "import \"buf/validate/validate.proto\";\nimport \"google/api/annotations.proto\";",
		"string text = 4;", "string text = 4 [(buf.validate.field).cel = {id: \"x\" expression: \"this.nope\"}];",
	).Replace(string(text)))
	e := d.reloaded(t, d.started.Load.Snapshot)
	if e.Err == nil || !strings.Contains(fmt.Sprint(e.Err), "the rule of dragoman.test.v1.CanaryRequest.text cannot be used") || !strings.Contains(fmt.Sprint(e.Err), "canary.proto:") {
		t.Fatalf("%v", e.Err)
	}
	if a := d.h1(t).call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
