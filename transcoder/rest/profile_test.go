// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// flipRow is a request that shows a flip.
type flipRow struct {
	statement int
	line      string
	fields    []string
	body      string
	strict    string // a part of the answer without the flip
	profile   string // and with it, where everything else is strict
}

// The numbers are those of the statements, T40 and so on. Each flip is alone: everything else is strict.
var grpcGatewayRows = []flipRow{
	{40, "GET /test/v1/body/all", nil, "", "405 Allow=OPTIONS, POST", "501 Content-Type"},
	{49, "GET /test/v1/things/a?id=b", nil, "", "400", "200"},
	{49, "POST /test/v1/body/thing/a?thing.name=b", nil, "{}", "400", "200"},
	{52, "POST /test/v1/messages/scalars?int32_value=5", nil, `{"int32Value":6}`, "400", `"int32Value":6`},
	{53, "PUT /test/v1/things/a", nil, `{"id":"b"}`, "400", "200"},
	{57, "GET /test/v1/messages/scalars?nope=1&int32_value=5", nil, "", "400", `"int32Value":5`},
	{67, "GET /test/v1/messages/well-known?struct=%7B%22a%22:1%7D", nil, "", "400", `"struct":{"a":1}`},
	{67, "GET /test/v1/messages/well-known?value=%22v%22&list=[1]", nil, "", "400", `"value":"v","list":[1]`},
	{67, "GET /test/v1/messages/well-known?struct=[]", nil, "", "400", "400"},
	{71, "GET /test/v1/messages/scalars?int32_value=5", nil, "body", "400", `"int32Value":5`},
	{74, "GET /test/v1/path/int32/007", nil, "", "400", `"int32Value":7`},
	{74, "GET /test/v1/messages/maps?int32_keys[%2B07]=a", nil, "", "400", `"int32Keys":{"7":"a"}`},
	{74, "GET /test/v1/messages/maps?int32_keys[7]=a&int32_keys[07]=b", nil, "", "400", "400"},
	{78, "GET /test/v1/messages/scalars?bool_value=T", nil, "", "400", `"boolValue":true`},
	{78, "GET /test/v1/messages/well-known?bool_wrapper=1", nil, "", "400", `"boolWrapper":true`},
	{78, "GET /test/v1/messages/maps?bool_keys[t]=a&bool_values[a]=1", nil, "", "400", `"boolKeys":{"true":"a"}`},
	{79, "GET /test/v1/messages/scalars?color_value=7", nil, "", `"colorValue":7`, "400"},
	{79, "GET /test/v1/messages/maps?color_values[a]=7", nil, "", `{"a":7}`, "400"},
	{79, "GET /test/v1/messages/scalars?color_value=10", nil, "", `"colorValue":"COLOR_BLUE"`, `"colorValue":"COLOR_BLUE"`},
	{82, "GET /test/v1/messages/scalars?float_value=inf", nil, "", "400", `"floatValue":"Infinity"`},
	{82, "GET /test/v1/messages/scalars?double_value=0x1p-2", nil, "", "400", `"doubleValue":0.25`},
	{83, "GET /test/v1/messages/well-known?timestamp.seconds=5&int64_wrapper.value=6", nil, "", "400", `"timestamp":"1970-01-01T00:00:05Z"`},
	{83, "GET /test/v1/messages/well-known?any.type_url=x", nil, "", "400", "400"},
	{84, "GET /test/v1/messages/well-known?duration=1h30m", nil, "", "400", `"duration":"5400s"`},
	{84, "GET /test/v1/messages/well-known?duration=2562047h47m16.854775807s", nil, "", "400", `"duration":"9223372036.854775807s"`},
	{84, "GET /test/v1/messages/well-known?duration=-1m0.5s", nil, "", "400", `"duration":"-60.500s"`},
	{85, "GET /test/v1/messages/well-known?field_mask=aB", nil, "", `"fieldMask":"aB"`, "502"}, // a path that no field has, and that JSON cannot say
	{85, "GET /test/v1/things/a?update_mask=*", nil, "", "400", "200"},
	{85, "GET /test/v1/things/a?update_mask=%FF", nil, "", "400", "400"}, // T39
	{91, "POST /test/v1/messages/scalars", []string{"Content-Type: text/plain"}, `{"int32Value":5}`, "415", `"int32Value":5`},
	{92, "POST /test/v1/messages/scalars", []string{"Content-Type:"}, `{"int32Value":5}`, "415", `"int32Value":5`},
	{96, "POST /test/v1/messages/scalars", nil, `{"nope":[1],"int32Value":5}`, "400", `"int32Value":5`},
	{96, "POST /test/v1/messages/scalars", nil, `{"colorValue":"COLOR_MAUVE"}`, "400", "400"}, // T97
	{108, "PATCH /test/v1/things/a", nil, "{}", "400", "200"},
	{112, "POST /test/v1/messages/editions", nil, "{}", `{"implicit":"",`, `{"explicit":null,"implicit":"",`},
	{112, "GET /nope", nil, "", `"domain":"dragoman"}`, `"domain":"dragoman","metadata":{}}`},
	{123, "POST /test/v1/body/http", nil, `{"contentType":"text/plain","data":"aGk="}`, `200 Content-Type=application/json X-Header=h {"contentType"`, "200 Content-Type=text/plain X-Header=h hi"},
	{130, "GET /test/v1/streams/repeat-text", []string{"Accept: application/json"}, "", "[\"\",\n\"\"]", "{\"result\":\"\"}\n{\"result\":\"\"}\n"},
	{130, "GET /test/v1/streams/repeat-text", []string{"Accept: text/html"}, "", "406", "200"},
	{131, "GET /test/v1/streams/safe-repeat", nil, "", "200 Content-Type=application/x-ndjson", "200 Content-Type=application/json"},
	{132, "GET /test/v1/streams/repeat-text", nil, "", "\"\"\n\"\"\n", "{\"result\":\"\"}\n{\"result\":\"\"}\n"},
	{132, "GET /test/v1/streams/repeat-text", []string{"Fail: 1"}, "", "\"\"\n{\"error\":{\"code\":10,", "{\"result\":\"\"}\n{\"error\":{\"code\":10,"},
	{134, "GET /test/v1/streams/repeat-text", []string{"Fail: 0"}, "", `409 Content-Type=application/json X-Header=h {"code":10,`, `409 Content-Type=application/json X-Header=h {"error":{"code":10,`},
	{134, "GET /test/v1/streams/repeat-text?text=a&text=b", nil, "", `{"code":3,`, `{"code":3,`}, // what the gateway refuses
	{141, "POST /test/v1/streams/collect", nil, `{"id":"a"}{"id":"b"}`, "400", "200"},
	{141, "POST /test/v1/streams/collect", nil, `[{"id":"a"},{"id":"b"}]`, "200", "400"},
	{167, "GET /test/v1/messages/empty", nil, "", " X-Header=h ", " Grpc-Metadata-X-Header=h "},
	{167, "GET /test/v1/messages/empty", []string{"TE: trailers"}, "", " X-Trailer=t ", " Grpc-Trailer-X-Trailer=t "},
	{168, "GET /test/v1/streams/repeat-text", []string{"TE: trailers"}, "", " X-Trailer=t ", "X-Header=h \"\""},
	{168, "GET /test/v1/messages/empty", []string{"TE: trailers"}, "", " X-Trailer=t ", " X-Trailer=t "},
}

var envoyRows = []flipRow{
	{57, "GET /test/v1/messages/scalars?nope=1&int32_value=5", nil, "", "400", `"int32Value":5`},
	{60, "GET /test/v1/messages/scalars?string_value=a+b%2Bc", nil, "", `"stringValue":"a b+c"`, `"stringValue":"a+b+c"`},
	{80, "GET /test/v1/messages/scalars?color_value=color_Red", nil, "", "400", `"colorValue":"COLOR_RED"`},
	{80, "POST /test/v1/messages/scalars", nil, `{"colorValue":"color_Red"}`, "400", `"colorValue":"COLOR_RED"`},
	{96, "POST /test/v1/messages/scalars", nil, `{"nope":[1],"int32Value":5}`, "400", `"int32Value":5`},
	{112, "POST /test/v1/messages/scalars", nil, `{"int32Value":5}`, `{"doubleValue":0,`, `{"int32Value":5}`},
	{130, "GET /test/v1/streams/repeat-text", nil, "", "\"\"\n\"\"\n", "[\"\",\n\"\"]"},
	{130, "GET /test/v1/streams/repeat-text", []string{"Accept: application/x-ndjson"}, "", "\"\"\n\"\"\n", "\"\"\n\"\"\n"},
}

// TestFlips: each flip of each profile, and that each has a request which shows it.
func TestFlips(t *testing.T) {
	t.Parallel()
	b := startBackend(t)
	strict := server(t, b, rest.Config{})
	for profile, rows := range map[rest.Profile][]flipRow{rest.ProfileGRPCGateway: grpcGatewayRows, rest.ProfileEnvoy: envoyRows} {
		for _, flip := range profile.Flips() {
			shown := flip.Statement == 163 // TestT163PrefixedMetadata
			var cfg rest.Config
			flip.Apply(&cfg)
			flipped := server(t, b, cfg)
			for _, row := range rows {
				if row.statement != flip.Statement {
					continue
				}
				before, after := ask(t, strict, row.line, row.body, row.fields...), ask(t, flipped, row.line, row.body, row.fields...)
				if !strings.Contains(before, row.strict) {
					t.Errorf("T%d: %s %s, strict\n got %s\nwant %s", row.statement, row.line, row.body, before, row.strict)
				}
				if !strings.Contains(after, row.profile) {
					t.Errorf("T%d: %s %s, as %s has it\n got %s\nwant %s", row.statement, row.line, row.body, profile, after, row.profile)
				}
				shown = shown || before != after
			}
			if !shown {
				t.Errorf("T%d of %s: no request shows it", flip.Statement, profile)
			}
		}
		for _, row := range rows {
			if !slices.ContainsFunc(profile.Flips(), func(f rest.Flip) bool { return f.Statement == row.statement }) {
				t.Errorf("T%d is no flip of %s", row.statement, profile)
			}
		}
	}
}

// T163: the names that fields have as metadata.
func TestT163PrefixedMetadata(t *testing.T) {
	t.Parallel()
	b := startBackend(t)
	h := server(t, b, rest.Config{PrefixedMetadata: true})
	for _, tt := range []struct {
		name, value string
		want        []string // "name: value"
	}{
		{"X-Foo", "1", nil},
		{"Grpc-Metadata-Foo", "1", []string{"foo: 1"}},
		{"Grpc-Metadata-Foo-Bin", "AAE=", []string{"foo-bin: \x00\x01"}},
		{"Authorization", "Bearer x", []string{"authorization: Bearer x", "grpcgateway-authorization: Bearer x"}},
		{"Accept-Language", "de", []string{"grpcgateway-accept-language: de"}},
		{"User-Agent", "me", []string{"grpcgateway-user-agent: me"}},
		// What a client cannot say under its own name, it cannot say under a prefix.
		{"Cookie", "a=b", nil},
		{"Grpc-Metadata-Cookie", "a=b", nil},
		{"Grpc-Metadata-X-Forwarded-For", "1.2.3.4", nil},
		{"Grpc-Metadata-X-Dragoman-User", "root", nil},
		{"Grpc-Metadata-Grpcgateway-Authorization", "x", nil},
		{"Grpc-Metadata-Grpc-Timeout", "1S", nil},
		{"Grpc-Metadata-Connection", "close", nil},
		{"Grpc-Metadata-", "x", nil},
		{"Grpcgateway-Authorization", "x", nil},
	} {
		fields := []string{"User-Agent:", "Accept-Encoding: identity", tt.name + ": " + tt.value}
		if got := ask(t, h, "GET /test/v1/messages/empty", "", fields...); !strings.HasPrefix(got, "200") {
			t.Fatalf("%s: %s", tt.name, got)
		}
		var got []string
		for name, values := range *b.metadata.Load() {
			if strings.HasPrefix(name, ":") || slices.Contains([]string{"content-type", "user-agent", "grpc-accept-encoding", "grpcgateway-content-type"}, name) {
				continue
			}
			for _, v := range values {
				if name != "grpcgateway-user-agent" || v == tt.value { // net/http's client has one of its own
					got = append(got, name+": "+v)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %s: metadata %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
	for value, status := range map[string]string{"a\tb": "400", "!": "200"} {
		if got := ask(t, h, "GET /test/v1/messages/empty", "", "Grpc-Metadata-Foo: "+value); !strings.HasPrefix(got, status) {
			t.Errorf("%q: %s; want %s", value, got, status)
		}
	}
	if got := ask(t, h, "GET /test/v1/messages/empty", "", "Grpc-Metadata-Foo-Bin: !"); !strings.HasPrefix(got, "400") {
		t.Errorf("what is not base64: %s; want 400", got)
	}
}

func TestProfilesAreTables(t *testing.T) {
	t.Parallel()
	for _, p := range rest.Profiles() {
		before := 0
		for _, f := range p.Flips() {
			var cfg rest.Config
			if f.Apply(&cfg); reflect.DeepEqual(cfg, rest.Config{}) {
				t.Errorf("%s, T%d: the flip changes nothing", p, f.Statement)
			}
			if f.Statement <= before || f.Strict == "" || f.Profile == "" {
				t.Errorf("%s, T%d: the flips are in the order of their statements, each once, and say both answers", p, f.Statement)
			}
			before = f.Statement
		}
		before = 0
		for _, k := range p.Kept() {
			if k.Statement <= before || k.Theirs == "" || k.Ours == "" || k.Reason == "" {
				t.Errorf("%s, T%d: what is kept is in the order of the statements, each once, with both answers and a reason", p, k.Statement)
			}
			before = k.Statement
		}
	}
	for _, p := range []rest.Profile{"", rest.ProfileStrict} {
		if cfg, err := p.Config(); err != nil || !reflect.DeepEqual(cfg, rest.Config{}) {
			t.Errorf("%q: %+v, %v; want the zero value", p, cfg, err)
		}
	}
	if _, err := rest.Profile("kong").Config(); err == nil || fmt.Sprint(err) != `profile is "kong"; it must be strict, grpc-gateway or envoy` {
		t.Errorf("an unknown profile: %v", err)
	}
}
