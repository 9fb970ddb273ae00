// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/headers"
)

// TestT170_TrustedProxies: of a trusted proxy the chain is kept and added to, and the client is who stands before it.
func TestT170_TrustedProxies(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Listeners[0].TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	for _, c := range d.both(t) {
		scheme, host, _ := strings.Cut(c.base, "://")
		for _, r := range []struct {
			reason string
			sent   []string // fields
			chain  string
			proto  string
			host   string
			client string
		}{
			{"nothing said", nil, "127.0.0.1", scheme, host, "127.0.0.1"},
			{"a client", []string{"X-Forwarded-For", "8.8.8.8", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "api.example"}, "8.8.8.8, 127.0.0.1", "https", "api.example", "8.8.8.8"},
			{"a client that lies", []string{"X-Forwarded-For", "1.1.1.1, 8.8.8.8"}, "1.1.1.1, 8.8.8.8, 127.0.0.1", scheme, host, "8.8.8.8"},
			{"several proxies", []string{"X-Forwarded-For", "8.8.8.8", "X-Forwarded-For", "10.1.2.3"}, "8.8.8.8, 10.1.2.3, 127.0.0.1", scheme, host, "8.8.8.8"},
			{"with a port", []string{"X-Forwarded-For", "[2001:db8::1]:99"}, "[2001:db8::1]:99, 127.0.0.1", scheme, host, "2001:db8::1"},
			{"proxies only", []string{"X-Forwarded-For", "10.9.9.9"}, "10.9.9.9, 127.0.0.1", scheme, host, "10.9.9.9"},
			{"no address", []string{"X-Forwarded-For", "8.8.8.8, unknown"}, "8.8.8.8, unknown, 127.0.0.1", scheme, host, "127.0.0.1"},
			{"no such scheme", []string{"X-Forwarded-Proto", "gopher"}, "127.0.0.1", scheme, host, "127.0.0.1"},
		} {
			id := "t170-" + strings.ReplaceAll(c.name+r.reason, " ", "-")
			id = strings.NewReplacer("/", "-").Replace(id)
			seen := seenBy(t, c, append([]string{"x-request-id", id}, r.sent...)...)
			for key, want := range map[string]string{"x-forwarded-for": r.chain, "x-forwarded-proto": r.proto, "x-forwarded-host": r.host} {
				if got := metadataOf(seen, key); !slices.Equal(got, []string{want}) {
					t.Errorf("%s: %s: %s is %q at the backend, want %q", c.name, r.reason, key, got, want)
				}
			}
			d.access.await(t, id)
			if !strings.Contains(d.access.String(), `"client_ip":"`+r.client+`"`) {
				t.Errorf("%s: %s: the log does not have the client %s", c.name, r.reason, r.client)
			}
		}
	}
}

// TestT162_SpellingsOfOwnNames: with underscores allowed, what the gateway says cannot be said in other letters.
func TestT162_SpellingsOfOwnNames(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) { cfg.Listeners[0].AllowUnderscores = true })
	for _, c := range d.both(t) {
		seen := seenBy(t, c, "X_Forwarded_For", "9.9.9.9", "x_request_id", "forged", "X_Real-Ip", "9.9.9.9", "x_own", "mine")
		for _, m := range seen.GetMetadata() {
			if strings.Contains(strings.Join(m.GetValues(), " "), "9.9.9.9") || strings.Contains(strings.Join(m.GetValues(), " "), "forged") {
				t.Errorf("%s: %s: %q", c.name, m.GetKey(), m.GetValues())
			}
		}
		if got := metadataOf(seen, "x_own"); !slices.Equal(got, []string{"mine"}) {
			t.Errorf("%s: x_own is %q", c.name, got)
		}
	}
}

// TestT163_AllowedAndDenied: cookies pass where a policy says so, for every protocol alike.
func TestT163_AllowedAndDenied(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Defaults.Headers = headers.Config{Allow: []string{"cookie", "accept-language"}, Deny: []string{"x-internal-*"}}
	})
	for _, c := range d.both(t) {
		seen := seenBy(t, c, "Cookie", "a=1; b=2", "Accept-Language", "de", "X-Internal-User", "root", "X-Own", "1")
		for key, want := range map[string][]string{"cookie": {"a=1; b=2"}, "accept-language": {"de"}, "x-internal-user": nil, "x-own": {"1"}} {
			if got := metadataOf(seen, key); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %q at the backend, want %q", c.name, key, got, want)
			}
		}
	}
}

// TestT165_DroppedValues: where a listener says so, what cannot be passed on is dropped and not refused.
func TestT165_DroppedValues(t *testing.T) {
	t.Parallel()
	const request = "GET /canary/v1/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Name: Zo\xc3\xab\r\nX-Own: 1\r\n\r\n"
	strict := start(t, nil)
	if a, err := strict.rawH1(t, request); err != nil || a.status != 400 {
		t.Errorf("by default: %v, %v; want it refused", a, err)
	}
	d := start(t, func(cfg *config.Config) { cfg.Listeners[0].DropInvalidHeaders = true })
	a, err := d.rawH1(t, request)
	if err != nil || a.status != 200 || strings.Contains(a.body, "x-name") || !strings.Contains(a.body, "x-own") {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestT168_TrailersOverHTTP1: whoever asks for trailers gets them; others get those of a list as fields. So it is over HTTP/3 (decision 11).
func TestT168_TrailersOverHTTP1(t *testing.T) {
	t.Parallel()
	const behavior = `{"trailer":[{"key":"x-cost","values":["7"]},{"key":"x-other","values":["8"]}]%s}`
	d := start(t, restPolicy(config.REST{TrailersAsHeaders: []string{"x-cost"}}))
	h1, h2, h3 := d.h1(t), d.h2(t), d.h3(t)
	for _, end := range []string{"", `,"status":{"code":5}`} {
		body := strings.Replace(behavior, "%s", end, 1)
		asked := behave(t, h1, body, "TE", "gzip, Trailers")
		if asked.trailer.Get("X-Cost") != "7" || asked.trailer.Get("X-Other") != "8" || asked.header.Get("X-Cost") != "" || asked.length != -1 {
			t.Errorf("%s: asked for: %v %v, length %d", end, asked.header, asked.trailer, asked.length)
		}
		plain := behave(t, h1, body)
		if len(plain.trailer) != 0 || plain.header.Get("X-Cost") != "7" || plain.header.Get("X-Other") != "" || plain.length != int64(len(plain.body)) {
			t.Errorf("%s: not asked for: %v %v, length %d", end, plain.header, plain.trailer, plain.length)
		}
		two := behave(t, h2, body)
		if two.trailer.Get("X-Cost") != "7" || two.header.Get("X-Cost") != "" {
			t.Errorf("%s: HTTP/2: %v %v", end, two.header, two.trailer)
		}
		for _, fields := range [][]string{{"TE", "trailers"}, nil} {
			three := behave(t, h3, body, fields...)
			if asked := fields != nil; asked != (three.trailer.Get("X-Cost") == "7") || asked == (three.header.Get("X-Cost") == "7") {
				t.Errorf("%s: HTTP/3, asked for %v: %v %v", end, fields, three.header, three.trailer)
			}
		}
	}
	stream := h1.call(t, "POST", "/canary/v1/stream", `{"behavior":{"messages":2,"trailer":[{"key":"x-cost","values":["7"]}]}}`, "TE", "trailers")
	if stream.trailer.Get("X-Cost") != "7" {
		t.Errorf("a stream: %v", stream.trailer)
	}
	collected := h1.call(t, "POST", "/test/v1/streams/collect", `[{"behavior":{"trailer":[{"key":"x-cost","values":["7"]}]}}]`, "TE", "trailers")
	if collected.status != 200 || collected.trailer.Get("X-Cost") != "7" {
		t.Errorf("a client stream: %+v", collected)
	}
}

// TestT171_ResponseFields: fields of the answer are sent as header fields and left out of the body.
func TestT171_ResponseFields(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Services[0].Methods = []config.Method{
			{Name: "BodyAll", Policy: config.Policy{REST: config.REST{
				RequestHeaders: map[string]string{"x-parent": "parent"}, ResponseHeaders: map[string]string{"x-text": "text", "x-count": "count", "x-flag": "flag"},
			}}},
			{Name: "ResponseThing", Policy: config.Policy{REST: config.REST{ResponseHeaders: map[string]string{"x-title": "title"}}}},
		}
	})
	for _, c := range d.both(t) {
		a := c.call(t, "POST", "/test/v1/body/all", `{"text":"hello","count":"9007199254740993","tags":["a"]}`, "x-parent", "p")
		if a.status != 200 || a.header.Get("X-Text") != "hello" || a.header.Get("X-Count") != "9007199254740993" || a.header.Values("X-Flag") != nil {
			t.Errorf("%s: %d %v", c.name, a.status, a.header)
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(a.body), &body); err != nil || body["text"] != nil || body["count"] != nil || body["tags"] == nil {
			t.Errorf("%s: %v in %s", c.name, err, a.body)
		}
		if !strings.Contains(a.body, `\"parent\":\"p\"`) {
			t.Errorf("%s: the backend did not see the parent: %s", c.name, a.body)
		}
		// What cannot stand in a header stays in the body: nothing is lost.
		a = c.call(t, "POST", "/test/v1/body/all", `{"text":"h\u00e9"}`)
		if a.header.Values("X-Text") != nil || !strings.Contains(a.body, `"text":"hé"`) {
			t.Errorf("%s: %v %s", c.name, a.header, a.body)
		}
		a = c.call(t, "POST", "/test/v1/response/thing", `{"thing":{"name":"n","title":"a title"}}`)
		if a.header.Get("X-Title") != "a title" || strings.Contains(a.body, "title") || !strings.Contains(a.body, `"name":"n"`) {
			t.Errorf("%s: response_body: %v %s", c.name, a.header, a.body)
		}
	}
}

// TestT150_Details: details that cannot be read, or that are of another error, do not change what grpc-status says.
func TestT150_Details(t *testing.T) {
	t.Parallel()
	other, err := proto.Marshal(&spb.Status{Code: 13, Message: "another"})
	if err != nil {
		t.Fatal(err)
	}
	for reason, details := range map[string]string{
		"no message": base64.RawStdEncoding.EncodeToString([]byte("\xff\xff")), "another code": base64.RawStdEncoding.EncodeToString(other),
	} {
		address := trailersOnly(t, map[string]string{"grpc-status": "5", "grpc-message": "not %66ound %zz", "grpc-status-details-bin": details})
		d := startFor(t, address, nil)
		a := d.h1(t).call(t, "GET", "/test/v1/things/1", "")
		if st := statusBody(t, a); a.status != 404 || codes.Code(st.GetCode()) != codes.NotFound { //nolint:gosec // codes are small
			t.Errorf("%s: %d %s; want NOT_FOUND", reason, a.status, a.body)
		} else if st.GetMessage() != "not found %zz" { // T151
			t.Errorf("%s: message is %q", reason, st.GetMessage())
		}
	}
}

// TestT150_DetailsThatAreNoBase64: where gRPC's client does not show the status, it is at least an error, and shows no text of a library.
func TestT150_DetailsThatAreNoBase64(t *testing.T) {
	t.Parallel()
	d := startFor(t, trailersOnly(t, map[string]string{"grpc-status": "5", "grpc-status-details-bin": "!!!"}), nil)
	a := d.h1(t).call(t, "GET", "/test/v1/things/1", "")
	if st := statusBody(t, a); a.status != 500 || st.GetMessage() != "the details of the backend's status cannot be read" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// trailersOnly serves an answer of gRPC that has only these trailers, as it is, and returns where.
func trailersOnly(t testing.TB, fields map[string]string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		for name, value := range fields {
			w.Header().Set(http.TrailerPrefix+name, value)
		}
		w.WriteHeader(http.StatusOK)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// TestT154_NoStatus: an answer without a grpc-status is never a success; where it is not gRPC, the HTTP status says what it is.
func TestT154_NoStatus(t *testing.T) {
	t.Parallel()
	for httpStatus, want := range map[int]codes.Code{
		400: codes.Internal, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 404: codes.Unimplemented,
		429: codes.Unavailable, 502: codes.Unavailable, 503: codes.Unavailable, 504: codes.Unavailable, 200: codes.Unknown, 418: codes.Unknown, 500: codes.Unknown,
	} {
		a := startFor(t, website(t, httpStatus), nil).h1(t).call(t, "GET", "/test/v1/things/1", "")
		if st := statusBody(t, a); codes.Code(st.GetCode()) != want || a.status != 502 { //nolint:gosec // codes are small
			t.Errorf("HTTP %d: %d %s; want 502 and %s", httpStatus, a.status, a.body, want)
		}
	}
	// Trailers that do not have one.
	a := startFor(t, trailersOnly(t, map[string]string{"x-other": "1"}), nil).h1(t).call(t, "GET", "/test/v1/things/1", "")
	if st := statusBody(t, a); codes.Code(st.GetCode()) != codes.Unknown || a.status != 500 { //nolint:gosec // codes are small
		t.Errorf("trailers without a status: %d %s; want UNKNOWN", a.status, a.body)
	}
}

// TestT178_BackendCancels: CANCELLED of a backend is an answer, as long as the client is there.
func TestT178_BackendCancels(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		a := behave(t, c, `{"status":{"code":1,"message":"changed my mind"}}`, "x-request-id", "t178")
		if st := statusBody(t, a); a.status != 499 || st.GetMessage() != "changed my mind" {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	if r := d.access.await(t, "t178"); r.Reason != "backend_error" || r.Status != 499 {
		t.Errorf("logged as %+v", r)
	}
}

// TestT179_NoRetryBehindTheFirstByte: what has begun to reach the client, or has taken of its stream, is not tried again.
func TestT179_NoRetryBehindTheFirstByte(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	address := misbehave(t, func(_ string, s grpc.ServerStream) error {
		calls.Add(1)
		return failsAfter(grpcstatus.Error(codes.Unavailable, "gone"), "")("", s)
	})
	d := startFor(t, address, nil)
	for _, r := range []struct{ method, target, body string }{
		{"GET", "/test/v1/streams/safe-repeat", ""}, {"GET", "/test/v1/things/1", ""},
	} {
		calls.Store(0)
		d.h2(t).call(t, r.method, r.target, r.body)
		if n := calls.Load(); n != 1 {
			t.Errorf("%s %s: the backend was called %d times", r.method, r.target, n)
		}
	}
}
