// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

// Services of the test backend, short.
const (
	binding = "/dragoman.test.v1.BindingService/"
	beyond  = "/dragoman.test.v1.BeyondService/"
	streams = "/dragoman.test.v1.StreamService/"
	echo    = "/dragoman.test.v1.EchoService/"
)

// arrivals tells which calls reached the backend while do ran.
func (d *dragoman) arrivals(do func()) map[string]int {
	before := d.backend.Arrived()
	do()
	after := d.backend.Arrived()
	maps.DeleteFunc(after, func(path string, n int) bool { return n == before[path] })
	for path := range after {
		after[path] -= before[path]
	}
	return after
}

// only fails unless exactly one call arrived, and that of this method.
func only(t testing.TB, arrived map[string]int, method string) {
	t.Helper()
	if diff := cmp.Diff(map[string]int{method: 1}, arrived); diff != "" {
		t.Errorf("calls that reached the backend (-want +got):\n%s", diff)
	}
}

// none fails if any call arrived.
func none(t testing.TB, arrived map[string]int) {
	t.Helper()
	if len(arrived) > 0 {
		t.Errorf("calls reached the backend: %v", arrived)
	}
}

// wantSeen compares the message that the backend saw last with one in JSON, of the same type.
func (d *dragoman) wantSeen(t testing.TB, method, wantJSON string) {
	t.Helper()
	seen := d.backend.Last(method)
	if seen == nil {
		t.Fatalf("the backend saw no message of %s", method)
	}
	got, err := seen.GetRequest().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	want := got.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal([]byte(wantJSON), want); err != nil {
		t.Fatalf("the wanted message %s: %v", wantJSON, err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("%s: message at the backend (-want +got):\n%s", method, diff)
	}
}

// metadataOf returns the values of a key that a backend saw.
func metadataOf(seen *testv1.Seen, key string) []string {
	for _, m := range seen.GetMetadata() {
		if strings.EqualFold(m.GetKey(), key) {
			return m.GetValues()
		}
	}
	return nil
}

// fromJSON reads a message.
func fromJSON[M proto.Message](t testing.TB, text string, m M) M {
	t.Helper()
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("not the JSON of a %T: %v\n%s", m, err, text)
	}
	return m
}

// lastID is the id in the last request of a method.
func (d *dragoman) lastID(t testing.TB, method string) string {
	t.Helper()
	m, err := d.backend.Last(method).GetRequest().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	return m.ProtoReflect().Get(m.ProtoReflect().Descriptor().Fields().ByName("id")).String()
}
