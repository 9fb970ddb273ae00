// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// v1 is the field by which a client says that it speaks Connect.
var v1 = []string{"connect-protocol-version", "1"}

// connectJSON are the fields of a unary call in JSON.
func connectJSON(more ...string) []string {
	return slices.Concat([]string{"content-type", "application/json"}, v1, more)
}

func connectProto(more ...string) []string {
	return append([]string{"content-type", "application/proto"}, more...)
}

func connectStream(form string, more ...string) []string {
	return append([]string{"content-type", "application/connect+" + form}, more...)
}

func marshal(t testing.TB, m proto.Message) string {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestT187_ErrorsOfConnect: JSON whatever the form, with Connect's status, name and details.
func TestT187_ErrorsOfConnect(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for code, want := range map[int]struct {
		name string
		http int
	}{
		1: {"canceled", 499}, 2: {"unknown", 500}, 3: {"invalid_argument", 400}, 4: {"deadline_exceeded", 504}, 5: {"not_found", 404}, 6: {"already_exists", 409},
		7: {"permission_denied", 403}, 8: {"resource_exhausted", 429}, 9: {"failed_precondition", 400}, 10: {"aborted", 409}, 11: {"out_of_range", 400},
		12: {"unimplemented", 501}, 13: {"internal", 500}, 14: {"unavailable", 503}, 15: {"data_loss", 500}, 16: {"unauthenticated", 401}, 17: {"unknown", 500}, 99: {"unknown", 500},
	} {
		body := request(t, fmt.Sprintf(`{"behavior":{"status":{"code":%d,"message":"m"}}}`, code))
		a := d.h1(t).call(t, "POST", binding+"NoRule", marshal(t, body), connectProto()...)
		if wantBody := fmt.Sprintf(`{"code":%q,"message":"m"}`, want.name); a.status != want.http || a.body != wantBody || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("code %d: %d %s: %s; want %d %s", code, a.status, a.header.Get("Content-Type"), a.body, want.http, wantBody)
		}
		// The same in a stream is 200, and the error is the last envelope (T190).
		a = d.h1(t).call(t, "POST", streams+"RepeatNoRule", string(frame{0, marshal(t, body)}.bytes()), connectStream("proto")...)
		frames := framesOf(t, []byte(a.body))
		if wantEnd := fmt.Sprintf(`{"error":{"code":%q,"message":"m"}}`, want.name); a.status != 200 || len(frames) != 1 || frames[0] != (frame{wire.FlagEndStream, wantEnd}) {
			t.Errorf("code %d in a stream: %d %q", code, a.status, frames)
		}
	}
	// Details: those of the schema with what they say, the others with their bytes alone, and metadata in its place.
	body := &testv1.BindRequest{Behavior: fromJSON(t, `{
		"header":[{"key":"x-h","values":["1","2"]}],"trailer":[{"key":"x-t","values":["b","a"]},{"key":"x-t-bin","values":["/w=="]}],
		"status":{"code":9,"message":"ä \"q\"","details":[{"@type":"type.googleapis.com/dragoman.test.v1.Thing","name":"n"}]}}`, &testv1.Behavior{})}
	body.Behavior.Status.Details = append(body.Behavior.Status.Details, anyOf("x/unknown.Type", "\x08\x01"), anyOf("dragoman.test.v1.Thing", "\xff"))
	const want = `{"code":"failed_precondition","message":"ä \"q\"","details":[` +
		`{"type":"dragoman.test.v1.Thing","value":"CgFu","debug":{"name":"n"}},{"type":"unknown.Type","value":"CAE"},{"type":"dragoman.test.v1.Thing","value":"/w"}]}`
	a := d.h2(t).call(t, "POST", binding+"NoRule", marshal(t, body), connectProto()...)
	if a.body != want || !slices.Equal(a.header.Values("X-H"), []string{"1", "2"}) || !slices.Equal(a.header.Values("Trailer-X-T"), []string{"b", "a"}) ||
		a.header.Get("Trailer-X-T-Bin") != "/w" || len(a.trailer) > 0 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Dragoman-Reason") != "backend_error" {
		t.Errorf("%s\n%v %v", a.body, a.header, a.trailer)
	}
	a = d.h2(t).call(t, "POST", streams+"RepeatNoRule", string(frame{0, marshal(t, body)}.bytes()), connectStream("proto")...)
	wantEnd := `{"error":` + want + `,"metadata":{"x-t":["b","a"],"x-t-bin":["/w"]}}`
	if frames := framesOf(t, []byte(a.body)); len(frames) != 1 || frames[0].data != wantEnd || a.header.Get("X-H") != "1" || len(a.trailer) > 0 {
		t.Errorf("%q\nwant %s\n%v", frames, wantEnd, a.header)
	}
}

// TestT188_GetOfConnect: calls by GET, in any order of parameters, of methods without side effects alone.
func TestT188_GetOfConnect(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	message := url.QueryEscape(`{"id":"a b+c/ä","unknown":1}`)
	inBase64 := base64.RawURLEncoding.EncodeToString([]byte(marshal(t, &testv1.CanaryRequest{Id: "\x7f>>>???"})))
	padded := url.QueryEscape(base64.URLEncoding.EncodeToString([]byte(marshal(t, &testv1.CanaryRequest{Id: "12345"}))))
	packed := base64.RawURLEncoding.EncodeToString([]byte(gzipped(t, `{"id":"packed"}`, "")))
	for _, tt := range []struct {
		name, query string
		status      int
		id          string // at the backend
		code        string // of an error
	}{
		{"JSON", "connect=v1&encoding=json&message=" + message, 200, "a b+c/ä", ""},
		{"another order", "message=" + message + "&encoding=json&connect=v1", 200, "a b+c/ä", ""},
		{"without the version", "message=" + message + "&encoding=json", 200, "a b+c/ä", ""},
		{"unknown parameters", "connect=v1&x=y&encoding=json&%zz&message=" + message + "&cache_buster=1&x=z", 200, "a b+c/ä", ""},
		{"protobuf", "connect=v1&encoding=proto&base64=1&message=" + inBase64, 200, "\x7f>>>???", ""},
		{"padding", "connect=v1&encoding=proto&base64=1&message=" + padded, 200, "12345", ""},
		{"compressed", "connect=v1&encoding=json&compression=gzip&base64=1&message=" + packed, 200, "packed", ""},
		{"another value of base64", "connect=v1&encoding=json&base64=true&message=" + message, 200, "a b+c/ä", ""},
		{"empty protobuf", "connect=v1&encoding=proto&message=", 200, "", ""},
		{"T191 empty, said to be compressed", "connect=v1&encoding=proto&compression=gzip&base64=1&message=", 200, "", ""},

		{"no message", "connect=v1&encoding=json", 400, "", "invalid_argument"},
		{"empty JSON", "connect=v1&encoding=json&message=", 400, "", "invalid_argument"},
		{"B10 two messages", "connect=v1&encoding=json&message=%7B%7D&message=" + message, 400, "", "invalid_argument"},
		{"not base64", "connect=v1&encoding=proto&base64=1&message=%2B%2F", 400, "", "invalid_argument"},
		{"not percent-encoded", "connect=v1&encoding=json&message=%zz", 400, "", "invalid_argument"},
		{"T191 unknown form", "connect=v1&encoding=xml&message=" + message, 415, "", "unknown"},
		{"no form", "connect=v1&message=" + message, 415, "", "unknown"},
		{"T191 unknown compression", "connect=v1&encoding=json&compression=snappy&message=" + message, 501, "", "unimplemented"},
		{"T192 another version", "connect=v2&encoding=json&message=" + message, 400, "", "invalid_argument"},
		{"T196 too large", "connect=v1&encoding=json&compression=gzip&base64=1&message=" + base64.RawURLEncoding.EncodeToString([]byte(gzipped(t, `"`+strings.Repeat("a", 5<<20)+`"`, ""))), 429, "", "resource_exhausted"},
	} {
		for _, c := range d.both(t) {
			seen := d.arrivals(func() {
				a := c.call(t, "GET", echo+"Echo?"+tt.query, "")
				if a.status != tt.status || (tt.code != "" && !strings.HasPrefix(a.body, `{"code":"`+tt.code+`"`)) {
					t.Errorf("%s, %s: %d %s; want %d %s", tt.name, c.name, a.status, a.body, tt.status, tt.code)
				}
			})
			if tt.status != 200 {
				none(t, seen)
				continue
			}
			only(t, seen, echo+"Echo")
			if id := d.lastID(t, echo+"Echo"); id != tt.id {
				t.Errorf("%s, %s: the backend was asked for %q, want %q", tt.name, c.name, id, tt.id)
			}
		}
	}
	none(t, d.arrivals(func() {
		for _, path := range []string{echo + "Slow", binding + "NoRule"} {
			a := d.h1(t).call(t, "GET", path+"?connect=v1&encoding=json&message=%7B%7D", "")
			if a.status != 405 || a.header.Get("Allow") != "POST" {
				t.Errorf("%s has side effects: %d, Allow %q, %s", path, a.status, a.header.Get("Allow"), a.body)
			}
		}
		if a := d.h1(t).call(t, "GET", "/no.Service/Nope?connect=v1&encoding=json&message=%7B%7D", ""); a.status != 404 || !strings.Contains(a.body, `"unimplemented"`) {
			t.Errorf("an unknown method: %d %s", a.status, a.body)
		}
	}))
	// A route of REST whose fields have such names stays REST's.
	only(t, d.arrivals(func() {
		if a := d.h1(t).call(t, "GET", "/canary/v1/echo?id=rest", ""); a.status != 200 {
			t.Errorf("REST: %d %s", a.status, a.body)
		}
	}), echo+"Echo")
}

// TestT189_WhatIsConfiguredForGet: the policy of a method stands in its answers to calls by GET, and in no others; errors are not kept (T203).
func TestT189_WhatIsConfiguredForGet(t *testing.T) {
	t.Parallel()
	const control = "private, max-age=60"
	cached := restPolicy(config.REST{ETag: "content", CacheControl: control})
	d := startFor(t, misbehave(t, sends(text("a"))), cached)
	failing := startFor(t, misbehave(t, failsAfter(status.Error(codes.NotFound, "none"))), cached)
	const target = binding + "Safe?connect=v1&encoding=json&message=%7B%7D"
	for i, c := range d.both(t) {
		a := c.call(t, "GET", target, "")
		tag := a.header.Get("Etag")
		if a.status != 200 || tag == "" || a.header.Get("Cache-Control") != control || !strings.Contains(a.header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %d %v", c.name, a.status, a.header)
		}
		again := c.call(t, "GET", target, "", "if-none-match", tag)
		if again.status != 304 || again.body != "" || again.header.Get("Etag") != tag {
			t.Errorf("%s: again: %d %q %v", c.name, again.status, again.body, again.header)
		}
		if a := c.call(t, "POST", binding+"Safe", "{}", connectJSON("if-none-match", tag)...); a.status != 200 || a.header.Get("Etag") != "" || a.header.Get("Cache-Control") == control {
			t.Errorf("%s: POST: %d %v", c.name, a.status, a.header)
		}
		if a := failing.both(t)[i].call(t, "GET", target, ""); a.status != 404 || a.header.Get("Etag") != "" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: an error: %d %v", c.name, a.status, a.header)
		}
	}
}

// TestRefusalsOfConnect: what the gateway refuses, in Connect's own form, and nothing arrives.
func TestRefusalsOfConnect(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		hide("dragoman.test.v1.AdminService")(c)
		c.Listeners[0].MaxMessage = 1000
	})
	empty := string(frame{}.bytes())
	for _, tt := range []struct {
		name, method, path, body string
		fields                   []string
		status                   int
		code                     string // of an error; of the last envelope where the status is 200
		says                     string // part of the answer or a value of its head
	}{
		{"T180 unknown stream form", "POST", streams + "ConverseNoRule", empty, connectStream("xml"), 415, "unknown", "application/connect+proto, application/connect+json"},
		{"T180 no stream form", "POST", streams + "ConverseNoRule", empty, connectStream(""), 415, "unknown", "application/connect+proto, application/connect+json"},
		{"T191 unknown unary form", "POST", binding + "NoRule", "{}", append([]string{"content-type", "application/xml"}, v1...), 415, "unknown", "application/proto, application/json"},
		{"charset", "POST", binding + "NoRule", "{}", append([]string{"content-type", "application/json; charset=latin1"}, v1...), 415, "unknown", "latin1"},
		{"a stream called as unary", "POST", streams + "RepeatNoRule", "{}", connectJSON(), 415, "unknown", "application/connect+json"},
		{"unary called as a stream", "POST", binding + "NoRule", empty, connectStream("proto"), 415, "unknown", "application/proto"},
		{"verb", "PUT", binding + "NoRule", "", connectProto(), 405, "unknown", "POST"},
		{"verb of what has no side effects", "DELETE", echo + "Echo", "", connectProto(), 405, "unknown", "GET, POST"},
		{"verb of a stream", "PUT", streams + "RepeatNoRule", empty, connectStream("proto"), 405, "unknown", "POST"},
		{"unknown method", "POST", binding + "Nope", "{}", connectJSON(), 404, "unimplemented", "unknown method"},
		{"H6 hidden method", "POST", canaryDelete, "{}", connectJSON(), 404, "unimplemented", "unknown method"},
		{"T190 unknown method of a stream", "POST", streams + "Nope", empty, connectStream("proto"), 200, "unimplemented", "unknown method"},
		{"T192 version", "POST", binding + "NoRule", "{}", []string{"content-type", "application/json", "connect-protocol-version", "2"}, 400, "invalid_argument", "supported is 1"},
		{"T192 version of a stream", "POST", streams + "RepeatNoRule", empty, connectStream("proto", "connect-protocol-version", "one"), 200, "invalid_argument", "one"},
		{"T173 timeout", "POST", binding + "NoRule", "{}", connectJSON("connect-timeout-ms", "-3"), 400, "invalid_argument", "connect-timeout-ms"},
		{"T173 long timeout", "POST", binding + "NoRule", "{}", connectJSON("connect-timeout-ms", "12345678901"), 400, "invalid_argument", "connect-timeout-ms"},
		{"T174 timeout over", "POST", binding + "NoRule", "{}", connectJSON("connect-timeout-ms", "0"), 504, "deadline_exceeded", "deadline"},
		{"B10 two timeouts", "POST", binding + "NoRule", "{}", connectJSON("connect-timeout-ms", "1", "connect-timeout-ms", "9"), 400, "invalid_argument", "more than once"},
		{"B10 two versions", "POST", binding + "NoRule", "{}", connectJSON(v1...), 400, "invalid_argument", "more than once"},
		{"B7 not base64", "POST", binding + "NoRule", "{}", connectJSON("x-bin", "!"), 400, "invalid_argument", "base64"},
		{"T191 compression", "POST", binding + "NoRule", "{}", connectJSON("content-encoding", "snappy"), 501, "unimplemented", "identity,gzip,br,zstd"},
		{"T191 compression of a stream", "POST", streams + "RepeatNoRule", empty, connectStream("proto", "connect-content-encoding", "snappy"), 200, "unimplemented", "identity,gzip,br,zstd"},
		{"not gzip", "POST", binding + "NoRule", "{}", connectJSON("content-encoding", "gzip"), 400, "invalid_argument", "gzip"},
		{"T194 not JSON", "POST", binding + "NoRule", `{"id":`, connectJSON(), 400, "invalid_argument", "JSON"},
		{"T194 wrong type", "POST", binding + "NoRule", `{"thing":{"size":"x"}}`, connectJSON(), 400, "invalid_argument", "thing.size"},
		{"empty JSON", "POST", binding + "NoRule", "", connectJSON(), 400, "invalid_argument", "JSON"},
		{"T196 too large", "POST", binding + "NoRule", `{"id":"` + strings.Repeat("a", 1000) + `"}`, connectJSON(), 429, "resource_exhausted", "1000"},
		{"T196 T201 decompressed too large", "POST", binding + "NoRule", gzipped(t, `{"id":"`+strings.Repeat("a", 1000)+`"}`, ""), connectJSON("content-encoding", "gzip"), 429, "resource_exhausted", "1000"},
		{"T196 too large in a stream", "POST", streams + "RepeatNoRule", string(frame{0, strings.Repeat("a", 1001)}.bytes()), connectStream("json"), 200, "resource_exhausted", "1000"},
		{"no message", "POST", streams + "RepeatNoRule", "", connectStream("proto"), 200, "unimplemented", "no message"},
		{"two messages", "POST", streams + "RepeatNoRule", empty + empty, connectStream("proto"), 200, "unimplemented", "more than one"},
		{"T197 cut off", "POST", streams + "RepeatNoRule", "\x00\x00\x00\x00\x05abc", connectStream("proto"), 200, "invalid_argument", "ends inside"},
		{"compressed without saying how", "POST", streams + "RepeatNoRule", "\x01\x00\x00\x00\x01a", connectStream("proto"), 200, "internal", "no encoding"},
		{"T190 an end in a request", "POST", streams + "RepeatNoRule", "\x02\x00\x00\x00\x02{}", connectStream("proto"), 200, "internal", "0x02"},
	} {
		for _, c := range d.both(t) {
			t.Run(tt.name+", "+c.name, func(t *testing.T) {
				seen := d.arrivals(func() {
					a := c.do(t, c.request(t, tt.method, tt.path, tt.body, tt.fields...))
					body := a.body
					if a.status == 200 {
						frames := framesOf(t, []byte(a.body))
						if len(frames) != 1 || frames[0].flags != wire.FlagEndStream {
							t.Fatalf("%q", frames)
						}
						body = strings.TrimPrefix(frames[0].data, `{"error":`)
					}
					if a.status != tt.status || !strings.HasPrefix(body, `{"code":"`+tt.code+`"`) {
						t.Fatalf("%d %s; want %d %s", a.status, body, tt.status, tt.code)
					}
					if says := fmt.Sprint(body, a.header); !strings.Contains(says, tt.says) {
						t.Errorf("%s does not say %q", says, tt.says)
					}
				})
				if tt.path != streams+"ConverseNoRule" { // a client stream is opened before its messages come
					none(t, seen)
				}
			})
		}
	}
}

// TestT20_T180_OneURL: the same URL is Connect's, REST's or gRPC's by what the client says, and each answers in its own way.
func TestT20_T180_OneURL(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const path, failing = binding + "NoRule", `{"behavior":{"status":{"code":5,"message":"m"}}}`
	c := d.h2(t)
	for _, tt := range []struct {
		fields []string
		body   string
		status int
		want   string
	}{
		{[]string{"content-type", "application/json"}, failing, 404, `{"code":5,"message":"m","details":[]}`},
		{connectJSON(), failing, 404, `{"code":"not_found","message":"m"}`},
		{[]string{"content-type", "application/json; charset=utf-8", "connect-protocol-version", "1"}, failing, 404, `{"code":"not_found","message":"m"}`},
		{connectProto(), marshal(t, request(t, failing)), 404, `{"code":"not_found","message":"m"}`}, // T192: no version is needed
		{[]string{"content-type", "application/proto; x=y"}, marshal(t, request(t, failing)), 404, `{"code":"not_found","message":"m"}`},
		{[]string{"content-type", "application/protobuf"}, "", 415, ""}, // T180: no prefixes
		{[]string{"content-type", "application/connect"}, "", 415, ""},
		{[]string{"content-type", "application/connect-proto"}, "", 415, ""},
		{[]string{"content-type", "application/grpc-web"}, string(frame{0, marshal(t, request(t, failing))}.bytes()), 200, ""},
		{[]string{"content-type", "application/grpc-webfoo"}, "", 415, ""},
		{[]string{"content-type", "application/grpc-web-foo"}, "", 415, ""},
		{[]string{"content-type", "application/grpc-web-textfoo"}, "", 415, ""},
		{[]string{"content-type", "application/grpc"}, string(frame{0, marshal(t, request(t, failing))}.bytes()), 200, ""},
	} {
		body := tt.body
		if body == "" {
			body = "x"
		}
		a := c.do(t, c.request(t, "POST", path, body, tt.fields...))
		if a.status != tt.status || (tt.want != "" && a.body != tt.want) || (tt.status == 200 && a.grpcStatus() != "5") {
			t.Errorf("%v: %d %s %v; want %d %s", tt.fields, a.status, a.body, a.header, tt.status, tt.want)
		}
	}
	// T192: where no rule serves the URL, plain JSON is Connect's without a version, as curl sends it.
	for _, tt := range []struct {
		path, contentType, body, want string
		status                        int
	}{
		{echo + "Echo", "application/json", failing, `{"code":"not_found","message":"m"}`, 404},
		{echo + "Echo", "application/json; charset=utf-8", failing, `{"code":"not_found","message":"m"}`, 404},
		{echo + "Echo", "application/json", `{"text":1}`, `{"code":"invalid_argument"`, 400},
		{echo + "Echo", "application/json", `{"nope":1}`, `{"seen":`, 200}, // T194
		{echo + "Stream", "application/json", `{}`, "", 415},
		{echo + "Echo", "text/plain", `{}`, `"code":5`, 404},
		{echo + "echo", "application/json", `{}`, `"code":5`, 404},
	} {
		a := c.call(t, "POST", tt.path, tt.body, "content-type", tt.contentType)
		if a.status != tt.status || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: %s %s: %d %s; want %d %s", tt.path, tt.contentType, tt.body, a.status, a.body, tt.status, tt.want)
		}
	}
	// T194: unknown fields are ignored by the RPC protocols, and refused by REST.
	const unknown = `{"id":"1","nope":{"x":[1]}}`
	if a := c.call(t, "POST", path, unknown); a.status != 400 {
		t.Errorf("REST with an unknown field: %d %s", a.status, a.body)
	}
	for _, fields := range [][]string{connectJSON(), {"content-type", "application/grpc-web+json"}, {"content-type", "application/grpc+json", "te", "trailers"}} {
		body := unknown
		if fields[1] != "application/json" {
			body = string(frame{0, unknown}.bytes())
		}
		a := c.do(t, c.request(t, "POST", path, body, fields...))
		if a.status != 200 || !strings.Contains(a.body, `"seen":{`) || d.lastID(t, path) != "1" {
			t.Errorf("%v with an unknown field: %d %s", fields, a.status, a.body)
		}
	}
}

// TestT193_UnaryOfConnect: what stands in the head of an answer.
func TestT193_UnaryOfConnect(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const body = `{"behavior":{"header":[{"key":"x-h","values":["1","2"]},{"key":"trailer-x","values":["no trailer"]},{"key":"content-encoding","values":["br"]},{"key":"set-cookie","values":["a=b"]}],` +
		`"trailer":[{"key":"x-t","values":["b","a"]},{"key":"set-cookie","values":["c=d"]}]}}`
	for _, c := range d.both(t) {
		a := c.call(t, "POST", binding+"NoRule", body, connectJSON("x-user-agent", "me", "cookie", "s=1", "origin", "http://x", "sec-fetch-mode", "cors")...)
		if a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.header.Get("Accept-Encoding") != "gzip,br,zstd" || a.length != int64(len(a.body)) {
			t.Errorf("%s: %d %v", c.name, a.status, a.header)
		}
		if !slices.Equal(a.header.Values("X-H"), []string{"1", "2"}) || !slices.Equal(a.header.Values("Trailer-X-T"), []string{"b", "a"}) || len(a.trailer) > 0 {
			t.Errorf("%s: metadata: %v %v", c.name, a.header, a.trailer)
		}
		for _, name := range []string{"Trailer-X", "Content-Encoding", "Set-Cookie"} { // T167, B15
			if v := a.header.Get(name); v != "" {
				t.Errorf("%s: the backend set %s: %s", c.name, name, v)
			}
		}
		seen := d.backend.Last(binding + "NoRule")
		for key, want := range map[string][]string{"x-user-agent": {"me"}, "cookie": nil, "origin": nil, "sec-fetch-mode": nil, "connect-protocol-version": nil, "content-type": {"application/grpc+proto"}} {
			if got := metadataOf(seen, key); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %q at the backend, want %q", c.name, key, got, want)
			}
		}
	}
	// T191: a body of no bytes is an empty message, however it is said to be compressed.
	a := d.h1(t).do(t, d.h1(t).request(t, "POST", binding+"NoRule", "", connectProto("content-encoding", "gzip")...))
	if a.status != 200 {
		t.Errorf("empty and compressed: %d %s", a.status, a.body)
	}
	a = d.h1(t).call(t, "POST", binding+"NoRule", gzipped(t, `{"id":"packed"}`, ""), connectJSON("content-encoding", "gzip")...)
	if a.status != 200 || d.lastID(t, binding+"NoRule") != "packed" {
		t.Errorf("compressed: %d %s", a.status, a.body)
	}
}

// TestT190_StreamsOfConnect: messages, then one last envelope, and each leaves as it comes.
func TestT190_StreamsOfConnect(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	body := string(frame{0, `{"behavior":{"messages":3,"trailer":[{"key":"x-t","values":["1"]}]}}`}.bytes())
	for _, c := range d.both(t) {
		a := c.do(t, c.request(t, "POST", streams+"RepeatNoRule", body, connectStream("json")...))
		frames := framesOf(t, []byte(a.body))
		if a.status != 200 || a.header.Get("Content-Type") != "application/connect+json" || len(frames) != 4 || frames[3] != (frame{wire.FlagEndStream, `{"metadata":{"x-t":["1"]}}`}) {
			t.Errorf("%s: %d %v %q", c.name, a.status, a.header, frames)
		}
		for i, f := range frames[:len(frames)-1] {
			if want := fmt.Sprintf(`"sequence":%d`, i+1); f.flags != 0 || !strings.Contains(f.data, want) {
				t.Errorf("%s: message %d: %q", c.name, i, f)
			}
		}
		if a.header.Get("Cache-Control") != "no-cache, no-transform" || a.header.Get("X-Accel-Buffering") != "no" {
			t.Errorf("%s: a proxy may keep the stream back: %v", c.name, a.header)
		}
		a = c.do(t, c.request(t, "POST", streams+"RepeatNoRule", string(frame{0, `{"behavior":{"noMessage":true}}`}.bytes()), connectStream("json")...))
		if frames := framesOf(t, []byte(a.body)); len(frames) != 1 || frames[0] != (frame{wire.FlagEndStream, "{}"}) {
			t.Errorf("%s: an empty stream: %q", c.name, frames)
		}
	}
	s := newStepper(t)
	d = startFor(t, s.address, nil)
	for _, tt := range []struct {
		fields []string
		encode func(string) string
	}{
		{connectStream("proto"), func(s string) string { return s }},
		{[]string{"content-type", "application/grpc-web"}, func(s string) string { return s }},
		{[]string{"content-type", "application/grpc-web-text"}, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	} {
		c := d.h1(t)
		request := c.request(t, "POST", streams+"RepeatNoRule", tt.encode(string(frame{}.bytes())), tt.fields...)
		answers := c.open(t, request) //nolint:bodyclose // open closes it
		s.send(t, text("one"))
		answer := <-answers
		if answer == nil {
			return
		}
		for _, want := range []string{"one", "two"} { // each is read whole while the stream goes on
			if want != "one" {
				s.send(t, text(want))
			}
			piece := tt.encode(string(frame{0, text(want)}.bytes()))
			got := make([]byte, len(piece))
			if _, err := io.ReadFull(answer.Body, got); err != nil || string(got) != piece {
				t.Errorf("%v: %q, %v; want %q", tt.fields, got, err, piece)
			}
		}
		s.step(t, nil)
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Errorf("%v: %v", tt.fields, err)
		}
		<-s.ended
	}
}

// TestT143_HalfDuplex: over HTTP/1.1 a client that sends all before it reads is served, whatever the backend does meanwhile, and the
// connection serves the next call.
func TestT143_HalfDuplex(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const many = 200
	message := marshal(t, &testv1.BindRequest{Data: make([]byte, 4_000)})
	envelope := string(frame{0, message}.bytes())
	for name, fields := range map[string][]string{"connect": connectStream("proto"), "grpc-web": {"content-type", "application/grpc-web"}} {
		for _, method := range []string{"CollectNoRule", "ConverseNoRule"} {
			socket := d.socket(t)
			answers := bufio.NewReader(socket)
			for range 3 {
				head := fmt.Sprintf("POST %s HTTP/1.1\r\nhost: x\r\n%s: %s\r\ntransfer-encoding: chunked\r\n\r\n", streams+method, fields[0], fields[1])
				sent := make(chan error, 1)
				go func() {
					_, err := io.WriteString(socket, head)
					for i := 0; i < many && err == nil; i++ {
						_, err = fmt.Fprintf(socket, "%x\r\n%s\r\n", len(envelope), envelope)
					}
					if err == nil {
						_, err = io.WriteString(socket, "0\r\n\r\n")
					}
					sent <- err
				}()
				if method == "CollectNoRule" { // such a client; the other one's answer would not fit into the sockets
					if err := <-sent; err != nil {
						t.Fatalf("%s: %s: %v", name, method, err)
					}
				}
				a, err := readH1(answers, "POST")
				if err != nil || a.status != 200 {
					t.Fatalf("%s: %s: %+v, %v", name, method, a, err)
				}
				want := 2
				if method == "ConverseNoRule" {
					want = many + 1
					if err := <-sent; err != nil {
						t.Fatalf("%s: %s: %v", name, method, err)
					}
				}
				frames := framesOf(t, []byte(a.body))
				last := frames[len(frames)-1]
				if len(frames) != want || (last.data != "{}" && !strings.Contains(last.data, "grpc-status: 0\r\n")) {
					t.Errorf("%s: %s: %d frames, the last %q; want %d", name, method, len(frames), last, want)
				}
				if a.last {
					if method == "CollectNoRule" {
						t.Errorf("%s: %s: the connection is closed", name, method)
					}
					break
				}
			}
		}
	}
}

// TestCancelOfConnect: a client that goes away cancels the backend.
func TestCancelOfConnect(t *testing.T) {
	t.Parallel()
	s := newStepper(t)
	d := startFor(t, s.address, nil)
	for _, fields := range [][]string{connectStream("proto"), {"content-type", "application/grpc-web"}} {
		socket := d.socket(t)
		if _, err := fmt.Fprintf(socket, "POST %s HTTP/1.1\r\nhost: x\r\n%s: %s\r\ncontent-length: 5\r\n\r\n\x00\x00\x00\x00\x00", streams+"RepeatNoRule", fields[0], fields[1]); err != nil {
			t.Fatal(err)
		}
		s.step(t, func(grpc.ServerStream) error { return nil })
		from := time.Now()
		if err := socket.Close(); err != nil {
			t.Fatal(err)
		}
		s.wantCancelled(t, from)
	}
}
