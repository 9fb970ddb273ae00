// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

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
		{"T191 encoding of the whole", "POST", binding + "NoRule", empty, web("application/grpc-web", "content-encoding", "snappy"), 200, "12", "identity,gzip,br,zstd"},
		{"T200 encoding of the whole and of messages", "POST", binding + "NoRule", empty, web("application/grpc-web", "content-encoding", "gzip", "grpc-encoding", "gzip"), 200, "12", "together"},
		{"encoding of a stream as a whole", "POST", streams + "CollectNoRule", empty, web("application/grpc-web", "content-encoding", "gzip"), 200, "12", "streams"},
		{"not compressed as it says", "POST", binding + "NoRule", empty, web("application/grpc-web", "content-encoding", "gzip"), 200, "3", "gzip"},
		{"T201 too large", "POST", binding + "NoRule", gzipped(t, string(frame{0, strings.Repeat("a", 2000)}.bytes()), ""), web("application/grpc-web", "content-encoding", "gzip"), 200, "8", "1005"},
		{"T201 too large, compressed", "POST", binding + "NoRule", strings.Repeat("a", 2000), web("application/grpc-web", "content-encoding", "gzip"), 200, "8", "1005"},
		{"T201 no message", "POST", binding + "NoRule", gzipped(t, "", ""), web("application/grpc-web", "content-encoding", "gzip"), 200, "12", "no message"},
		{"T201 two messages", "POST", binding + "NoRule", gzipped(t, empty+empty, ""), web("application/grpc-web", "content-encoding", "gzip"), 200, "12", "more than one message"},
		{"T201 cut off", "POST", binding + "NoRule", gzipped(t, "\x00\x00\x00\x00\x09\x01", ""), web("application/grpc-web", "content-encoding", "gzip"), 200, "3", "ends inside"},
		{"T201 not base64", "POST", binding + "NoRule", gzipped(t, "AAAA*AAA", ""), web("application/grpc-web-text", "content-encoding", "gzip"), 200, "3", "base64"},
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

// TestT201_CompressedBodiesOfGRPCWeb: bodies that are compressed as a whole, as HTTP has it: of requests with one message, and of answers with
// one for who takes them so, where the gateway compresses (T198, T199).
func TestT201_CompressedBodiesOfGRPCWeb(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.RPC.CompressFrom = 500 })
	never := start(t, nil)
	in := &testv1.BindRequest{Id: strings.Repeat("large ", 2000)}
	plain := string(frame{0, marshal(t, in)}.bytes())
	for _, encoding := range []string{"gzip", "br", "zstd"} {
		for _, contentType := range []string{"application/grpc-web+proto", "application/grpc-web-text"} {
			text := strings.Contains(contentType, "text")
			body := plain
			if text {
				body = units(plain[:3], plain[3:10], plain[10:])
			}
			packed := compress(t, encoding, body)
			for _, c := range d.both(t) {
				name := encoding + ", " + contentType + ", " + c.name
				a := c.do(t, c.request(t, "POST", binding+"NoRule", packed, web(contentType, "content-encoding", encoding, "accept-encoding", encoding)...))
				if got := a.header.Get("Content-Encoding"); got != encoding || a.status != 200 || a.header.Get("Vary") != "Accept-Encoding" || a.header.Get("Grpc-Encoding") != "" {
					t.Errorf("%s: %d %v", name, a.status, a.header)
					continue
				}
				if seen := d.backend.Last(binding + "NoRule"); metadataOf(seen, "content-encoding") != nil || metadataOf(seen, "accept-encoding") != nil {
					t.Errorf("%s: the backend has %v", name, seen.GetMetadata())
				}
				checkEcho(t, name, in, decompress(t, encoding, a.body), text)

				// Who says nothing, and who takes compressed messages, gets no compressed body.
				a = c.do(t, c.request(t, "POST", binding+"NoRule", packed, web(contentType, "content-encoding", encoding)...))
				if a.header.Get("Content-Encoding") != "" {
					t.Errorf("%s: nothing accepted: %v", name, a.header)
				}
				checkEcho(t, name, in, a.body, text)
				a = c.do(t, c.request(t, "POST", binding+"NoRule", packed, web(contentType, "content-encoding", encoding, "accept-encoding", encoding, "grpc-accept-encoding", "gzip")...))
				if a.header.Get("Content-Encoding") != "" || a.header.Get("Grpc-Encoding") != "gzip" {
					t.Errorf("%s: messages accepted: %v", name, a.header)
				}
			}
			for _, c := range never.both(t) {
				a := c.do(t, c.request(t, "POST", binding+"NoRule", packed, web(contentType, "content-encoding", encoding, "accept-encoding", encoding)...))
				if a.header.Get("Content-Encoding")+a.header.Get("Vary") != "" {
					t.Errorf("%s: not asked to compress: %v", c.name, a.header)
				}
				checkEcho(t, c.name, in, a.body, text)
			}
		}
	}
	for _, c := range d.both(t) {
		accept := web("application/grpc-web", "accept-encoding", "gzip, deflate, br, zstd")
		// A small answer, an error without a message, and a stream stay as they are.
		if a := c.do(t, c.request(t, "POST", binding+"NoRule", string(frame{}.bytes()), accept...)); a.status != 200 || a.header.Get("Content-Encoding") != "" || a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: small: %+v", c.name, a)
		}
		failed := marshal(t, request(t, `{"behavior":{"status":{"code":5,"message":"m"}}}`))
		if a := c.do(t, c.request(t, "POST", binding+"NoRule", string(frame{0, failed}.bytes()), accept...)); a.header.Get("Grpc-Status") != "5" || a.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: failed: %+v", c.name, a)
		}
		packed := web("application/grpc-web", "accept-encoding", "gzip", "content-encoding", "gzip")
		a := c.do(t, c.request(t, "POST", streams+"RepeatNoRule", gzipped(t, plain, ""), packed...))
		if frames := framesOf(t, []byte(a.body)); a.header.Get("Content-Encoding") != "" || len(frames) != 2 {
			t.Errorf("%s: a stream: %v", c.name, a.header)
		}
	}
}

// checkEcho checks an answer of one message, which has what the request had, and its trailers.
func checkEcho(t testing.TB, name string, in *testv1.BindRequest, body string, text bool) {
	t.Helper()
	data := []byte(body)
	if text {
		data = decodeUnits(t, body)
	}
	frames := framesOf(t, data)
	out := response()
	if len(frames) != 2 || frames[1].flags != wire.FlagTrailer || !strings.Contains(frames[1].data, "grpc-status: 0") {
		t.Errorf("%s: %d frames", name, len(frames))
		return
	}
	if err := proto.Unmarshal([]byte(frames[0].data), out); err != nil || !strings.Contains(out.String(), in.GetId()) {
		t.Errorf("%s: %v", name, err)
	}
}
