// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// statusBody reads the google.rpc.Status that an answer is, and checks what all of them have in common (T148).
func statusBody(t testing.TB, a *answer) *spb.Status {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content-type is %q, want application/json", got)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" { // T203
		t.Errorf("cache-control is %q, want no-store", got)
	}
	if a.header.Get("X-Dragoman-Reason") == "" {
		t.Error("the answer has no x-dragoman-reason")
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Error("the answer has no x-request-id")
	}
	return fromJSON(t, a.body, &spb.Status{})
}

// TestRefusals: what the gateway refuses itself, with the right status and code, and nothing arrives.
func TestRefusals(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxMessage = 64 << 10 })
	large := `{"text":"` + strings.Repeat("x", 64<<10) + `"}`
	for _, tt := range []struct {
		name, method, target, body string
		fields                     []string
		status                     int
		code                       codes.Code
		reason, allow              string
	}{
		{name: "T42 no route", method: "GET", target: "/nowhere", status: 404, code: codes.NotFound, reason: "no_route"},
		{name: "T25 empty segment", method: "GET", target: "/test/v1/things/", status: 404, code: codes.NotFound, reason: "no_route"},
		{name: "T28 slash at the end", method: "GET", target: "/test/v1/things/1/", status: 404, code: codes.NotFound, reason: "no_route"},
		{name: "T31 verb alone", method: "GET", target: "/test/v1/things/:archive", status: 200}, // ":archive" is an id
		{name: "T40 wrong method", method: "GET", target: "/test/v1/body/all", status: 405, code: codes.Unimplemented, reason: "method_not_allowed", allow: "OPTIONS, POST"},
		{name: "T41 union of templates", method: "BREW", target: "/test/v1/users/me", status: 405, code: codes.Unimplemented, reason: "method_not_allowed", allow: "GET, HEAD, OPTIONS, PATCH"},
		{name: "T41 union of rules", method: "DELETE", target: "/test/v1/many/1", status: 405, code: codes.Unimplemented, reason: "method_not_allowed", allow: "GET, HEAD, OPTIONS, PUT"},
		{name: "T34 case", method: "GET", target: "/Test/v1/things/1", status: 404, code: codes.NotFound, reason: "no_route"},
		{name: "T38 bad escape", method: "GET", target: "/test/v1/things/%C3%28", status: 400, code: codes.InvalidArgument, reason: "bad_path_param"}, // T39: not UTF-8
		{name: "T48 long path", method: "GET", target: "/test/v1/things/" + strings.Repeat("x", 10_000), status: 414, code: codes.InvalidArgument, reason: "bad_path_param"},
		{name: "T49 query names a variable", method: "GET", target: "/test/v1/things/1?id=2", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T49 query names a variable with the same value", method: "GET", target: "/test/v1/things/1?id=1", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T50 by its other name", method: "PATCH", target: "/test/v1/things/1?thing.name=x", body: `{}`, status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "A9 user in the query", method: "GET", target: "/canary/v1/users/me?userId=victim", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "A9 user in the query by its proto name", method: "GET", target: "/canary/v1/users/me?user_id=victim", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "A9 user in the body", method: "POST", target: "/canary/v1/users/me", body: `{"userId":"victim"}`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "A9 tenant in the query", method: "GET", target: "/canary/v1/tenants/t/users/me?tenant.id=other", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T52 query beside a whole body", method: "POST", target: "/test/v1/body/all?id=1", body: `{}`, status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T53 body differs from path", method: "PUT", target: "/test/v1/things/1", body: `{"id":"2"}`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T55 twice", method: "GET", target: "/test/v1/things/1?parent=a&parent=a", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T56 oneof", method: "GET", target: "/test/v1/things/1?text=a&number=1", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T57 unknown parameter", method: "GET", target: "/test/v1/things/1?nope=1", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T61 malformed pair", method: "GET", target: "/test/v1/things/1?parent=%zz", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T61 semicolon", method: "GET", target: "/test/v1/things/1?parent=a;tags=b", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T69 too many parameters", method: "GET", target: "/test/v1/things/1?" + strings.Repeat("tags=x&", 201), status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T71 body without a rule for it", method: "POST", target: "/test/v1/body/none", body: `{}`, status: 400, code: codes.InvalidArgument, reason: "bad_request"},
		{name: "T73 required fields", method: "POST", target: "/test/v1/messages/required/1", body: `{"id":"a","count":"1"}`, status: 400, code: codes.InvalidArgument, reason: "bad_request"},
		{name: "T74 leading zero", method: "GET", target: "/test/v1/nested/010/true/0", status: 400, code: codes.InvalidArgument, reason: "bad_path_param"},
		{name: "T76 null", method: "GET", target: "/test/v1/nested/null/true/0", status: 400, code: codes.InvalidArgument, reason: "bad_path_param"},
		{name: "T91 text", method: "POST", target: "/test/v1/body/all", body: `{}`, fields: []string{"content-type", "text/plain"}, status: 415, code: codes.InvalidArgument, reason: "unsupported_media_type"},
		{name: "T91 form", method: "POST", target: "/test/v1/body/all", body: `{}`, fields: []string{"content-type", "multipart/form-data; boundary=x"}, status: 415, code: codes.InvalidArgument, reason: "unsupported_media_type"},
		{name: "T90 charset", method: "POST", target: "/test/v1/body/all", body: `{}`, fields: []string{"content-type", "application/json; charset=utf-16"}, status: 415, code: codes.InvalidArgument, reason: "unsupported_media_type"},
		{name: "T92 no type", method: "POST", target: "/test/v1/body/all", body: `{}`, fields: []string{"content-type", ""}, status: 415, code: codes.InvalidArgument, reason: "unsupported_media_type"},
		{name: "T90 other JSON", method: "POST", target: "/test/v1/body/all", body: `{}`, fields: []string{"content-type", "APPLICATION/vnd.x+json; charset=UTF-8"}, status: 200},
		{name: "T180 no gRPC", method: "POST", target: binding + "NoRule", body: `{}`, fields: []string{"content-type", "application/grpcfoo"}, status: 415, code: codes.InvalidArgument, reason: "unsupported_media_type"},
		{name: "T93 malformed", method: "POST", target: "/test/v1/body/all", body: `{"id":`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T93 malformed, for a stream of answers", method: "POST", target: "/test/v1/streams/repeat", body: `{"id":`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T57 unknown parameter, for a stream of answers", method: "GET", target: "/test/v1/streams/repeat/1?nope=1", status: 400, code: codes.InvalidArgument, reason: "bad_query"},
		{name: "T94 more behind", method: "POST", target: "/test/v1/body/all", body: `{} {}`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T95 twice", method: "POST", target: "/test/v1/body/all", body: `{"updateMask":"id","update_mask":"id"}`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T96 unknown field", method: "POST", target: "/test/v1/body/all", body: `{"nope":1}`, status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T102 deep", method: "POST", target: "/test/v1/body/value/1", body: strings.Repeat("[", 9000) + strings.Repeat("]", 9000), status: 400, code: codes.InvalidArgument, reason: "bad_json"},
		{name: "T104 large", method: "POST", target: "/test/v1/body/all", body: large, status: 413, code: codes.ResourceExhausted, reason: "message_too_large"},
		{name: "T19 two streams", method: "POST", target: "/test/v1/streams/converse", body: `{}`, status: 501, code: codes.Unimplemented, reason: "unsupported"},
		{name: "B3 underscore", method: "GET", target: "/test/v1/things/1", fields: []string{"x_user_id", "1"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B10 two authorizations", method: "GET", target: "/test/v1/things/1", fields: []string{"authorization", "good", "authorization", "bad"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B10 two keys", method: "GET", target: "/test/v1/things/1", fields: []string{"x-api-key", "a", "X-Api-Key", "a"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B10 two timeouts", method: "GET", target: "/test/v1/things/1", fields: []string{"grpc-timeout", "1S", "grpc-timeout", "2S"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B10 two types", method: "POST", target: "/test/v1/body/all", body: "{}", fields: []string{"content-type", "application/json", "content-type", "text/plain"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B9 T165 value", method: "GET", target: "/test/v1/things/1", fields: []string{"x-a", "a\xffb"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B9 T165 letter", method: "GET", target: "/test/v1/things/1", fields: []string{"x-a", "é"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "T165 tab", method: "GET", target: "/test/v1/things/1", fields: []string{"x-a", "a\tb"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B9 tab in what does not pass", method: "GET", target: "/test/v1/things/1", fields: []string{"referer", "a\tb"}, status: 200},
		{name: "B7 T164 not base64", method: "GET", target: "/test/v1/things/1", fields: []string{"x-data-bin", "!!!"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "B14 T172 many fields", method: "GET", target: "/test/v1/things/1", fields: manyFields(101), status: 431, code: codes.ResourceExhausted, reason: "header_too_large"},
		{name: "B14 many cookies", method: "GET", target: "/test/v1/things/1", fields: slices.Repeat([]string{"x-one", "v"}, 101), status: 431, code: codes.ResourceExhausted, reason: "header_too_large"},
		{name: "T173 timeout", method: "GET", target: "/test/v1/things/1", fields: []string{"x-server-timeout", "NaN"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "T173 timeout of gRPC", method: "GET", target: "/test/v1/things/1", fields: []string{"grpc-timeout", "123456789S"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "T173 timeout of Connect", method: "GET", target: "/test/v1/things/1", fields: []string{"connect-timeout-ms", "-1"}, status: 400, code: codes.InvalidArgument, reason: "bad_header"},
		{name: "T174 expired", method: "GET", target: "/test/v1/things/1", fields: []string{"grpc-timeout", "0S"}, status: 504, code: codes.DeadlineExceeded, reason: "deadline_exceeded"},
	} {
		for _, c := range d.both(t) {
			t.Run(tt.name+"/"+c.name, func(t *testing.T) {
				var a *answer
				seen := d.arrivals(func() { a = c.call(t, tt.method, tt.target, tt.body, tt.fields...) })
				if a.status != tt.status {
					t.Fatalf("status %d, want %d: %.300s", a.status, tt.status, a.body)
				}
				if tt.status == http.StatusOK {
					return
				}
				none(t, seen)
				st := statusBody(t, a)
				if got := codes.Code(st.GetCode()); got != tt.code { //nolint:gosec // codes are small
					t.Errorf("code %s, want %s: %s", got, tt.code, a.body)
				}
				if got := a.header.Get("X-Dragoman-Reason"); got != tt.reason {
					t.Errorf("reason %q, want %q: %s", got, tt.reason, a.body)
				}
				if got := a.header.Get("Allow"); got != tt.allow {
					t.Errorf("allow is %q, want %q", got, tt.allow)
				}
			})
		}
	}
}

func manyFields(n int) []string {
	var fields []string
	for i := range n {
		fields = append(fields, fmt.Sprintf("x-field-%d", i), "v")
	}
	return fields
}

// TestT43_Head: HEAD on the route of a GET runs the call and sends the same head without a body.
func TestT43_Head(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			target := "/test/v1/response/http/1?behavior.payload_size=1000"
			get := c.call(t, "GET", target, "")
			var head *answer
			only(t, d.arrivals(func() { head = c.call(t, "HEAD", target, "") }), binding+"ResponseHttp")
			if head.status != 200 || head.body != "" || head.length != get.length || head.length != 1000 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
				t.Errorf("HEAD: %d, %q, length %d, %v; GET has length %d", head.status, head.body, head.length, head.header, get.length)
			}
			bad := c.call(t, "HEAD", "/test/v1/things/1?nope=1", "") // T160
			if bad.status != 400 || bad.body != "" || bad.length <= 0 {
				t.Errorf("HEAD that fails: %d, %q, length %d", bad.status, bad.body, bad.length)
			}
			if a := c.call(t, "HEAD", "/test/v1/body/all", ""); a.status != 405 {
				t.Errorf("HEAD on a route of POST alone: status %d, want 405", a.status)
			}
			if a := c.call(t, "HEAD", "/test/v1/streams/safe-repeat?behavior.messages=3", ""); a.status != 200 || a.body != "" {
				t.Errorf("HEAD on a stream: %d, %q", a.status, a.body)
			}
		})
	}
	off := startFor(t, d.backend.Address(), func(c *config.Config) { c.Routes.DisableDerivedHead = true })
	if a := off.h1(t).call(t, "HEAD", "/test/v1/things/1", ""); a.status != 405 || a.header.Get("Allow") != "DELETE, GET, OPTIONS, PATCH, POST, PUT" {
		t.Errorf("derived HEAD turned off: %d, allow %q", a.status, a.header.Get("Allow"))
	}
}

// TestT44_Options: OPTIONS without a rule is answered by the gateway.
func TestT44_Options(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		none(t, d.arrivals(func() {
			a := c.call(t, "OPTIONS", "/test/v1/things/1", "")
			if a.status != 204 || a.body != "" || a.header.Get("Allow") != "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" {
				t.Errorf("%s: %d %q, allow %q", c.name, a.status, a.body, a.header.Get("Allow"))
			}
			if a := c.call(t, "OPTIONS", "/nowhere", ""); a.status != 404 {
				t.Errorf("%s: OPTIONS of nothing: status %d, want 404", c.name, a.status)
			}
		}))
	}
}

// TestT28_TrailingSlash: the three meanings of a slash at the end.
func TestT28_TrailingSlash(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Routes.TrailingSlash = config.SlashIgnore })
	if a := d.h1(t).call(t, "GET", "/test/v1/things/1/", ""); a.status != 200 || d.lastID(t, binding+"Get") != "1" {
		t.Errorf("ignore: %d %s", a.status, a.body)
	}
	r := startFor(t, d.backend.Address(), func(c *config.Config) { c.Routes.TrailingSlash = config.SlashRedirect })
	if a := r.h2(t).call(t, "GET", "/test/v1/things/1/?parent=x%20y", ""); a.status != 308 || a.header.Get("Location") != "/test/v1/things/1?parent=x%20y" {
		t.Errorf("redirect: %d to %q", a.status, a.header.Get("Location"))
	}
}

// TestT57_T58_LenientQueries: the settings for parameters that are no fields.
func TestT57_T58_LenientQueries(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Routes.UnknownQuery = config.QueryIgnore })
	if a := d.h1(t).call(t, "GET", "/test/v1/things/1?nope=1&parent=p", ""); a.status != 200 {
		t.Errorf("ignore: %d %s", a.status, a.body)
	}
	d.wantSeen(t, binding+"Get", `{"id":"1","parent":"p"}`)
	some := startFor(t, d.backend.Address(), func(c *config.Config) { c.Routes.IgnoredQueryParameters = []string{"$alt", "key"} })
	if a := some.h1(t).call(t, "GET", "/test/v1/things/1?%24alt=json&key=k", ""); a.status != 200 {
		t.Errorf("ignored names: %d %s", a.status, a.body)
	}
	if a := some.h1(t).call(t, "GET", "/test/v1/things/1?other=1", ""); a.status != 400 {
		t.Errorf("other names: %d, want 400", a.status)
	}
}

// TestT104_AnswerIsReadable: a client that is sending far too much can read why it was refused, and the connection ends.
func TestT104_AnswerIsReadable(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxMessage = 64 << 10 })
	for _, framing := range []string{"content-length: 10000000", "transfer-encoding: chunked"} {
		c := d.socket(t)
		go func() {
			_, _ = fmt.Fprintf(c, "POST /test/v1/body/all HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n%s\r\n\r\n", framing)
			piece := strings.Repeat("x", 10_000)
			if strings.HasPrefix(framing, "transfer") {
				piece = "2710\r\n" + piece + "\r\n"
			}
			for range 1000 {
				if _, err := io.WriteString(c, piece); err != nil {
					return
				}
			}
		}()
		r := bufio.NewReader(c)
		a, err := readH1(r, "POST")
		if err != nil || a.status != 413 {
			t.Fatalf("%s: %v, %v", framing, a, err)
		}
		if code := statusBody(t, a).GetCode(); code != int32(codes.ResourceExhausted) {
			t.Errorf("%s: code %d, want 8", framing, code)
		}
		if _, err := r.ReadByte(); err == nil {
			t.Errorf("%s: the connection goes on with the rest of the body", framing)
		}
	}
}

// TestT172_LargeHead: a head over the limit is 431, or the end of the connection.
func TestT172_LargeHead(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) { c.Listeners[0].MaxHeader = 8 << 10 })
	none(t, d.arrivals(func() {
		a, err := d.rawH1(t, "GET /test/v1/things/1 HTTP/1.1\r\nhost: x\r\nx-a: "+strings.Repeat("a", 64<<10)+"\r\n\r\n")
		if err == nil && a.status != 431 {
			t.Errorf("HTTP/1.1: status %d, want 431", a.status)
		}
		p := d.probe(t)
		a, err = p.get("GET", "/test/v1/things/1", "x-a", strings.Repeat("a", 64<<10))
		if err == nil && a.status != 431 {
			t.Errorf("HTTP/2: status %d, want 431", a.status)
		}
		if a := d.h3(t).call(t, "GET", "/test/v1/things/1", "", "x-a", strings.Repeat("a", 64<<10)); a.status != 431 {
			t.Errorf("HTTP/3: status %d, want 431", a.status)
		}
	}))
	if a := d.h2(t).call(t, "GET", "/test/v1/things/1", ""); a.status != 200 {
		t.Errorf("a call after that: %d", a.status)
	}
}
