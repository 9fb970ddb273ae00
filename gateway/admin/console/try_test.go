// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/admin/console"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// tried makes a call by the console's way and returns what the gateway gets of it; nil when it gets nothing.
func tried(t *testing.T, cfg console.TryConfig, target string, header http.Header) (*transcoder.Request, *httptest.ResponseRecorder) {
	t.Helper()
	var got *transcoder.Request
	cfg.Serve = func(ex transcoder.Exchange) {
		r := *ex.Request()
		got = &r
		_ = ex.Write(&transcoder.Out{Status: http.StatusOK, Header: wire.Header{{Name: "content-type", Value: "text/html"}}, End: transcoder.EndClean})
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.RequestURI = target
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	console.Try(cfg).ServeHTTP(w, r)
	return got, w
}

// What is tried enters the gateway as by the listener: the path as it was sent, the listener's name and limits, marked as a trial.
func TestTrialsAreCalls(t *testing.T) {
	t.Parallel()
	cfg := console.TryConfig{Listener: "public", Authority: "api.example.com", Limits: transcoder.Limits{MaxFields: 7}}
	got, answer := tried(t, cfg, "/try/v1/shelves%2Fclassics?a=%20b", http.Header{"Authorization": {"Bearer of the API"}, "X-Dragoman-Debug": {"1"}})
	if got == nil || answer.Code != http.StatusOK {
		t.Fatalf("the gateway got %v, the answer is %d", got, answer.Code)
	}
	if got.Path != "/v1/shelves%2Fclassics" || got.Query != "a=%20b" {
		t.Errorf("the path is %q and the query %q; want both as they were sent (T26)", got.Path, got.Query)
	}
	if got.Listener != "public" || got.Limits.MaxFields != 7 || got.Authority != "api.example.com" || !got.Probe {
		t.Errorf("listener %q, limits %+v, authority %q, probe %t", got.Listener, got.Limits, got.Authority, got.Probe)
	}
	if got.Header.Get("authorization") != "Bearer of the API" || got.Header.Get("x-dragoman-debug") != "1" {
		t.Errorf("fields for the API did not reach it: %v", got.Header)
	}
}

// What belongs to the admin listener, and what the browser says of the console's page, is not told to the API (threat I4).
func TestTrialsCarryNothingOfTheConsole(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"X-Dragoman-Admin-Token": {"secret"}, "X-Dragoman-Try-Authority": {"other.example.com"}, "Cookie": {"a=b"},
		"Sec-Websocket-Protocol": {"dragoman.json, dragoman.admin.c2VjcmV0", "bearer.x"}, "Origin": {"http://127.0.0.1:9901"},
		"Referer": {"http://127.0.0.1:9901/console/"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Mode": {"cors"},
	}
	got, _ := tried(t, console.TryConfig{}, "/try/v1/shelves", header)
	if got == nil {
		t.Fatal("the gateway got nothing")
	}
	if len(got.Header) != 1 || got.Header.Get("sec-websocket-protocol") != "dragoman.json, bearer.x" {
		t.Errorf("the API is told %v; want what is for it of the subprotocols, and nothing else", got.Header)
	}
	if got.Authority != "other.example.com" {
		t.Errorf("the host is %q; want the one that was asked for", got.Authority)
	}
}

// TestAnswersAreNoPages: what the API answers stands at the console's origin, and must never act as a part of it (threat I4).
func TestAnswersAreNoPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header http.Header
		served bool
		reason string
	}{
		{nil, true, "no browser"},
		{http.Header{"Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Mode": {"cors"}}, true, "fetch"},
		{http.Header{"Sec-Fetch-Dest": {"websocket"}, "Sec-Fetch-Mode": {"websocket"}}, true, "a WebSocket"},
		{http.Header{"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}}, false, "a link"},
		{http.Header{"Sec-Fetch-Mode": {"navigate"}}, false, "a link, of a browser that says less"},
		{http.Header{"Sec-Fetch-Dest": {"iframe"}, "Sec-Fetch-Mode": {"navigate"}}, false, "a frame"},
		{http.Header{"Sec-Fetch-Dest": {"script"}, "Sec-Fetch-Mode": {"no-cors"}}, false, "a script"},
		{http.Header{"Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Mode": {"no-cors"}}, false, "an image"},
	} {
		got, answer := tried(t, console.TryConfig{}, "/try/v1/page", c.header)
		if served := got != nil; served != c.served {
			t.Errorf("%s: served %t; want %t", c.reason, served, c.served)
		}
		if !c.served && answer.Code != http.StatusForbidden {
			t.Errorf("%s: %d; want 403", c.reason, answer.Code)
		}
		if policy := answer.Header().Get("Content-Security-Policy"); c.served && !strings.HasPrefix(policy, "sandbox;") {
			t.Errorf("%s: the policy of the answer is %q; want a sandbox", c.reason, policy)
		}
	}
}

func TestTrialsStayBelowTheirRoot(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/try", "/tryv1/shelves", "/other/try/v1"} {
		if got, answer := tried(t, console.TryConfig{}, target, nil); got != nil || answer.Code != http.StatusNotFound {
			t.Errorf("%s: the gateway got %v, the answer is %d; want 404", target, got, answer.Code)
		}
	}
}
