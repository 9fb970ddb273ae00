// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/admin/console"
)

func ask(t *testing.T, method, target string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	h, err := console.New()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Every address of a view is answered with the page, so that it can be passed on and loaded again; what is missing is missing.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target string
		code   int
		page   bool
		reason string
	}{
		{"/console/", 200, true, "the first view"},
		{"/console/routes", 200, true, "a view"},
		{"/console/routes?open=GET%20/v1/shelves", 200, true, "a view with something opened"},
		{"/console/schemas/bookstore.v1.Book", 200, true, "the name of a message has dots"},
		{"/console/try/bookstore.v1.BookstoreService%2FChat", 200, true, "that of a method a slash"},
		{"/console/theme.js", 200, false, "a file"},
		{"/console/favicon.svg", 200, false, "a file"},
		{"/console/robots.txt", 404, false, "no file, and no view"},
		{"/console/assets/missing.js", 404, false, "an asset of another version: the page in its place would be taken for a script"},
		{"/console/../server.go", 200, true, "names are looked up in a table, and reach nothing else"},
		{"/elsewhere", 404, false, "not below the root"},
	} {
		answer := ask(t, http.MethodGet, c.target, nil)
		body := answer.Body.String()
		if answer.Code != c.code {
			t.Errorf("%s (%s): %d; want %d", c.target, c.reason, answer.Code, c.code)
		}
		if page := strings.Contains(body, `<div id="app">`); page != c.page {
			t.Errorf("%s (%s): the page is answered: %t; want %t", c.target, c.reason, page, c.page)
		}
	}
}

// TestPageObeysItsOwnPolicy: no script and no style stands in the page, and all that it loads is there (threat I4).
func TestPageObeysItsOwnPolicy(t *testing.T) {
	t.Parallel()
	answer := ask(t, http.MethodGet, console.Root, nil)
	page := answer.Body.String()
	if got := answer.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'self';") || strings.Contains(got, "unsafe") {
		t.Errorf("the policy is %q; want default-src 'self', and nothing unsafe", got)
	}
	for _, c := range []struct{ forbidden, reason string }{
		{`<style`, "styles stand in files"},
		{` style=`, "styles stand in files"},
		{`<script>`, "scripts stand in files"},
		{` onload=`, "scripts stand in files"},
		{`javascript:`, "scripts stand in files"},
		{`http://`, "nothing comes from elsewhere"},
		{`https://`, "nothing comes from elsewhere"},
	} {
		if strings.Contains(page, c.forbidden) {
			t.Errorf("the page has %q in it: %s", c.forbidden, c.reason)
		}
	}
	loaded := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(loaded) < 4 {
		t.Fatalf("the page loads %d files; want its icon, its theme, its script and its style", len(loaded))
	}
	for _, l := range loaded {
		got := ask(t, http.MethodGet, l[1], nil)
		if got.Code != http.StatusOK {
			t.Errorf("%s, which the page loads, answers %d", l[1], got.Code)
		}
	}
}

// TestCaching: what is named after its content is kept for ever, and the page is asked for again each time, by its tag.
func TestCaching(t *testing.T) {
	t.Parallel()
	first := ask(t, http.MethodGet, console.Root, nil)
	page := first.Body.String()
	if got := first.Header().Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the page's Cache-Control is %q; want no-cache", got)
	}
	again := ask(t, http.MethodGet, console.Root, http.Header{"If-None-Match": {first.Header().Get("Etag")}})
	if body := again.Body.String(); again.Code != http.StatusNotModified || body != "" {
		t.Errorf("asked again the page is %d with %d bytes; want 304 with none", again.Code, len(body))
	}
	script := regexp.MustCompile(`/console/assets/[^"]+\.js`).FindString(page)
	plain := ask(t, http.MethodGet, script, nil)
	want := plain.Body.String()
	if got := plain.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("the script's Cache-Control is %q; want immutable", got)
	}
	packed := ask(t, http.MethodGet, script, http.Header{"Accept-Encoding": {"gzip, deflate, br"}})
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("the script is not compressed: %v", packed.Header())
	}
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(unpacked)
	if err != nil || string(got) != want {
		t.Errorf("what is compressed is not the script: %v", err)
	}
}

func TestConsoleIsOnlyRead(t *testing.T) {
	t.Parallel()
	answer := ask(t, http.MethodPost, console.Root, nil)
	if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST is %d, Allow %q", answer.Code, answer.Header().Get("Allow"))
	}
	head := ask(t, http.MethodHead, console.Root, nil)
	if body := head.Body.String(); head.Code != http.StatusOK || body != "" {
		t.Errorf("HEAD is %d with %d bytes", head.Code, len(body))
	}
}
