// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/gateway/admin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "a-token-of-the-operators"

// serve runs an admin listener with a page of each kind.
func serve(t *testing.T, token string) string {
	t.Helper()
	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	s, err := admin.Listen(t.Context(), admin.Config{
		Address: "127.0.0.1:0", Token: token, Ready: func() map[string]error { return nil }, Backends: func() any { return []string{"10.0.0.1:1"} },
		API: say("api"), Mounts: append(admin.Pprof(), admin.Mount{Path: "/console/", Handler: say("page"), Open: true}, admin.Mount{Path: "/metrics", Handler: say("metrics")},
			admin.Mount{Path: "/try/", Handler: say("api that is tried"), AsSent: true, Slow: true}),
		Home: "/console/",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String()
}

// ask sends a request as it is written, and returns the status and the body of the answer.
func ask(t *testing.T, address, method, target string, fields ...string) (int, string) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nConnection: close\r\n", method, target)
	if !strings.Contains(strings.Join(fields, "\n"), "Host:") {
		fields = append(fields, "Host: "+address)
	}
	if _, err := io.WriteString(c, head+strings.Join(fields, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// Threat I1: whoever is not on this machine is not answered without a token, and one that can be guessed is none.
func TestThreatI1_OnlyLoopbackWithoutAToken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		address, token string
		good           bool
	}{
		{"127.0.0.1:0", "", true},
		{"localhost:0", "", true},
		{"[::1]:0", "", true},
		{":0", "", false},          // all addresses
		{"0.0.0.0:0", "", false},   // the same
		{"[::]:0", "", false},      // the same
		{"192.0.2.1:0", "", false}, // that of some network
		{"::ffff:192.0.2.1", "", false},
		{"gateway.example:0", "", false}, // whatever that is
		{"0.0.0.0:0", token, true},
		{"0.0.0.0:0", "short", false},
		{"0.0.0.0:0", "with white space in it", false},
		{"127.0.0.1:0", "short", false}, // it would say to be safe, and is not
	} {
		cfg := admin.Config{Address: row.address, Token: row.token}
		if err := cfg.Check(); (err == nil) != row.good {
			t.Errorf("%s with the token %q: %v; want it good: %t", row.address, row.token, err, row.good)
		}
	}
	if _, err := admin.Listen(t.Context(), admin.Config{Address: "0.0.0.0:0", Ready: func() map[string]error { return nil }}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it listens everywhere without a token")
	}
}

// Threat I1: with a token, nothing but what says nothing is answered without it.
func TestThreatI1_TheTokenIsAskedFor(t *testing.T) {
	t.Parallel()
	address := serve(t, token)
	for _, row := range []struct {
		name   string
		target string
		fields []string
		want   int
	}{
		{"no token", "/api/v1/status", nil, 401},
		{"another", "/api/v1/status", []string{"Authorization: Bearer " + token + "x"}, 401},
		{"a part of it", "/api/v1/status", []string{"Authorization: Bearer " + token[:len(token)-1]}, 401},
		{"another scheme", "/api/v1/status", []string{"Authorization: Basic " + token}, 401},
		{"the token alone", "/api/v1/status", []string{"Authorization: " + token}, 401},
		{"it and another (threat B10)", "/api/v1/status", []string{"Authorization: Bearer " + token, "Authorization: Bearer x"}, 401},
		{"in the query", "/api/v1/status?token=" + token, nil, 401},
		{"the token", "/api/v1/status", []string{"Authorization: Bearer " + token}, 200},
		{"in lower case", "/api/v1/status", []string{"authorization: bearer " + token}, 200},
		{"from a name", "/api/v1/status", []string{"Host: gateway.example", "Authorization: Bearer " + token}, 200},
		{"events", "/events", nil, 401},
		{"a method by its name", "/dragoman.admin.v1.StatusService/GetStatus", nil, 401},
		{"backends", "/backends", nil, 401},
		{"metrics", "/metrics", nil, 401},
		{"metrics with it", "/metrics", []string{"Authorization: Bearer " + token}, 200},
		{"profiles (threat I4)", "/debug/pprof/", nil, 401},
		{"liveness", "/livez", nil, 200},
		{"readiness", "/readyz?verbose", nil, 200},
		{"an open page", "/console/", nil, 200},
	} {
		if got, body := ask(t, address, "GET", row.target, row.fields...); got != row.want {
			t.Errorf("%s: %d %s; want %d", row.name, got, body, row.want)
		}
	}
}

// Threat I2: pages of other sites, which run in the browser of somebody on this machine, are not answered.
func TestThreatI2_PagesOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	address := serve(t, "")
	port := address[strings.LastIndexByte(address, ':'):]
	for _, row := range []struct {
		name           string
		method, target string
		fields         []string
		want           int
	}{
		{"a program", "GET", "/api/v1/status", nil, 200},
		{"a program that changes something", "POST", "/api/v1/reload", nil, 200},
		{"a person who typed the address", "GET", "/api/v1/status", []string{"Sec-Fetch-Site: none"}, 200},
		{"the console", "POST", "/api/v1/reload", []string{"Sec-Fetch-Site: same-origin", "Origin: http://" + address}, 200},
		{"the console behind TLS", "POST", "/api/v1/reload", []string{"Origin: https://" + address}, 200},
		{"another site", "GET", "/api/v1/status", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"another port of this machine", "GET", "/api/v1/status", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"two of them", "GET", "/api/v1/status", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, 403},
		{"an old browser", "POST", "/api/v1/reload", []string{"Origin: http://evil.example"}, 403},
		{"a page without an origin", "POST", "/api/v1/reload", []string{"Origin: null"}, 403},
		{"the port differs", "POST", "/api/v1/reload", []string{"Origin: http://127.0.0.1:1"}, 403},
		{"a file", "POST", "/api/v1/reload", []string{"Origin: file://"}, 403},
		{"a name that leads here now", "GET", "/api/v1/status", []string{"Host: evil.example" + port}, 403},
		{"the same, as its own origin", "POST", "/api/v1/reload", []string{"Host: evil.example", "Origin: http://evil.example"}, 403},
		{"a name that only begins like an address", "GET", "/api/v1/status", []string{"Host: 127.0.0.1.evil.example"}, 403},
		{"localhost", "GET", "/api/v1/status", []string{"Host: localhost" + port}, 200},
		{"an address of IPv6", "GET", "/api/v1/status", []string{"Host: [::1]" + port}, 200},
		{"backends from another site", "GET", "/backends", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"metrics from a name", "GET", "/metrics", []string{"Host: evil.example"}, 403},
		{"a link to an open page", "GET", "/console/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200},
		{"a frame with it", "GET", "/console/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"a script that fetches it", "GET", "/console/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}, 403},
		{"a link to the API", "GET", "/api/v1/status", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403},
	} {
		if got, body := ask(t, address, row.method, row.target, row.fields...); got != row.want {
			t.Errorf("%s: %d %s; want %d", row.name, got, body, row.want)
		}
	}
}

// Threat I3: a path is what is written, and nothing that could be made of it.
func TestThreatI3_PathsAreExact(t *testing.T) {
	t.Parallel()
	address := serve(t, token)
	for _, target := range []string{
		"//api/v1/status", "/./api/v1/status", "/x/../api/v1/status", "/%61pi/v1/status", "/API/v1/status", "/livez/", "//livez", "/livez;x", "/livez%2f", "/events/",
		"/console/../api/v1/status", "/console/%2e%2e/api/v1/status", "/console//x", "/console/./x", "/console/..", "/console/a%2fb", `/console/a\b`, "/console", "/metrics/", "/debug/pprof",
		"/debug/pprof/profile/../heap", "/backends/",
	} {
		if got, body := ask(t, address, "GET", target); got != http.StatusNotFound {
			t.Errorf("%s: %d %s; want 404", target, got, body)
		}
	}
	if got, body := ask(t, address, "GET", "/console/deep/page"); got != http.StatusOK || body != "page" {
		t.Errorf("a page below the console: %d %s", got, body)
	}
}

// Pages are read; what changes something is the admin API's.
func TestPagesAreOnlyRead(t *testing.T) {
	t.Parallel()
	address := serve(t, "")
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"} {
		for _, target := range []string{"/livez", "/console/", "/metrics", "/debug/pprof/"} {
			if got, body := ask(t, address, method, target); got == http.StatusOK {
				t.Errorf("%s %s: %d %s", method, target, got, body)
			}
		}
	}
}
