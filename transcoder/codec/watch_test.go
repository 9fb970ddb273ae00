// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// fieldPath gives the descriptors of a path of proto names.
func fieldPath(tb testing.TB, s *schema, message, path string) []protoreflect.FieldDescriptor {
	tb.Helper()
	md := s.find(tb, message)
	var fds []protoreflect.FieldDescriptor
	for name := range strings.SplitSeq(path, ".") {
		fd := md.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			tb.Fatalf("no field %s in %s", name, md.FullName())
		}
		fds = append(fds, fd)
		md = fd.Message()
	}
	return fds
}

// TestWatch: T49 to T53, the binder learns which bound fields the body names, whatever way it spells them.
func TestWatch(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	paths := []string{"name", "left.name", "left", "right.left.number", "branches", "right"}
	fds := make([][]protoreflect.FieldDescriptor, 0, len(paths))
	for _, p := range paths {
		fds = append(fds, fieldPath(t, s, treeName, p))
	}
	w, err := codec.NewWatch(fds)
	if err != nil {
		t.Fatal(err)
	}
	if w.Len() != len(paths) {
		t.Fatalf("got length %d, want %d", w.Len(), len(paths))
	}
	for _, c := range []struct {
		name, json string
		want       map[string]string // path → text of its value
	}{
		{"nothing", `{}`, nil},
		{"top", `{"name":"a"}`, map[string]string{"name": `"a"`}},
		{"default", `{"name":""}`, map[string]string{"name": `""`}},
		{"null", `{"name":null}`, map[string]string{"name": `null`}},
		{"escaped name", `{"n\u0061me" : "a" }`, map[string]string{"name": `"a"`}},
		{"nested", `{"left":{"number":1,"name":"b"}}`, map[string]string{"left": `{"number":1,"name":"b"}`, "left.name": `"b"`}},
		{"nested elsewhere", `{"left":{"number":1},"branches":[{"name":"x"}]}`, map[string]string{"left": `{"number":1}`, "branches": `[{"name":"x"}]`}},
		{"null on the way", `{"right":null}`, map[string]string{"right": `null`}},
		{"deep", `{"right":{"left":{"number": 5}}}`, map[string]string{"right": `{"left":{"number": 5}}`, "right.left.number": `5`}},
		{"deep, other branch", `{"right":{"right":{"number": 5}}}`, map[string]string{"right": `{"right":{"number": 5}}`}},
		{"in a map", `{"named":{"name":{"name":"x"}}}`, nil},
	} {
		hits := make([]codec.Hit, len(paths))
		hits[0].Seen = true // of an earlier call
		if _, err := s.message(t, treeName).AppendWire(nil, []byte(c.json), &codec.DecodeOptions{Watch: w, Hits: hits}); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := map[string]string{}
		for i, h := range hits {
			if h.Seen {
				got[paths[i]] = c.json[h.Start:h.End]
			}
		}
		if c.want == nil {
			c.want = map[string]string{}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestWatchNames: T50, JSON name, proto name and json_name are the same field.
func TestWatchNames(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	w, err := codec.NewWatch([][]protoreflect.FieldDescriptor{fieldPath(t, s, namesName, "renamed"), fieldPath(t, s, namesName, "snake_case_name")})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{`{"renamed":"a","snakeCaseName":"b"}`, `{"other":"a","snake_case_name":"b"}`} {
		hits := make([]codec.Hit, 2)
		if _, err := s.message(t, namesName).AppendWire(nil, []byte(in), &codec.DecodeOptions{Watch: w, Hits: hits}); err != nil {
			t.Fatal(err)
		}
		if !hits[0].Seen || !hits[1].Seen || in[hits[0].Start:hits[0].End] != `"a"` || in[hits[1].Start:hits[1].End] != `"b"` {
			t.Errorf("%s: got %+v", in, hits)
		}
	}
}

// TestWatchField: with body: "f", paths start at the message of the field.
func TestWatchField(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	w, err := codec.NewWatch([][]protoreflect.FieldDescriptor{fieldPath(t, s, treeName, "name")})
	if err != nil {
		t.Fatal(err)
	}
	hits := make([]codec.Hit, 1)
	const in = `{"left":{"name":"no"},"name":"yes"}`
	if _, err := s.message(t, treeName).FieldByName("left").AppendWire(nil, []byte(in), &codec.DecodeOptions{Watch: w, Hits: hits}); err != nil {
		t.Fatal(err)
	}
	if !hits[0].Seen || in[hits[0].Start:hits[0].End] != `"yes"` {
		t.Errorf("got %+v", hits)
	}
}

func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	list := fieldPath(t, s, treeName, "branches")
	for name, paths := range map[string][][]protoreflect.FieldDescriptor{
		"an empty path":           {{}},
		"a path through a list":   {append(list, fieldPath(t, s, treeName, "name")...)},
		"a path through a string": {append(fieldPath(t, s, treeName, "name"), fieldPath(t, s, treeName, "name")...)},
	} {
		if _, err := codec.NewWatch(paths); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	w, err := codec.NewWatch([][]protoreflect.FieldDescriptor{fieldPath(t, s, treeName, "name")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.message(t, treeName).AppendWire(nil, []byte(`{}`), &codec.DecodeOptions{Watch: w}); err == nil {
		t.Error("a watch without room for its hits was taken")
	}
}

func TestWatchAllocations(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	s := corpusSchema(t)
	w, err := codec.NewWatch([][]protoreflect.FieldDescriptor{fieldPath(t, s, treeName, "left.name"), fieldPath(t, s, treeName, "name")})
	if err != nil {
		t.Fatal(err)
	}
	m := s.message(t, treeName)
	o := &codec.DecodeOptions{Watch: w, Hits: make([]codec.Hit, 2)}
	in, dst := []byte(`{"name":"a","left":{"name":"b"}}`), make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.AppendWire(dst, in, o); err != nil {
			t.Fatal(err)
		}
	}); n != 0 && !race.Enabled {
		t.Errorf("allocates %v times", n)
	}
}
