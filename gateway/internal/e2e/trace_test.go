// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	ws "github.com/coder/websocket"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceParent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// safeCalls call one method that only reads by every protocol, with these header fields, and return the head of the answer.
func safeCalls(t testing.TB, d *dragoman) map[string]func(fields ...string) http.Header {
	t.Helper()
	const path = binding + "Safe"
	enveloped := string(frame{}.bytes())
	post := func(c *client, body string, own ...string) func(...string) http.Header {
		return func(fields ...string) http.Header {
			return c.do(t, c.request(t, "POST", path, body, append(slices.Clone(own), fields...)...)).header
		}
	}
	get := func(c *client, target string) func(...string) http.Header {
		return func(fields ...string) http.Header { return c.call(t, "GET", target, "", fields...).header }
	}
	query := url.Values{"connect": {"v1"}, "encoding": {"proto"}, "message": {""}}.Encode()
	all := map[string]func(...string) http.Header{
		"grpc": post(d.h2(t), enveloped, "content-type", "application/grpc", "te", "trailers"),
		"websocket": func(fields ...string) http.Header {
			k, a, err := d.tryConnect(t, path, nil, fields...)
			if err != nil {
				t.Fatal(err)
			}
			k.send("{}")
			k.next(ws.MessageText)
			k.ends(1000, "")
			return a.header
		},
	}
	for _, c := range d.both(t) {
		all["rest, "+c.name] = post(c, "{}", "content-type", "application/json")
		all["grpc-web, "+c.name] = post(c, enveloped, web("application/grpc-web")...)
		all["grpc-web-text, "+c.name] = post(c, base64.StdEncoding.EncodeToString([]byte(enveloped)), web("application/grpc-web-text")...)
		all["connect, "+c.name] = post(c, "", "content-type", "application/proto")
		all["connect by GET, "+c.name] = get(c, path+"?"+query)
	}
	return all
}

// idOf makes an id for a request of the name of a way to call.
func idOf(name string) string { return strings.NewReplacer(" ", "", ",", "", "/", "").Replace(name) }

// TestT216_TraceContext: what a request says of its trace reaches the backend if it is well formed, and its id the log, whatever the
// protocol; and so does the id of the request, which returns to the client.
func TestT216_TraceContext(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for name, call := range safeCalls(t, d) {
		id := idOf(name)
		for _, row := range []struct {
			kind   string
			fields []string
			want   map[string][]string // at the backend
			trace  string              // in the log
		}{
			{"good", []string{"traceparent", traceParent, "tracestate", "a=1, b=2", "baggage", "user=admin"}, map[string][]string{"traceparent": {traceParent}, "tracestate": {"a=1,b=2"}}, traceID},
			{"bad", []string{"traceparent", "00-junk", "tracestate", "a=1"}, nil, ""},
			{"none", nil, nil, ""}, // none is made: whoever records spans decides whether a trace is recorded
		} {
			requestID := id + "." + row.kind
			header := call(append([]string{"x-request-id", requestID}, row.fields...)...)
			if got := header.Values("X-Request-Id"); !slices.Equal(got, []string{requestID}) {
				t.Errorf("%s, %s: returned %q", name, row.kind, got)
			}
			seen := d.backend.Last(binding + "Safe")
			for _, key := range []string{"traceparent", "tracestate", "baggage"} {
				if got := metadataOf(seen, key); !slices.Equal(got, row.want[key]) {
					t.Errorf("%s, %s: %s is %q at the backend; want %q", name, row.kind, key, got, row.want[key])
				}
			}
			if got := metadataOf(seen, "x-request-id"); !slices.Equal(got, []string{requestID}) {
				t.Errorf("%s, %s: the request is %q at the backend", name, row.kind, got)
			}
			if r := d.access.await(t, requestID); r.TraceID != row.trace {
				t.Errorf("%s, %s: trace %q in the log; want %q", name, row.kind, r.TraceID, row.trace)
			}
		}
		// Without an id of the client's, one is made.
		got := call().Values("X-Request-Id")
		if at := metadataOf(d.backend.Last(binding+"Safe"), "x-request-id"); len(got) != 1 || len(got[0]) != 26 || !slices.Equal(got, at) {
			t.Errorf("%s: returned %q, and the backend has %q", name, got, at)
		}
	}
	// What is refused has them as well.
	d.h1(t).call(t, "GET", "/nowhere", "", "x-request-id", "refused", "traceparent", traceParent)
	if r := d.access.await(t, "refused"); r.TraceID != traceID {
		t.Errorf("a refused call: %+v", r)
	}
}

// TestThreatI8_Baggage: it passes from proxies that are trusted, and where the configuration lets everybody's pass.
func TestThreatI8_Baggage(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*config.Config){
		"a trusted proxy": func(c *config.Config) {
			c.Listeners[0].TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		},
		"headers.allow": func(c *config.Config) { c.Defaults.Headers.Allow = []string{"baggage"} },
	} {
		d := start(t, edit)
		a := d.h1(t).call(t, "GET", "/canary/v1/echo", "", "baggage", "user=admin")
		seen := fromJSON(t, a.body, &testv1.CanaryResponse{}).GetSeen()
		if got := metadataOf(seen, "baggage"); !slices.Equal(got, []string{"user=admin"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestT215_LogsNameTheCall: whatever the protocol, a line has the names of the service and the method, and of REST the template: never
// is what clients can make up the name of a call.
func TestT215_LogsNameTheCall(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for name, call := range safeCalls(t, d) {
		id := idOf(name)
		call("x-request-id", id)
		r := d.access.await(t, id)
		route := ""
		if strings.HasPrefix(name, "rest") {
			route = "POST " + binding + "Safe"
		}
		if r.Service != "dragoman.test.v1.BindingService" || r.RPC != "Safe" || r.Route != route || r.Code != "OK" {
			t.Errorf("%s: %+v; want route %q", name, r, route)
		}
	}
	for target, want := range map[string]string{
		"/test/v1/things/one%2Ftwo": "GET /test/v1/things/{id}", "/test/v1/things/three": "GET /test/v1/things/{id}", "/test/v1/nothings/1": "",
	} {
		id := "t215" + strings.NewReplacer("/", "-", "%", "").Replace(target)
		d.h1(t).call(t, "GET", target, "", "x-request-id", id)
		if r := d.access.await(t, id); r.Route != want || (r.RPC == "Get") != (want != "") || (want == "" && r.Service != "") {
			t.Errorf("%s: %+v; want route %q", target, r, want)
		}
	}
	// A method that is not there has no name in the log.
	d.h2(t).do(t, d.h2(t).request(t, "POST", "/made.up.Service/Method", "", "content-type", "application/grpc", "te", "trailers", "x-request-id", "made-up"))
	if r := d.access.await(t, "made-up"); r.Service != "" || r.RPC != "" || r.Route != "" {
		t.Errorf("%+v", r)
	}
}
