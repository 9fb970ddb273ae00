// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// seenBy calls the canary and returns what the backend saw.
func seenBy(t testing.TB, c *client, fields ...string) *testv1.Seen {
	t.Helper()
	a := c.call(t, "GET", "/canary/v1/echo", "", fields...)
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	return fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
}

// TestB1toB6_WhatDoesNotReachTheBackend: names that belong to the gateway, to HTTP or to the way.
func TestB1toB6_WhatDoesNotReachTheBackend(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const forged = "forged-by-the-client"
	names := []string{
		// B1, B11, B12: who is calling, as only a gateway can say.
		"X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-PROTO", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Client-Cert", "X-Forwarded-User",
		"Forwarded", "X-Real-Ip", "X-Dragoman-Reason", "x-dragoman-user", "X-DRAGOMAN-Anything",
		// T161: hop by hop.
		"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate",
		// B5: a client of HTTP does not write metadata of gRPC.
		"Grpc-Metadata-Username", "grpcgateway-authorization", "Grpc-Status", "Grpc-Message", "Grpc-Encoding", "Grpc-Accept-Encoding", "grpc-tags-bin",
		"grpc-trace-bin", "Connect-Protocol-Version", "Connect-Accept-Encoding",
		// B6: what the gateway writes itself.
		"User-Agent", "Accept", "Accept-Encoding", "Origin", "Referer", "Cookie", "Sec-Fetch-Site", "Access-Control-Request-Method", "Range", "If-None-Match",
	}
	for _, c := range d.both(t) {
		for _, name := range names {
			if c.name == "h2c" && slices.Contains([]string{"Keep-Alive", "Proxy-Connection"}, name) {
				continue // a client of HTTP/2 cannot say that
			}
			value := forged
			if strings.HasSuffix(name, "-bin") {
				value = base64.RawStdEncoding.EncodeToString([]byte(forged))
			}
			seen := seenBy(t, c, name, value)
			for _, m := range seen.GetMetadata() {
				for _, v := range m.GetValues() {
					if strings.Contains(v, forged) || strings.Contains(v, base64.StdEncoding.EncodeToString([]byte(forged))) {
						t.Errorf("%s: %s reached the backend as %s: %q", c.name, name, m.GetKey(), v)
					}
				}
			}
		}
	}
}

// TestB4_Connection: the fields that Connection names are gone before the gateway adds its own.
func TestB4_Connection(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, value := range []string{"x-user-id, authorization, X-Forwarded-For, x-request-id", "X-USER-ID,AUTHORIZATION,x-forwarded-for, X-Request-Id"} {
		a, err := d.rawH1(t, "GET /canary/v1/echo HTTP/1.1\r\nHost: h\r\nConnection: close, "+value+"\r\nX-User-Id: u\r\nAuthorization: a\r\nX-Forwarded-For: 9.9.9.9\r\nX-Request-Id: mine\r\n\r\n")
		if err != nil || a.status != 200 {
			t.Fatalf("%v, %v", a, err)
		}
		seen := fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
		if v := metadataOf(seen, "x-user-id"); v != nil {
			t.Errorf("x-user-id reached the backend: %q", v)
		}
		if v := metadataOf(seen, "authorization"); v != nil {
			t.Errorf("authorization reached the backend: %q", v)
		}
		if v := metadataOf(seen, "x-forwarded-for"); !slices.Equal(v, []string{"127.0.0.1"}) {
			t.Errorf("x-forwarded-for is %q: it is the gateway's to set", v)
		}
		if v := metadataOf(seen, "x-request-id"); len(v) != 1 {
			t.Errorf("x-request-id is %q: it is the gateway's to set", v)
		}
	}
}

// TestB6_OwnFields: content type, te, authority and user agent are the gateway's own.
func TestB6_OwnFields(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	a, err := d.rawH1(t, "GET /canary/v1/echo HTTP/1.1\r\nHost: evil.example\r\nConnection: close, te\r\nTE: gzip\r\nContent-Type: text/html\r\nUser-Agent: me\r\n\r\n")
	if err != nil || a.status != 200 {
		t.Fatalf("%v, %v", a, err)
	}
	seen := fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
	for key, want := range map[string]string{
		":authority": d.backend.Address(), "content-type": "application/grpc+proto", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http",
	} {
		if got := metadataOf(seen, key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q at the backend, want %q", key, got, want)
		}
	}
	if got := metadataOf(seen, "user-agent"); len(got) != 1 || !strings.HasPrefix(got[0], "dragoman") {
		t.Errorf("user-agent is %q at the backend", got)
	}
	if got := metadataOf(seen, "te"); got != nil {
		t.Errorf("te is %q at the backend", got)
	}
}

// TestT163_T166_MetadataIn: the rest passes under its own name, in its order and as often.
func TestT163_T166_MetadataIn(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		seen := seenBy(t, c,
			"X-Many", "b", "X-Many", "a", "X-Many", "b", "Authorization", "Bearer x", "Accept-Language", "de", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			"X-Empty", "", "X-Edges", "a b ~!", // T165: the edges of what is allowed
			"X-Padded-Bin", "aGk=", "X-Unpadded-Bin", "aGk", "X-List-Bin", "AQ, Ag==,Aw", "X-Empty-Bin", "",
		)
		got := map[string][]string{}
		for _, m := range seen.GetMetadata() {
			if strings.HasPrefix(m.GetKey(), "x-") && !strings.HasPrefix(m.GetKey(), "x-forwarded-") && m.GetKey() != "x-request-id" || slices.Contains([]string{"authorization", "accept-language", "traceparent"}, m.GetKey()) {
				got[m.GetKey()] = m.GetValues()
			}
		}
		want := map[string][]string{
			"x-many": {"b", "a", "b"}, "authorization": {"Bearer x"}, "accept-language": {"de"}, "traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			"x-empty": {""}, "x-edges": {"a b ~!"},
			"x-padded-bin": {"aGk="}, "x-unpadded-bin": {"aGk="}, "x-list-bin": {"AQ==", "Ag==", "Aw=="}, "x-empty-bin": {""},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: metadata at the backend (-want +got):\n%s", c.name, diff)
		}
	}
}

// behaviorQuery makes a query that asks the canary to behave; it goes by POST because lists of messages have no query form.
func behave(t testing.TB, c *client, behavior string, fields ...string) *answer {
	t.Helper()
	return c.call(t, "POST", "/canary/v1/echo", `{"behavior":`+behavior+`}`, fields...)
}

// TestT167_T168_MetadataOut: the backend's metadata as fields and trailers of the answer.
func TestT167_T168_MetadataOut(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	const behavior = `{"header":[{"key":"x-a","values":["2","1","2"]},{"key":"x-b-bin","values":["AAECAw=="]}],"trailer":[{"key":"x-t","values":["one","two"]},{"key":"x-t-bin","values":["/w=="]}]}`
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			a := behave(t, c, behavior)
			if got := a.header.Values("X-A"); !slices.Equal(got, []string{"2", "1", "2"}) { // T166
				t.Errorf("x-a is %q", got)
			}
			if got := a.header.Values("X-B-Bin"); !slices.Equal(got, []string{"AAECAw"}) {
				t.Errorf("x-b-bin is %q; it must be base64 without padding", got)
			}
			for name := range a.header { // T169
				if strings.HasPrefix(strings.ToLower(name), "grpc-") {
					t.Errorf("the answer has %s", name)
				}
			}
			if c.name != "h2c" {
				return
			}
			if got := a.trailer.Values("X-T"); !slices.Equal(got, []string{"one", "two"}) {
				t.Errorf("trailer x-t is %q", got)
			}
			if got := a.trailer.Values("X-T-Bin"); !slices.Equal(got, []string{"/w"}) {
				t.Errorf("trailer x-t-bin is %q", got)
			}
			if len(a.trailer) != 2 {
				t.Errorf("trailers are %v", a.trailer)
			}
		})
	}
}

// reserved are names that a backend must not set in an answer of HTTP (B15).
var reserved = []string{
	"access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers", "alt-svc", "clear-site-data", "content-disposition",
	"content-encoding", "content-length", "content-location", "content-range", "content-security-policy", "content-type", "cross-origin-opener-policy", "date", "etag",
	"forwarded", "keep-alive", "link", "location", "origin", "proxy-authenticate", "public-key-pins", "refresh", "sec-websocket-accept", "server", "set-cookie",
	"strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade", "vary", "via", "warning", "www-authenticate", "x-content-type-options",
	"x-dragoman-reason", "x-forwarded-for", "x-frame-options", "x-request-id", "x-xss-protection", "connection", "cookie", "grpc-gateway", "set-cookie2", "allow", "cache-control",
	"access-control-max-age", "age", "expires", "pragma", "nel", "report-to", "reporting-endpoints", "permissions-policy", "referrer-policy", "x-accel-redirect", "x-sendfile", "sourcemap", "status",
}

// TestB15_ReservedAnswerNames: a backend cannot speak HTTP to the client through its metadata, nor send it elsewhere (H7).
func TestB15_ReservedAnswerNames(t *testing.T) {
	t.Parallel()
	const evil = "evil-value"
	address := misbehave(t, func(_ string, s grpc.ServerStream) error {
		header := metadata.MD{}
		for _, name := range reserved {
			header[name] = []string{evil}
		}
		s.SetTrailer(header.Copy())
		if err := s.SendHeader(header); err != nil {
			return err
		}
		return s.SendMsg(raw(""))
	})
	d := startFor(t, address, nil)
	for _, c := range d.both(t) {
		for _, call := range []struct{ method, target string }{{"GET", "/test/v1/things/1"}, {"HEAD", "/test/v1/things/1"}, {"GET", "/test/v1/streams/safe-repeat"}, {"GET", "/test/v1/things/1?nope=1"}} {
			a := c.call(t, call.method, call.target, "")
			for _, fields := range []http.Header{a.header, a.trailer} {
				for name, values := range fields {
					if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, evil) }) {
						t.Errorf("%s: %s %s: the backend has set %s", c.name, call.method, call.target, name)
					}
				}
			}
		}
	}
}

// TestB16_MessagesAreNoHeaders: what a backend says in its message stays in the body.
func TestB16_MessagesAreNoHeaders(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		a := behave(t, c, `{"status":{"code":5,"message":"a\r\nSet-Cookie: a=b\u0000\u00e9%0d%0aX: y"}}`)
		if a.status != 404 || a.header.Get("Set-Cookie") != "" || a.header.Get("X") != "" || a.header.Get("Grpc-Message") != "" {
			t.Errorf("%s: %d %v", c.name, a.status, a.header)
		}
		if got := statusBody(t, a).GetMessage(); got != "a\r\nSet-Cookie: a=b\x00é%0d%0aX: y" {
			t.Errorf("%s: message is %q", c.name, got)
		}
	}
}

// TestT170_Forwarded: the gateway says who is behind it, and nobody else does.
func TestT170_Forwarded(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		seen := seenBy(t, c, "X-Forwarded-For", "8.8.8.8", "X-Forwarded-For", "1.1.1.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil", "X-Real-Ip", "8.8.8.8", "Forwarded", "for=8.8.8.8")
		scheme, host, _ := strings.Cut(c.base, "://")
		for key, want := range map[string][]string{
			"x-forwarded-for": {"127.0.0.1"}, "x-forwarded-proto": {scheme}, "x-forwarded-host": {host}, "x-real-ip": nil, "forwarded": nil,
		} {
			if got := metadataOf(seen, key); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %q at the backend, want %q", c.name, key, got, want)
			}
		}
	}
}

// TestT216_RequestID: kept if it is fit for a log, else made; sent to the backend, returned and logged.
func TestT216_RequestID(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	made := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
	for _, c := range d.both(t) {
		for _, tt := range []struct {
			sent string
			kept bool
		}{
			{"abc-DEF_1.2", true}, {strings.Repeat("a", 64), true}, {strings.Repeat("a", 65), false}, {"a b", false}, {"a\"b", false}, {"{}", false}, {"", false},
		} {
			for _, target := range []string{"/canary/v1/echo", "/nowhere"} {
				a := c.call(t, "GET", target, "", "X-Request-Id", tt.sent)
				got := a.header.Values("X-Request-Id")
				if len(got) != 1 || tt.kept != (got[0] == tt.sent) || !tt.kept && !made.MatchString(got[0]) {
					t.Errorf("%s: sent %q, got %q", c.name, tt.sent, got)
					continue
				}
				if a.status == http.StatusOK {
					seen := fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
					if at := metadataOf(seen, "x-request-id"); !slices.Equal(at, got) {
						t.Errorf("%s: the backend saw %q, the client %q", c.name, at, got)
					}
				}
				d.access.await(t, got[0])
			}
		}
	}
	// Two of them: one id, whichever it is, and the same everywhere.
	a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "X-Request-Id", "one", "X-Request-Id", "two")
	seen := fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
	if got := a.header.Values("X-Request-Id"); len(got) != 1 || !slices.Equal(metadataOf(seen, "x-request-id"), got) {
		t.Errorf("two ids: returned %q, the backend saw %q", got, metadataOf(seen, "x-request-id"))
	}
}

// TestI6_LogLines: what clients send cannot write lines of its own.
func TestI6_LogLines(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	c := d.h1(t)
	c.call(t, "GET", "/x%0a%7B%22level%22:%22fake%22%7D", "", "user-agent", `a","level":"fake`, "x-request-id", "i6")
	d.access.await(t, "i6")
	for _, r := range d.access.records(t) {
		if r.Msg != "call" {
			t.Errorf("a line that is none of the gateway's: %+v", r)
		}
	}
	var line map[string]any
	for text := range strings.Lines(d.access.String()) {
		if err := json.Unmarshal([]byte(text), &line); err != nil || line["level"] == "fake" {
			t.Errorf("%v: %s", err, text)
		}
	}
}
