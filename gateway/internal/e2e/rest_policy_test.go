// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// startBookstore runs the demo's backend and a gateway in front of it.
func startBookstore(t testing.TB, edit func(*config.Config)) *dragoman {
	t.Helper()
	cluster, err := bookstore.Start(t.Context(), bookstore.ClusterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := cluster.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return startFor(t, cluster.Addresses()[0], func(cfg *config.Config) {
		cfg.Schemas.Sources[0].Protos.Dirs = []string{protoFolder + "/bookstore"}
		if edit != nil {
			edit(cfg)
		}
	})
}

// rest returns an edit that serves all methods so.
func restPolicy(r config.REST) func(*config.Config) {
	return func(cfg *config.Config) { cfg.Defaults.REST = r }
}

// TestT202_ETagOfField: the field etag of a resource is its entity tag, and If-Match is the etag of the request (AIP-154).
func TestT202_ETagOfField(t *testing.T) {
	t.Parallel()
	d := startBookstore(t, restPolicy(config.REST{ETag: "field"}))
	const book = "/v1/shelves/computing/books/sketchpad"
	for _, c := range d.both(t) {
		t.Run(c.name, func(t *testing.T) {
			created := c.call(t, "POST", "/v1/shelves/computing/books?book_id=sketchpad", `{"title":"Sketchpad","authors":["Ivan Sutherland"]}`)
			if created.status != 200 {
				t.Fatalf("%d %s", created.status, created.body)
			}
			got := c.call(t, "GET", book, "")
			tag := got.header.Get("Etag")
			if got.status != 200 || !strings.HasPrefix(tag, `"`) {
				t.Fatalf("%d, etag %q: %s", got.status, tag, got.body)
			}
			head := c.call(t, "HEAD", book, "")
			if head.header.Get("Etag") != tag || head.length != int64(len(got.body)) {
				t.Errorf("HEAD has etag %q and length %d; want %q and %d", head.header.Get("Etag"), head.length, tag, len(got.body))
			}
			for _, r := range []struct {
				reason, value string
				want          int
			}{
				{"the same", tag, 304},
				{"weakly the same", "W/" + tag, 304},
				{"one of several", `"x", ` + tag, 304},
				{"any", "*", 304},
				{"another", `"x"`, 200},
				{"no list of tags", "x", 200},
				{"half a tag", strings.TrimSuffix(tag, `"`), 200},
			} {
				a := c.call(t, "GET", book, "", "if-none-match", r.value)
				if a.status != r.want || a.header.Get("Etag") != tag {
					t.Errorf("%s: %d, etag %q; want %d", r.reason, a.status, a.header.Get("Etag"), r.want)
				}
				if a.status == 304 && (a.body != "" || a.header.Get("Content-Type") != "") {
					t.Errorf("%s: a 304 has a body: %q, %q", r.reason, a.header.Get("Content-Type"), a.body)
				}
			}
			// If-Match is the etag of the resource that the body is, and of the request where it has one.
			if a := c.call(t, "PATCH", book, `{"title":"B"}`, "if-match", `"nonsense"`); a.status != 409 {
				t.Errorf("with another etag: %d %s", a.status, a.body)
			}
			if a := c.call(t, "PATCH", book, `{"title":"B"}`, "if-match", tag+`, "x"`); a.status != 400 || a.header.Get("X-Dragoman-Reason") != "bad_header" {
				t.Errorf("with two etags: %d %s", a.status, a.body)
			}
			if a := c.call(t, "PATCH", book, `{"title":"B"}`, "if-match", tag); a.status != 200 {
				t.Errorf("with the etag: %d %s", a.status, a.body)
			}
			if a := c.call(t, "DELETE", book, "", "if-match", tag); a.status != 409 {
				t.Errorf("with the etag of before: %d %s", a.status, a.body)
			}
			if a := c.call(t, "DELETE", book, "", "if-match", "*"); a.status != 200 {
				t.Errorf("with any: %d %s", a.status, a.body)
			}
		})
	}
}

// TestT202_ETagOfContent: the same body has the same tag, of any message and of raw bytes.
func TestT202_ETagOfContent(t *testing.T) {
	t.Parallel()
	d := startBookstore(t, restPolicy(config.REST{ETag: "content", CacheControl: "private, max-age=60"}))
	c := d.h1(t)
	first := c.call(t, "GET", "/v1/shelves", "")
	tag := first.header.Get("Etag")
	if tag == "" || first.header.Get("Cache-Control") != "private, max-age=60" { // T203
		t.Fatalf("%v", first.header)
	}
	if a := c.call(t, "GET", "/v1/shelves", "", "if-none-match", tag); a.status != 304 || a.header.Get("Cache-Control") != "private, max-age=60" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := c.call(t, "GET", "/v1/shelves?page_size=1", ""); a.header.Get("Etag") == tag || a.header.Get("Etag") == "" {
		t.Errorf("another body has the tag %q", a.header.Get("Etag"))
	}
	if a := c.call(t, "GET", "/v1/shelves/none", ""); a.status != 404 || a.header.Get("Etag") != "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("an error: %d %v", a.status, a.header)
	}
	if a := c.call(t, "POST", "/v1/shelves?shelf_id=s", `{"title":"S"}`); a.status != 200 || a.header.Get("Etag") != "" || a.header.Get("Cache-Control") != "" {
		t.Errorf("a POST: %d %v", a.status, a.header)
	}
}

// TestT121_SuccessStatus: the status of what went well.
func TestT121_SuccessStatus(t *testing.T) {
	t.Parallel()
	d := startBookstore(t, func(cfg *config.Config) {
		cfg.Defaults.REST.NoContentForEmpty = new(true)
		cfg.Services[0].Methods = []config.Method{{Name: "CreateShelf", Policy: config.Policy{REST: config.REST{SuccessStatus: 201}}}}
	})
	for _, c := range d.both(t) {
		if a := c.call(t, "POST", "/v1/shelves?shelf_id=s", `{"title":"S"}`); a.status != 201 || !strings.Contains(a.body, `"S"`) {
			t.Errorf("%s: a method of its own status: %d %s", c.name, a.status, a.body)
		}
		if a := c.call(t, "GET", "/v1/shelves/s", ""); a.status != 200 {
			t.Errorf("%s: another method: %d", c.name, a.status)
		}
		a := c.call(t, "DELETE", "/v1/shelves/s", "")
		if a.status != 204 || a.body != "" || a.header.Get("Content-Type") != "" {
			t.Errorf("%s: Empty: %d %q %v", c.name, a.status, a.body, a.header)
		}
		if a := c.call(t, "DELETE", "/v1/shelves/s", ""); a.status != 404 || a.body == "" {
			t.Errorf("%s: an error where Empty is due: %d %q", c.name, a.status, a.body)
		}
	}

	chosen := start(t, restPolicy(config.REST{StatusFrom: &config.StatusFrom{Header: "x-http-status", Allow: []int{201, 202, 303, 204}}}))
	for _, c := range chosen.both(t) {
		for _, r := range []struct {
			behavior string
			want     int
			location string
		}{
			{`{}`, 200, ""},
			{`{"header":[{"key":"x-http-status","values":["201"]},{"key":"location","values":["/x"]}]}`, 201, "/x"},
			{`{"header":[{"key":"x-http-status","values":["303"]},{"key":"location","values":["/x"]}]}`, 303, "/x"},
			{`{"header":[{"key":"x-http-status","values":["202"]},{"key":"location","values":["/x"]}]}`, 202, ""},
			{`{"header":[{"key":"location","values":["/x"]}]}`, 200, ""},
			{`{"header":[{"key":"x-http-status","values":["204"]}]}`, 204, ""},
			{`{"header":[{"key":"x-http-status","values":["200"]}]}`, 502, ""},
			{`{"header":[{"key":"x-http-status","values":["404"]}]}`, 502, ""},
			{`{"header":[{"key":"x-http-status","values":["abc"]}]}`, 502, ""},
			{`{"header":[{"key":"x-http-status","values":["201"]}],"status":{"code":5}}`, 404, ""},
		} {
			a := behave(t, c, r.behavior)
			if a.status != r.want || a.header.Get("Location") != r.location || a.header.Get("X-Http-Status") != "" {
				t.Errorf("%s: %s: %d, location %q, %v; want %d, %q", c.name, r.behavior, a.status, a.header.Get("Location"), a.header, r.want, r.location)
			}
			if (a.body == "") != (r.want == 204) {
				t.Errorf("%s: %s: %d with body %q", c.name, r.behavior, a.status, a.body)
			}
		}
	}
}

// TestT148_ErrorFormats: one shape for the gateway's errors and the backend's.
func TestT148_ErrorFormats(t *testing.T) {
	t.Parallel()
	const backend = `{"status":{"code":5,"message":"no \"x\"","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r"}]}}`
	for _, f := range []struct {
		errors      config.Errors
		contentType string
		route       string // of an unknown path
		failure     string // of the backend
	}{
		{
			config.Errors{Format: "google"},
			"application/json",
			`{"error":{"code":404,"message":"no route for GET /nowhere","status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NO_ROUTE","domain":"dragoman"}]}}`,
			`{"error":{"code":404,"message":"no \"x\"","status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r"}]}}`,
		},
		{
			config.Errors{Format: "problem"},
			"application/problem+json",
			`{"type":"about:blank","title":"Not Found","status":404,"detail":"no route for GET /nowhere","code":"NOT_FOUND","reason":"no_route","requestId":"id","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NO_ROUTE","domain":"dragoman"}]}`,
			`{"type":"about:blank","title":"Not Found","status":404,"detail":"no \"x\"","code":"NOT_FOUND","reason":"backend_error","requestId":"id","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r"}]}`,
		},
		{
			config.Errors{Format: "template", Template: ` { "ok" : false, "err": "{status} ({code}): {message}", "http": "{http_status}", "list": ["{details}"], "brace": "{{x}" } `},
			"application/json",
			`{"ok":false,"err":"NOT_FOUND (5): no route for GET /nowhere","http":404,"list":[[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"NO_ROUTE","domain":"dragoman"}]],"brace":"{x}"}`,
			`{"ok":false,"err":"NOT_FOUND (5): no \"x\"","http":404,"list":[[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r"}]],"brace":"{x}"}`,
		},
	} {
		t.Run(f.errors.Format, func(t *testing.T) {
			t.Parallel()
			d := start(t, restPolicy(config.REST{Errors: &f.errors}))
			for _, c := range d.both(t) {
				a := c.call(t, "GET", "/nowhere", "", "x-request-id", "id")
				b := behave(t, c, backend, "x-request-id", "id")
				if a.body != f.route || b.body != f.failure || a.header.Get("Content-Type") != f.contentType || b.header.Get("Content-Type") != f.contentType {
					t.Errorf("%s\n got %s %s\nwant %s\n got %s %s\nwant %s", c.name, a.header.Get("Content-Type"), a.body, f.route, b.header.Get("Content-Type"), b.body, f.failure)
				}
				if !json.Valid([]byte(a.body)) || !json.Valid([]byte(b.body)) {
					t.Errorf("%s: no JSON", c.name)
				}
			}
			// In a stream the same shape stands in the last line (T136).
			a := d.h2(t).call(t, "POST", "/canary/v1/stream", `{"behavior":{"messages":1,"status":{"code":5,"message":"m"}}}`)
			lines := strings.Split(strings.TrimSpace(a.body), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[1], `{"error":`+f.route[:5]) || !json.Valid([]byte(lines[1])) {
				t.Errorf("stream: %s", a.body)
			}
		})
	}
}

// TestT158_RetryAfter: RetryInfo is said in the words of HTTP.
func TestT158_RetryAfter(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	c := d.h1(t)
	for _, r := range []struct {
		reason, delay string
		code          int
		want          string
	}{
		{"rounded up", "1.2s", 14, "2"},
		{"whole", "3s", 8, "3"},
		{"none at all", "0s", 14, "0"},
		{"negative", "-3s", 14, "0"},
		{"of another error", "3s", 13, ""},
		{"for ever", "99999999999s", 14, "604800"},
	} {
		status, err := json.Marshal(map[string]any{"code": r.code, "details": []any{map[string]string{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": r.delay}}})
		if err != nil {
			t.Fatal(err)
		}
		if a := behave(t, c, `{"status":`+string(status)+`}`); a.header.Get("Retry-After") != r.want {
			t.Errorf("%s: retry-after is %q; want %q", r.reason, a.header.Get("Retry-After"), r.want)
		}
	}
	if a := behave(t, c, `{"status":{"code":14}}`); a.header.Get("Retry-After") != "" {
		t.Errorf("retry-after without RetryInfo: %q", a.header.Get("Retry-After"))
	}
}

// TestT157_NoChallengeOfTheBackend: what a backend says never becomes a WWW-Authenticate.
func TestT157_NoChallengeOfTheBackend(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	for _, c := range d.both(t) {
		a := behave(t, c, `{"header":[{"key":"www-authenticate","values":["Basic realm=x"]}],"trailer":[{"key":"www-authenticate","values":["Basic"]}],"status":{"code":16,"message":"Bearer realm=\"evil\""}}`)
		if a.status != http.StatusUnauthorized || a.header.Values("Www-Authenticate") != nil || a.trailer.Values("Www-Authenticate") != nil {
			t.Errorf("%s: %d %v %v", c.name, a.status, a.header, a.trailer)
		}
	}
}

// TestT159_HiddenErrors: the client gets an id, the log the message, and other errors stay as they are.
func TestT159_HiddenErrors(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) { cfg.Defaults.HideInternalErrors = new(true) })
	for _, c := range d.both(t) {
		for _, code := range []string{"13", "2"} {
			a := behave(t, c, `{"status":{"code":`+code+`,"message":"pq: password of db-7","details":[{"@type":"type.googleapis.com/google.rpc.DebugInfo","detail":"db-7"}]}}`, "x-request-id", "id-"+code)
			if a.status != 500 || strings.Contains(a.body, "db-7") || !strings.Contains(a.body, `"requestId":"id-`+code+`"`) || a.header.Get("X-Dragoman-Reason") != "backend_error" {
				t.Errorf("%s: %s: %d %s", c.name, code, a.status, a.body)
			}
		}
		if a := behave(t, c, `{"status":{"code":5,"message":"no such book"}}`); !strings.Contains(a.body, "no such book") {
			t.Errorf("%s: NOT_FOUND: %s", c.name, a.body)
		}
	}
	if r := d.access.await(t, "id-13"); !strings.Contains(fmt.Sprint(r), "pq: password of db-7") {
		t.Errorf("the log does not say what went wrong: %v", r)
	}
}
