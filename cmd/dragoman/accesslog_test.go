// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// always are the fields of every line of the access log, routed those that a call has in addition once its method is known and a
// backend has served it (experience, 3.7). Others come with the features that they belong to.
var (
	always = []string{
		"time", "level", "msg", "request_id", "client_ip", "listener", "protocol", "method", "path", "code", "http_status", "reason",
		"attempts", "duration_ms", "gateway_ms", "backend_ms", "ttfb_ms", "bytes_in", "bytes_out", "messages_in", "messages_out", "user_agent",
	}
	routed = []string{"service", "rpc", "backend", "endpoint"}
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRunWritesTheAccessLog makes one call of each kind, ends the gateway, and reads the file: a line for each call, in JSON, whatever
// the standard output is.
func TestRunWritesTheAccessLog(t *testing.T) {
	t.Parallel()
	p, s, dir := startComplete(t, 1)
	api := "http://" + s.Listeners["internal"]
	for _, call := range []struct {
		path string
		code int
	}{
		{"/v1/shelves", http.StatusOK},
		{"/v1/shelves/none", http.StatusNotFound},
		{"/v1/nowhere?token=hunter2x", http.StatusNotFound},
		{"/v1/%22%0a%7b%22level%22:%22ERROR%22%7d", http.StatusNotFound},
		{"/v1/shelves?colour=blue", http.StatusBadRequest},
	} {
		r := request(t, api+call.path)
		r.Header.Set("User-Agent", "test \"quoted\"")
		r.Header.Set("Authorization", "Bearer hunter2x")
		if code, body := answer(client(t), r); code != call.code {
			t.Fatalf("GET %s: %d %s; want %d", call.path, code, body, call.code)
		}
	}
	books := bookstorev1.NewBookstoreServiceClient(dial(t, s.Listeners["internal"]))
	if _, err := books.GetShelf(t.Context(), &bookstorev1.GetShelfRequest{Name: "shelves/none"}); status.Code(err) != codes.NotFound {
		t.Fatalf("GetShelf: %v; want NOT_FOUND", err)
	}
	if code, body := answer(secure(t, dir), request(t, "https://"+s.Listeners["public"]+"/v1/shelves")); code != http.StatusOK {
		t.Fatalf("over TLS: %d %s", code, body)
	}
	p.signal(syscall.SIGTERM)
	p.exits(0)

	text := readFile(t, filepath.Join(dir, "access.log"))
	if strings.Contains(text, "hunter2x") {
		t.Errorf("the access log has a secret:\n%s", text)
	}
	var got []string
	for line := range strings.Lines(text) {
		got = append(got, checkAccessLine(t, line))
	}
	want := []string{
		`internal rest GET /v1/shelves bookstore.v1.BookstoreService/ListShelves OK 200 ok 1`,
		`internal rest GET /v1/shelves/none bookstore.v1.BookstoreService/GetShelf NOT_FOUND 404 backend_error 1`,
		`internal rest GET /v1/nowhere / NOT_FOUND 404 no_route 0`,
		"internal rest GET /v1/%22%0a%7b%22level%22:%22ERROR%22%7d / NOT_FOUND 404 no_route 0",
		`internal rest GET /v1/shelves bookstore.v1.BookstoreService/ListShelves INVALID_ARGUMENT 400 bad_query 0`,
		`internal grpc POST /bookstore.v1.BookstoreService/GetShelf bookstore.v1.BookstoreService/GetShelf NOT_FOUND 200 backend_error 1`,
		`public rest GET /v1/shelves bookstore.v1.BookstoreService/ListShelves OK 200 ok 1`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls in the access log (-want +got):\n%s", diff)
	}
}

// checkAccessLine checks the names and kinds of the fields of a line, and returns what it says of the call.
func checkAccessLine(t *testing.T, text string) string {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, name := range always {
		if _, ok := fields[name]; !ok {
			t.Errorf("%s\nhas no %s", text, name)
		}
	}
	backed := fields["attempts"] != 0.0
	for _, name := range routed {
		if _, ok := fields[name]; !ok && backed {
			t.Errorf("%s\nhas no %s", text, name)
		}
	}
	known := slices.Concat(always, routed, []string{"route", "message", "detail"})
	for name := range maps.Keys(fields) {
		if !slices.Contains(known, name) {
			t.Errorf("%s\nhas a field %s, which is not known", text, name)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(fields["time"])); err != nil {
		t.Errorf("%s\n%v", text, err)
	}
	if fields["client_ip"] != "127.0.0.1" || fields["msg"] != "call" || fields["request_id"] == "" {
		t.Errorf("%s\nhas an odd client_ip, msg or request_id", text)
	}
	var durations [4]float64
	for i, name := range []string{"duration_ms", "gateway_ms", "backend_ms", "ttfb_ms"} {
		v, ok := fields[name].(float64)
		if durations[i] = v; !ok || v < 0 {
			t.Errorf("%s\n%s is %v; want milliseconds", text, name, fields[name])
		}
	}
	if backed && (durations[2] <= 0 || durations[0] < durations[2]) {
		t.Errorf("%s\nthe backend took %v of %v ms", text, durations[2], durations[0])
	}
	call := []string{"listener", "protocol", "method", "path", "", "code", "http_status", "reason", "attempts"}
	for i, name := range call {
		if call[i] = fmt.Sprint(fields[name]); name == "" {
			call[i] = textOf(fields["service"]) + "/" + textOf(fields["rpc"])
		}
	}
	return strings.Join(call, " ")
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// TestFileHasJSONWhateverTheOutputIs: the form of the access log follows where it goes, and not what the standard output happens to be:
// here a device, as a terminal is one.
func TestFileHasJSONWhateverTheOutputIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "dragoman.yaml", `version: v1
listeners: [{name: public, address: "127.0.0.1:0"}]
schemas: {sources: [{reflection: {backend: books}}]}
backends: {books: {target: "`+startBackend(t)+`"}}
services: [{match: "**", backend: books}]
observability: {access_log: {output: ./access.log}}
admin: {address: "127.0.0.1:0"}
`)
	p := startWith(t, dir, nil, "run", "-c", "dragoman.yaml")
	wantAnswer(t, "http://"+p.serving().Listeners["public"]+"/v1/shelves", http.StatusOK, "shelves/classics")
	p.signal(syscall.SIGTERM)
	p.exits(0)
	if line := readFile(t, filepath.Join(dir, "access.log")); !json.Valid([]byte(line)) {
		t.Errorf("the access log has %q; want JSON", line)
	}
}
