// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// collecting runs a backend that sends each message that it gets, as JSON, and at the end answers.
func collecting(t testing.TB, got chan<- string) string {
	t.Helper()
	return misbehave(t, func(_ string, s grpc.ServerStream) error {
		for {
			m := raw("")
			err := s.RecvMsg(m)
			if errors.Is(err, io.EOF) {
				return s.SendMsg(raw(""))
			}
			if err != nil {
				return err
			}
			data, free := m.Bytes()
			request := &testv1.BindRequest{}
			err = proto.Unmarshal(data, request)
			free()
			if err != nil {
				return err
			}
			text, err := protojson.MarshalOptions{}.Marshal(request)
			if err != nil {
				return err
			}
			select {
			case got <- strings.ReplaceAll(string(text), " ", ""):
			case <-s.Context().Done():
				return s.Context().Err()
			}
		}
	})
}

// TestT141_T142_ClientStreams: an array or lines, told apart by their type; path and query are in the first message.
func TestT141_T142_ClientStreams(t *testing.T) {
	t.Parallel()
	got := make(chan string, 100)
	address := collecting(t, got)
	first := startFor(t, address, nil)
	every := startFor(t, address, restPolicy(config.REST{BindEvery: new(true)}))
	const lines, array = "application/x-ndjson", "application/json"
	for _, r := range []struct {
		reason, target, contentType, body string
		want                              []string
		every                             []string // nil for the same
	}{
		{"lines", "/test/v1/streams/collect", lines, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n", []string{`{"name":"a"}`, `{"name":"b"}`}, nil},
		{"an array", "/test/v1/streams/collect", array, `[{"name":"a"}, {"name":"b"}]`, []string{`{"name":"a"}`, `{"name":"b"}`}, nil},
		{"a text sequence", "/test/v1/streams/collect", "application/json-seq", "\x1e{\"name\":\"a\"}\n", []string{`{"name":"a"}`}, nil},
		{"a path", "/test/v1/collect/p", lines, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n", []string{`{"name":"a","parent":"p"}`, `{"name":"b"}`}, []string{`{"name":"a","parent":"p"}`, `{"name":"b","parent":"p"}`}},
		{
			"a body that is a field, and a query", "/test/v1/collect/p/things?name=q", array, `[{"name":"a"},{"name":"b"}]`,
			[]string{`{"name":"q","parent":"p","thing":{"name":"a"}}`, `{"thing":{"name":"b"}}`},
			[]string{`{"name":"q","parent":"p","thing":{"name":"a"}}`, `{"name":"q","parent":"p","thing":{"name":"b"}}`},
		},
		{"nothing", "/test/v1/streams/collect", array, "[]", nil, nil},
		{"nothing but a path", "/test/v1/collect/p", array, "[]", []string{`{"parent":"p"}`}, nil},
		{"no body and no type", "/test/v1/collect/p", "", "", []string{`{"parent":"p"}`}, nil},
	} {
		for _, d := range []*dragoman{first, every} {
			want := r.want
			if d == every && r.every != nil {
				want = r.every
			}
			for _, c := range d.both(t) {
				fields := []string{"content-type", r.contentType}
				if r.contentType == "" {
					fields = nil
				}
				a := c.do(t, c.request(t, "POST", r.target, r.body, fields...))
				if a.status != 200 {
					t.Fatalf("%s: %s: %d %s", c.name, r.reason, a.status, a.body)
				}
				var messages []string
				for len(got) > 0 {
					messages = append(messages, <-got)
				}
				if !slices.Equal(messages, want) {
					t.Errorf("%s: %s, every %t: the backend saw %q; want %q", c.name, r.reason, d == every, messages, want)
				}
			}
		}
	}
	for _, r := range []struct {
		reason, contentType, body string
		status                    int
		says                      string
	}{
		{"another type", "text/plain", "{}", 415, "unsupported_media_type"},
		{"no type", "", "{}", 415, "unsupported_media_type"},
		{"lines called an array", array, "{}\n{}\n", 400, "bad_json"},
		{"an array called lines", lines, "[{}]\n", 400, "bad_json"},
		{"the second is wrong", lines, "{}\n{\"nope\":1}\n", 400, "bad_json"},
		{"the path is contradicted", lines, "{\"parent\":\"q\"}\n", 400, "bad_json"},
		{"an array that does not end", array, "[{}", 400, "bad_json"},
		{"too large an element", lines, `{"name":"` + strings.Repeat("a", 5<<20), 413, "message_too_large"},
	} {
		for _, c := range first.both(t) {
			var fields []string
			if r.contentType != "" {
				fields = []string{"content-type", r.contentType}
			}
			a := c.do(t, c.request(t, "POST", "/test/v1/collect/p", r.body, fields...))
			if a.status != r.status || a.header.Get("X-Dragoman-Reason") != r.says {
				t.Errorf("%s: %s: %d %s; want %d %s", c.name, r.reason, a.status, a.body, r.status, r.says)
			}
			for len(got) > 0 {
				<-got
			}
		}
	}
}

// TestT141_AsTheyArrive: each element is at the backend before the next one is sent.
func TestT141_AsTheyArrive(t *testing.T) {
	t.Parallel()
	got := make(chan string)
	d := startFor(t, collecting(t, got), nil)
	for _, c := range d.both(t) {
		body, send := io.Pipe()
		r := c.request(t, "POST", "/test/v1/collect/p", "", "content-type", "application/json")
		r.Body, r.ContentLength = body, -1
		answers := c.open(t, r) //nolint:bodyclose // open closes it
		for i, piece := range []string{`[{"name":"a"},`, `{"name":`, `"b"},`, `{"name":"c"}]`} {
			if _, err := io.WriteString(send, piece); err != nil {
				t.Fatal(err)
			}
			switch i {
			case 0:
				if m := <-got; m != `{"name":"a","parent":"p"}` {
					t.Errorf("%s: %s", c.name, m)
				}
			case 2:
				if m := <-got; m != `{"name":"b"}` {
					t.Errorf("%s: %s", c.name, m)
				}
			}
		}
		if m := <-got; m != `{"name":"c"}` {
			t.Errorf("%s: %s", c.name, m)
		}
		_ = send.Close()
		if a := <-answers; a == nil || a.StatusCode != 200 {
			t.Errorf("%s: %v", c.name, a)
		}
	}
}

// TestT46_T57_T66_T67_OptionsOfTheQuery: what the configuration turns on reaches the requests.
func TestT46_T57_T66_T67_OptionsOfTheQuery(t *testing.T) {
	t.Parallel()
	d := start(t, func(cfg *config.Config) {
		cfg.Routes.MethodOverride = true
		cfg.Defaults.REST = config.REST{UnknownQuery: config.QueryCapture, CaptureQueryInto: "labels", MaxQueryListElements: 2, JSONParameters: new(true)}
	})
	c := d.h1(t)
	if a := c.call(t, "POST", "/test/v1/things/7?utm=x&name=n&things%5B0%5D.name=a&things%5B1%5D.title=b&object=%7B%22k%22:1%7D", "", "x-http-method-override", "DELETE"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	d.wantSeen(t, binding+"Delete", `{"id":"7","name":"n","labels":{"utm":"x"},"things":[{"name":"a"},{"title":"b"}],"object":{"k":1}}`)
}
