// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// The comparison is what all else rests on, so it is shown to find what it is for.
func TestComparisonFindsEveryDifference(t *testing.T) {
	t.Parallel()
	one := func() *observed {
		values, err := valuesOf([]byte(`{"id":"a","n":5}`))
		if err != nil {
			t.Fatal(err)
		}
		return &observed{
			Status: http.StatusOK, Header: http.Header{"X-A": {"1", "2"}}, Values: values, Trailer: http.Header{"X-T": {"1"}},
			Calls: []*arrival{{Method: "/a.B/C", Metadata: metadata.Pairs("a", "1"), Messages: []proto.Message{&testv1.BindRequest{Id: "a"}}}},
		}
	}
	for _, tc := range []struct {
		name   string
		change func(*observed)
		says   string // what the difference must say; "" where there must be none
	}{
		{"nothing", func(*observed) {}, ""},
		{"what the connection adds", func(o *observed) { o.Header.Set("X-Content-Type-Options", "nosniff") }, ""},
		{"status", func(o *observed) { o.Status++ }, "201"},
		{"header", func(o *observed) { o.Header.Set("X-A", "1") }, "X-A"},
		{"another header", func(o *observed) { o.Header.Set("X-B", "1") }, "X-B"},
		{"a value", func(o *observed) { o.object()["id"] = "b" }, `"b"`},
		{"a number for a string", func(o *observed) { o.object()["n"] = "5" }, `"n"`},
		{"a member", func(o *observed) { o.object()["more"] = nil }, "more"},
		{"two answers", func(o *observed) { o.Values = append(o.Values, "x") }, `"x"`},
		{"text", func(o *observed) { o.Text = "x" }, `"x"`},
		{"trailer", func(o *observed) { o.Trailer.Del("X-T") }, "X-T"},
		{"cut off", func(o *observed) { o.Cut = true }, "Cut"},
		{"no call", func(o *observed) { o.Calls = nil }, "/a.B/C"},
		{"a call more", func(o *observed) { o.Calls = append(o.Calls, &arrival{Method: "/d.E/F"}) }, "/d.E/F"},
		{"another method", func(o *observed) { o.Calls[0].Method = "/d.E/F" }, "/d.E/F"},
		{"metadata", func(o *observed) { o.Calls[0].Metadata.Append("a", "2") }, `"2"`},
		{"deadline", func(o *observed) { o.Calls[0].Deadline = true }, "Deadline"},
		{"message", func(o *observed) { o.Calls[0].Messages[0] = &testv1.BindRequest{Id: "b"} }, `"b"`},
		{"presence in a message", func(o *observed) {
			o.Calls[0].Messages[0] = &testv1.BindRequest{Id: "a", Thing: &testv1.Thing{}}
		}, "thing"},
	} {
		ours := one()
		tc.change(ours)
		problems := newComparison(general).check(&call{}, ours, one())
		switch {
		case tc.says == "" && len(problems) > 0:
			t.Errorf("%s: found %s", tc.name, problems)
		case tc.says != "" && (len(problems) != 1 || !strings.Contains(problems[0], tc.says)):
			t.Errorf("%s: found %s; want one difference that says %s", tc.name, problems, tc.says)
		}
	}
}

func TestComparisonFindsExceptionsThatAreNotNeeded(t *testing.T) {
	t.Parallel()
	k := newComparison(general)
	nothing := exception{name: "nothing", explain: func(*call, *observed, *observed) error { return nil }}
	problems := k.check(&call{except: []exception{nothing}}, &observed{}, &observed{})
	if len(problems) != 1 || !strings.Contains(problems[0], `"nothing" is not needed`) {
		t.Errorf("found %s", problems)
	}
	if problems = k.finish(); len(problems) != len(general) {
		t.Errorf("found %s", problems)
	}
}

// TestEveryBindingIsCalled: each rule of the services has a call that its route answers.
func TestEveryBindingIsCalled(t *testing.T) {
	t.Parallel()
	mux := newMux(t, newSchema(t), rest.Config{})
	called := map[*httprule.Binding]bool{}
	for _, c := range calls() {
		var m httprule.Match
		path, _, _ := strings.Cut(c.target, "?")
		if mux.Routes().Match(&m, c.verb, path) == httprule.Found {
			called[m.Binding()] = true
		}
	}
	for _, b := range mux.Routes().Bindings() {
		if !called[b] {
			t.Errorf("no call reaches %s of %s", b, b.Method.FullName())
		}
	}
}
