// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// web are the fields of a call in gRPC-Web, as the JavaScript client sends them.
func web(contentType string, more ...string) []string {
	return append([]string{"content-type", contentType, "x-grpc-web", "1", "x-user-agent", "grpc-web-javascript/0.1"}, more...)
}

// units encodes each of several pieces in base64 by itself, so that padding comes in between.
func units(pieces ...string) string {
	var all strings.Builder
	for _, p := range pieces {
		all.WriteString(base64.StdEncoding.EncodeToString([]byte(p)))
	}
	return all.String()
}

// decodeUnits reads base64 with padding in its middle, four characters at a time.
func decodeUnits(t testing.TB, body string) []byte {
	t.Helper()
	var all []byte
	for ; len(body) >= 4; body = body[4:] {
		piece, err := base64.StdEncoding.DecodeString(body[:4])
		if err != nil {
			t.Fatalf("%q: %v", body[:4], err)
		}
		all = append(all, piece...)
	}
	if body != "" {
		t.Fatalf("%q is left", body)
	}
	return all
}

// TestT184_TrailersOfGRPCWeb: the last frame, in lower case, each once.
func TestT184_TrailersOfGRPCWeb(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	body := request(t, `{"behavior":{"messages":2,"header":[{"key":"x-h","values":["1"]}],"trailer":[{"key":"x-t","values":["b","a"]},{"key":"x-t-bin","values":["/w=="]}],"status":{"code":5,"message":"ä\r\n"}}}`)
	for _, c := range d.both(t) { // T186: HTTP/1.1 has no trailers, and gets none
		a := c.do(t, c.request(t, "POST", streams+"RepeatNoRule", string(frame{0, marshal(t, body)}.bytes()), web("application/grpc-web+proto")...))
		frames := framesOf(t, []byte(a.body))
		const want = "grpc-status: 5\r\ngrpc-message: %C3%A4%0D%0A\r\nx-t: b\r\nx-t: a\r\nx-t-bin: /w\r\n"
		if a.status != 200 || len(frames) != 3 || frames[2] != (frame{wire.FlagTrailer, want}) || len(a.trailer) > 0 || a.header.Get("Grpc-Status") != "" || a.header.Get("X-H") != "1" {
			t.Errorf("%s: %d %v %v %q", c.name, a.status, a.header, a.trailer, frames)
		}
		if a.header.Get("Content-Type") != "application/grpc-web+proto" || a.header.Get("Cache-Control") != "no-cache, no-transform" {
			t.Errorf("%s: %v", c.name, a.header)
		}
		seen := d.backend.Last(streams + "RepeatNoRule")
		for key, want := range map[string][]string{"x-grpc-web": nil, "x-user-agent": {"grpc-web-javascript/0.1"}} {
			if got := metadataOf(seen, key); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %q at the backend, want %q", c.name, key, got, want)
			}
		}
	}
	// T183: trailers alone stand in the head.
	body = request(t, `{"behavior":{"status":{"code":5,"message":"m"},"trailer":[{"key":"x-t","values":["1"]},{"key":"set-cookie","values":["a=b"]}]}}`)
	for _, c := range d.both(t) {
		for _, path := range []string{binding + "NoRule", streams + "RepeatNoRule"} {
			a := c.do(t, c.request(t, "POST", path, string(frame{0, marshal(t, body)}.bytes()), web("application/grpc-web")...))
			if a.status != 200 || a.body != "" || a.header.Get("Grpc-Status") != "5" || a.header.Get("Grpc-Message") != "m" || a.header.Get("X-T") != "1" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %s: %d %v %q", c.name, path, a.status, a.header, a.body)
			}
		}
	}
}

// TestT185_TextOfGRPCWeb: base64 in whatever units it comes, and the kind of answer that the client accepts.
func TestT185_TextOfGRPCWeb(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	first := string(frame{0, marshal(t, &testv1.BindRequest{Id: "first"})}.bytes())
	second := string(frame{0, marshal(t, &testv1.BindRequest{Id: "second one"})}.bytes())
	whole := first + second
	for a := range len(whole) {
		for _, b := range []int{a, a + 1, len(whole)} {
			body := units(whole[:a], whole[a:min(b, len(whole))], whole[min(b, len(whole)):])
			answer := d.h1(t).do(t, d.h1(t).request(t, "POST", streams+"CollectNoRule", body, web("application/grpc-web-text")...))
			frames := framesOf(t, decodeUnits(t, answer.body))
			if answer.status != 200 || answer.header.Get("Content-Type") != "application/grpc-web-text" || len(frames) != 2 || frames[1].data != "grpc-status: 0\r\n" || d.lastID(t, streams+"CollectNoRule") != "second one" {
				t.Fatalf("cut at %d and %d: %d %v %q", a, b, answer.status, answer.header, frames)
			}
		}
	}
	for _, tt := range []struct{ sends, accept, want string }{
		{"application/grpc-web", "", "application/grpc-web"},
		{"application/grpc-web", "*/*", "application/grpc-web"},
		{"application/grpc-web+proto", "application/grpc-web-text", "application/grpc-web-text+proto"},
		{"application/grpc-web-text+proto", "application/grpc-web", "application/grpc-web+proto"},
		{"application/grpc-web-text", "application/grpc-web-text", "application/grpc-web-text"},
		{"application/grpc-web-text+json", "application/json, application/grpc-web-text+json;q=0.9", "application/grpc-web-text+json"},
		{"application/grpc-web-text", "application/grpc-web, application/grpc-web-text", "application/grpc-web-text"},
		{"APPLICATION/GRPC-WEB; charset=x", "", "application/grpc-web"},
	} {
		body := frame{0, ""}
		if strings.HasSuffix(tt.sends, "json") {
			body.data = "{}"
		}
		sent := string(body.bytes())
		if strings.Contains(tt.sends, "text") {
			sent = units(sent)
		}
		c := d.h2(t)
		a := c.do(t, c.request(t, "POST", binding+"NoRule", sent, web(tt.sends, "accept", tt.accept)...))
		answer := []byte(a.body)
		if strings.Contains(tt.want, "text") {
			answer = decodeUnits(t, a.body)
		}
		if frames := framesOf(t, answer); a.header.Get("Content-Type") != tt.want || len(frames) != 2 || frames[1].data != "grpc-status: 0\r\n" {
			t.Errorf("%s, accepts %q: %v %q; want %s", tt.sends, tt.accept, a.header, frames, tt.want)
		}
	}
}

// TestRefusalsOfGRPCWeb: what the gateway refuses, in gRPC-Web's own form, and nothing arrives.
func TestRefusalsOfGRPCWeb(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxMessage = 1000 })
	empty := string(frame{}.bytes())
	for _, tt := range []struct {
		name, method, path, body string
		fields                   []string
		http                     int
		code, message            string
	}{
		{"form", "POST", binding + "NoRule", empty, web("application/grpc-web+thrift"), 415, "12", "+proto"},
		{"text form", "POST", binding + "NoRule", empty, web("application/grpc-web-text+"), 415, "12", "+json"},
		{"verb", "GET", binding + "NoRule", "", web("application/grpc-web"), 405, "12", "POST"},
		{"unknown method", "POST", binding + "Nope", empty, web("application/grpc-web"), 200, "12", "unknown method"},
		{"T173 timeout", "POST", binding + "NoRule", empty, web("application/grpc-web", "grpc-timeout", "1x"), 200, "3", "grpc-timeout"},
		{"T174 timeout over", "POST", binding + "NoRule", empty, web("application/grpc-web", "grpc-timeout", "0S"), 200, "4", "deadline"},
		{"T191 encoding", "POST", binding + "NoRule", empty, web("application/grpc-web", "grpc-encoding", "snappy"), 200, "12", "identity,gzip,br,zstd"},
		{"T200 encoding of the whole", "POST", binding + "NoRule", empty, web("application/grpc-web", "content-encoding", "gzip"), 200, "12", "grpc-encoding"},
		{"T196 too large", "POST", binding + "NoRule", string(frame{0, strings.Repeat("a", 1001)}.bytes()), web("application/grpc-web"), 200, "8", "1000"},
		{"T196 too large in text", "POST", binding + "NoRule", units(string(frame{0, strings.Repeat("a", 1001)}.bytes())), web("application/grpc-web-text"), 200, "8", "1000"},
		{"T194 JSON", "POST", binding + "NoRule", string(frame{0, `{"id":1}`}.bytes()), web("application/grpc-web+json"), 200, "3", "id"},
		{"T185 not base64", "POST", binding + "NoRule", "AAAA*AAA", web("application/grpc-web-text"), 200, "3", "base64"},
		{"T185 a line break", "POST", binding + "NoRule", "AA\nAA===", web("application/grpc-web-text"), 200, "3", "base64"},
		{"T185 half a unit", "POST", binding + "NoRule", "AAAAAAA", web("application/grpc-web-text"), 200, "3", "base64"},
		{"T197 cut off", "POST", binding + "NoRule", units("\x00\x00\x00\x00\x09\x01"), web("application/grpc-web-text"), 200, "3", "ends inside"},
		{"trailers in a request", "POST", binding + "NoRule", "\x80\x00\x00\x00\x00", web("application/grpc-web"), 200, "13", "0x80"},
		{"no message", "POST", binding + "NoRule", "", web("application/grpc-web"), 200, "12", "no message"},
	} {
		for _, c := range d.both(t) {
			none(t, d.arrivals(func() {
				a := c.do(t, c.request(t, tt.method, tt.path, tt.body, tt.fields...))
				if a.status != tt.http || a.header.Get("Grpc-Status") != tt.code || !strings.Contains(a.header.Get("Grpc-Message"), tt.message) || a.body != "" {
					t.Errorf("%s, %s: %d %v %q; want %d, %s, %q", tt.name, c.name, a.status, a.header, a.body, tt.http, tt.code, tt.message)
				}
			}))
		}
	}
}

// TestGRPCWithJSON: gRPC's own JSON, both ways, and its limits.
func TestGRPCWithJSON(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	fields := []string{"content-type", "application/grpc+json", "te", "trailers"}
	a, err := d.probe(t).rawCall(streams+"ConverseNoRule", join(frame{0, `{"id":"1","count":"9007199254740993"}`}, frame{0, `{}`}), fields...)
	frames := framesOf(t, []byte(a.body))
	if err != nil || a.grpcStatus() != "0" || a.header.Get("Content-Type") != "application/grpc+json" || len(frames) != 2 || !strings.Contains(frames[0].data, `"count":"9007199254740993"`) {
		t.Errorf("%+v, %v", a, err)
	}
	for body, want := range map[string]string{``: "3", `{"id":`: "3", `[]`: "3", `{"count":"x"}`: "3", `{"nope":1}`: "0"} {
		a, err := d.probe(t).rawCall(binding+"NoRule", join(frame{0, body}), fields...)
		if err != nil || a.grpcStatus() != want {
			t.Errorf("%s: %s, %v; want %s", body, fmt.Sprint(a), err, want)
		}
	}
}
