// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
)

func compress(t testing.TB, name, text string) string {
	t.Helper()
	data, err := compression.Find(name).Compress(mem.BufferSlice{mem.SliceBuffer(text)})
	if err != nil {
		t.Fatal(err)
	}
	return string(data.Materialize())
}

func decompress(t testing.TB, name, data string) string {
	t.Helper()
	plain, err := compression.Find(name).Decompress(mem.BufferSlice{mem.SliceBuffer(data)}, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain.Materialize())
}

// TestT198_T199_CompressedAnswers: by Accept-Encoding with its weights; not what is small, compressed already, or streams.
func TestT198_T199_CompressedAnswers(t *testing.T) {
	t.Parallel()
	d := start(t, restPolicy(config.REST{ETag: "content", Compression: &config.Compression{Algorithms: []string{"zstd", "br", "gzip"}, MinSize: 500}}))
	plain := start(t, nil)
	large := "/test/v1/things/7?name=" + strings.Repeat("a", 2000)
	for _, r := range []struct{ accept, want, reason string }{
		{"", "", "nothing said"},
		{"gzip", "gzip", "one"},
		{"gzip, br, zstd", "zstd", "of several the best of ours"},
		{"gzip;q=1, br;q=0.5", "gzip", "the client's weights count more"},
		{"gzip;q=0.5, zstd;q=0", "gzip", "refused"},
		{"*", "zstd", "anything"},
		{"*;q=0.1, identity", "", "it would rather have it as it is"},
		{"deflate", "", "not known"},
		{"GZIP ; q=1.0", "gzip", "in capitals and with space"},
		{"identity;q=0, br", "br", "not as it is"},
		{"gzip;q=abc", "", "a weight that is none"},
	} {
		for _, c := range d.both(t) {
			a := c.call(t, "GET", large, "", "accept-encoding", r.accept)
			if a.status != 200 || a.header.Get("Content-Encoding") != r.want || a.header.Get("Vary") != "Accept-Encoding" || a.length != int64(len(a.body)) {
				t.Errorf("%s: %s: %d %v", c.name, r.reason, a.status, a.header)
				continue
			}
			body, tag := a.body, a.header.Get("Etag")
			if r.want != "" {
				body = decompress(t, r.want, body)
				if !strings.HasSuffix(tag, "-"+r.want+`"`) { // T202
					t.Errorf("%s: %s: the tag is %s", c.name, r.reason, tag)
				}
			}
			if m := fromJSON(t, body, &testv1.BindResponse{}); m.GetSeen().GetMethod() != binding+"Get" {
				t.Errorf("%s: %s: %s", c.name, r.reason, body)
			}
			head := c.call(t, "HEAD", large, "", "accept-encoding", r.accept)
			if head.header.Get("Content-Encoding") != r.want || head.body != "" {
				t.Errorf("%s: %s: HEAD: %v", c.name, r.reason, head.header)
			}
		}
	}
	c := d.h1(t)
	a := c.call(t, "GET", large, "", "accept-encoding", "gzip", "x-request-id", "same")
	// The answer of this backend has what is never the same, so its tag does not come again; that of another encoding is another in any case.
	if again := c.call(t, "GET", large, "", "accept-encoding", "gzip", "if-none-match", "*"); again.status != 304 || again.header.Get("Content-Encoding") != "" {
		t.Errorf("not modified: %d %v", again.status, again.header)
	}
	if a.header.Get("Etag") == "" {
		t.Error("no tag")
	}
	for reason, r := range map[string]struct{ target, vary string }{
		"small":       {"/test/v1/response/http/7?data=aGVsbG8", ""},
		"a stream":    {"/canary/v1/stream?behavior.messages=3&behavior.payload_size=2000", ""},
		"raw bytes":   {"/test/v1/streams/download", ""},
		"no such way": {"/nowhere", ""},
	} {
		a := c.call(t, "GET", r.target, "", "accept-encoding", "gzip")
		if a.header.Get("Content-Encoding") != "" || a.header.Get("Vary") != r.vary {
			t.Errorf("%s: %d %v", reason, a.status, a.header)
		}
	}
	for _, g := range []*dragoman{d, plain} {
		none(t, g.arrivals(func() {
			for _, accept := range []string{"identity;q=0", "*;q=0", "deflate, identity;q=0"} {
				if a := g.h1(t).call(t, "GET", large, "", "accept-encoding", accept); a.status != 406 || a.header.Get("X-Dragoman-Reason") != "not_acceptable" {
					t.Errorf("%s: %d %s", accept, a.status, a.body)
				}
			}
		}))
	}
	if a := plain.h1(t).call(t, "GET", large, "", "accept-encoding", "gzip"); a.header.Get("Content-Encoding") != "" || a.header.Get("Vary") != "" {
		t.Errorf("by default: %v", a.header)
	}
}

// TestT199_WhatIsNotCompressed: what is compressed already, what is small, and what streams; Vary stands where it could have been.
func TestT199_WhatIsNotCompressed(t *testing.T) {
	t.Parallel()
	d := start(t, restPolicy(config.REST{Compression: &config.Compression{Algorithms: []string{"gzip"}, MinSize: 500}}))
	data := func(n int) string { return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("a", n))) }
	for _, r := range []struct {
		reason, target, accept string
		packed, varies         bool
	}{
		{"text", "/test/v1/response/http/7?file.content_type=text/csv&file.data=" + data(500), "", true, true},
		{"JSON under a name of its own", "/test/v1/response/http/7?file.content_type=application/problem%2Bjson&file.data=" + data(500), "", true, true},
		{"a byte less", "/test/v1/response/http/7?file.content_type=text/csv&file.data=" + data(499), "", false, false},
		{"a picture", "/test/v1/response/http/7?file.content_type=image/png&file.data=" + data(2000), "", false, false},
		{"a film", "/test/v1/response/http/7?file.content_type=video/mp4&file.data=" + data(2000), "", false, false},
		{"an archive", "/test/v1/response/http/7?file.content_type=application/zip&file.data=" + data(2000), "", false, false},
		{"bytes of which nothing is known", "/test/v1/response/http/7?file.data=" + data(2000), "", false, false},
		{"events in one body", "/test/v1/response/http/7?file.content_type=text/event-stream&file.data=" + data(2000), "", false, false},
		{"events", "/canary/v1/stream?behavior.messages=2&behavior.payload_size=2000", "text/event-stream", false, false},
		{"lines", "/canary/v1/stream?behavior.messages=2&behavior.payload_size=2000", "application/x-ndjson", false, false},
		{"an array", "/canary/v1/stream?behavior.messages=2&behavior.payload_size=2000", "application/json", false, false},
	} {
		for _, c := range d.both(t) {
			for _, encoding := range []string{"gzip", ""} { // Vary does not depend on the client
				a := c.call(t, "GET", r.target, "", "accept-encoding", encoding, "accept", r.accept)
				want := ""
				if r.packed {
					want = encoding
				}
				if a.status != 200 || a.header.Get("Content-Encoding") != want || (a.header.Get("Vary") == "Accept-Encoding") != r.varies {
					t.Errorf("%s, %s, %q: %d %v", c.name, r.reason, encoding, a.status, a.header)
				}
			}
		}
	}
}

// TestT201_CompressedRequests: decoded within limits (T104); what is not known is 415 and never taken for the message itself.
func TestT201_CompressedRequests(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Listeners[0].MaxMessage = 100_000
		cfg.Defaults.REST.Multipart = new(true)
	})
	for _, c := range d.both(t) {
		for _, name := range []string{"gzip", "br", "zstd"} {
			if a := c.call(t, "POST", "/test/v1/body/all", compress(t, name, `{"name":"n"}`), "content-encoding", strings.ToUpper(name[:1])+name[1:]); a.status != 200 {
				t.Fatalf("%s: %s: %d %s", c.name, name, a.status, a.body)
			}
			d.wantSeen(t, binding+"BodyAll", `{"name":"n"}`)
			if a := c.call(t, "POST", "/test/v1/body/file/7", compress(t, name, "hello"), "content-encoding", name, "content-type", "text/plain"); a.status != 200 {
				t.Fatalf("%s: %s: raw: %d %s", c.name, name, a.status, a.body)
			}
			d.wantSeen(t, binding+"BodyFile", `{"id":"7","file":{"contentType":"text/plain","data":"aGVsbG8="}}`)
			if a := c.call(t, "POST", "/test/v1/body/all", compress(t, name, `{"name":"`+strings.Repeat("a", 200_000)+`"}`), "content-encoding", name); a.status != 413 {
				t.Errorf("%s: %s: too large: %d %s", c.name, name, a.status, a.body)
			}
			if a := c.call(t, "POST", "/test/v1/body/all", "{}", "content-encoding", name); a.status != 400 {
				t.Errorf("%s: %s: not compressed: %d %s", c.name, name, a.status, a.body)
			}
		}
		none(t, d.arrivals(func() {
			for _, r := range []struct {
				reason, target string
				fields         []string
			}{
				{"not known", "/test/v1/body/all", []string{"content-encoding", "deflate"}},
				{"two in one", "/test/v1/body/all", []string{"content-encoding", "gzip, br"}},
				{"a stream", "/test/v1/streams/upload", []string{"content-encoding", "gzip"}},
				{"a form", "/test/v1/body/file/7", []string{"content-encoding", "gzip", "content-type", "multipart/form-data; boundary=x"}},
			} {
				a := c.call(t, "POST", r.target, "x", r.fields...)
				if a.status != 415 || (a.header.Get("Accept-Encoding") == "") != (r.reason == "a stream" || r.reason == "a form") {
					t.Errorf("%s: %s: %d %v", c.name, r.reason, a.status, a.header)
				}
			}
		}))
	}
	if a := d.h1(t).call(t, "POST", "/test/v1/body/all", `{"name":"n"}`, "content-encoding", "identity"); a.status != 200 {
		t.Errorf("identity: %d", a.status)
	}
}
