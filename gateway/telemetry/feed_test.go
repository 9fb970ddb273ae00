// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func newFeed(t *testing.T, recent int) *telemetry.Feed {
	t.Helper()
	f, err := telemetry.NewFeed(recent)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func numbered(i int) *telemetry.Record { return &telemetry.Record{RequestID: fmt.Sprint(i)} }

// A subscriber that takes what comes gets all of it, in order; one that does not loses what is over its backlog and is told how many, and
// nobody waits for it.
func TestSlowSubscribersLoseAndAreTold(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 0)
	const calls, backlog = 100, 10
	quick, err := f.Subscribe(telemetry.Filter{}, calls)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := f.Subscribe(telemetry.Filter{}, backlog)
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		f.Record(numbered(i))
	}
	for i := range calls {
		if r, lost, err := quick.Next(t.Context()); err != nil || lost != 0 || r.RequestID != fmt.Sprint(i) {
			t.Fatalf("call %d: got %q, lost %d, %v", i, r.RequestID, lost, err)
		}
	}
	for i := range backlog {
		want := uint64(0)
		if i == 0 {
			want = calls - backlog
		}
		if r, lost, err := slow.Next(t.Context()); err != nil || lost != want || r.RequestID != fmt.Sprint(i) {
			t.Fatalf("call %d: got %q, lost %d, %v", i, r.RequestID, lost, err)
		}
	}
	quick.Close()
	slow.Close()
	if n := f.Subscribers(); n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f.Record(numbered(0))
	if _, _, err := slow.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("a closed subscription says %v", err)
	}
}

// What can be asked for is bounded, and says its bound.
func TestFeedsAreBounded(t *testing.T) {
	t.Parallel()
	for _, recent := range []int{-1, telemetry.MaxRecent + 1} {
		if _, err := telemetry.NewFeed(recent); err == nil {
			t.Errorf("a feed that keeps %d calls is made", recent)
		}
	}
	f := newFeed(t, 0)
	for _, backlog := range []int{0, telemetry.MaxBacklog + 1} {
		if _, err := f.Subscribe(telemetry.Filter{}, backlog); err == nil {
			t.Errorf("a backlog of %d is given", backlog)
		}
	}
	for range telemetry.MaxSubscribers {
		if _, err := f.Subscribe(telemetry.Filter{}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Subscribe(telemetry.Filter{}, 1); err == nil {
		t.Error("there is one subscriber too many")
	}
}

// The last calls are kept, the latest first, and no more than were asked for.
func TestRecentCallsAreKept(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 3)
	if got := f.Recent(telemetry.Filter{}, 9); len(got) != 0 {
		t.Errorf("there are %d calls before the first", len(got))
	}
	for i := range 5 {
		f.Record(numbered(i))
	}
	var ids []string
	for _, r := range f.Recent(telemetry.Filter{}, 9) {
		ids = append(ids, r.RequestID)
	}
	if got := fmt.Sprint(ids); got != "[4 3 2]" {
		t.Errorf("got %s", got)
	}
	if _, ok := f.Find("1"); ok {
		t.Error("a call is found that is too old")
	}
	if r, ok := f.Find("3"); !ok || r.RequestID != "3" {
		t.Errorf("found %v, %t", r.RequestID, ok)
	}
	if _, ok := f.Find(""); ok {
		t.Error("a call without an id is found")
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	call := &telemetry.Record{
		RequestID: "a", Route: "GET /v1/books/{id}", Path: "/v1/books/7", Service: "acme.Books", RPC: "Get", Protocol: "rest", Code: codes.NotFound,
		Reason: status.ReasonBackendError, Subject: "ada", Backend: "books", Duration: time.Second,
	}
	for _, test := range []struct {
		why    string
		filter telemetry.Filter
		want   bool
	}{
		{"nothing is asked", telemetry.Filter{}, true},
		{"its id", telemetry.Filter{RequestID: "a"}, true},
		{"another id", telemetry.Filter{RequestID: "b"}, false},
		{"a part of the route, in another case", telemetry.Filter{Route: "get /V1"}, true},
		{"the method", telemetry.Filter{Route: "Books/Get"}, true},
		{"another route", telemetry.Filter{Route: "/v2"}, false},
		{"the beginning of the path", telemetry.Filter{Path: "/v1/"}, true},
		{"a part of the path that is not its beginning", telemetry.Filter{Path: "books"}, false},
		{"the service", telemetry.Filter{Service: "acme.Books"}, true},
		{"a part of the service", telemetry.Filter{Service: "acme"}, false},
		{"the protocol", telemetry.Filter{Protocol: "grpc"}, false},
		{"one of the codes", telemetry.Filter{Codes: []codes.Code{codes.OK, codes.NotFound}}, true},
		{"none of the codes", telemetry.Filter{Codes: []codes.Code{codes.OK}}, false},
		{"the reason", telemetry.Filter{Reasons: []status.Reason{status.ReasonBackendError}}, true},
		{"another reason", telemetry.Filter{Reasons: []status.Reason{status.ReasonOK}}, false},
		{"the subject", telemetry.Filter{Subject: "bob"}, false},
		{"the backend", telemetry.Filter{Backend: "books"}, true},
		{"errors", telemetry.Filter{Errors: true}, true},
		{"as slow as that", telemetry.Filter{Slower: time.Second}, true},
		{"slower", telemetry.Filter{Slower: time.Second + 1}, false},
		{"all of several", telemetry.Filter{Errors: true, Subject: "ada", Protocol: "rest"}, true},
		{"all but one of several", telemetry.Filter{Errors: true, Subject: "ada", Protocol: "grpc"}, false},
	} {
		if got := test.filter.Matches(call); got != test.want {
			t.Errorf("%s: got %t", test.why, got)
		}
	}
	if errors := (&telemetry.Filter{Errors: true}); errors.Matches(&telemetry.Record{}) {
		t.Error("a call that went well is an error")
	}
}
