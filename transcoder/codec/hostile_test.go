// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// TestDepth: E1 and T102, a hundred messages deep is taken and one more is refused, in both directions and in every way to
// nest.
func TestDepth(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	nest := func(n int, open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for _, c := range []struct {
		name, message string
		json          func(n int) string
		deepest       int // the n of the deepest that is taken
	}{
		{"messages", treeName, func(n int) string { return nest(n, `{"left":`, `{}`, `}`) }, 99},
		{"lists of messages", treeName, func(n int) string { return nest(n, `{"branches":[`, `{}`, `]}`) }, 99},
		{"maps of messages", treeName, func(n int) string { return nest(n, `{"named":{"k":`, `{}`, `}}`) }, 49},
		{"Struct", "google.protobuf.Struct", func(n int) string { return nest(n, `{"k":`, `{}`, `}`) }, 33},
		{"lists in a Value", "google.protobuf.Value", func(n int) string { return nest(n, `[`, `1`, `]`) }, 49},
		{"Any in Any", "google.protobuf.Any", func(n int) string {
			return nest(n, `{"@type":"x/google.protobuf.Any","value":`, `{}`, `}`)
		}, 99},
		{"Any in Any, type last", "google.protobuf.Any", func(n int) string {
			return nest(n, `{"value":`, `{}`, `,"@type":"x/google.protobuf.Any"}`)
		}, 99},
		{"groups", editionName, func(n int) string { return nest(n, `{"delimited":`, `{}`, `}`) }, 99},
	} {
		m := s.message(t, c.message)
		wire, err := m.AppendWire(nil, []byte(c.json(c.deepest)), nil)
		if err != nil {
			t.Errorf("%s: %d deep: %v", c.name, c.deepest, err)
			continue
		}
		if _, err := m.AppendJSON(nil, wire, omit); err != nil {
			t.Errorf("%s: back from %d deep: %v", c.name, c.deepest, err)
		}
		for _, n := range []int{c.deepest + 1, 1000, 10000} {
			_, err := m.AppendWire(nil, []byte(c.json(n)), nil)
			var e *codec.Error
			if !errors.As(err, &e) || e.Kind != codec.KindDepth || e.Wire {
				t.Errorf("%s: %d deep: got %.200v, want kind %v", c.name, n, err, codec.KindDepth)
			}
		}
		// The same on the wire: what a codec without this limit writes.
		deep, err := codec.New(s.types, codec.Config{MaxDepth: 10000})
		if err != nil {
			t.Fatal(err)
		}
		if wire, err = deep.Message(m.Descriptor()).AppendWire(nil, []byte(c.json(c.deepest+1)), nil); err != nil {
			t.Fatal(err)
		}
		_, err = m.AppendJSON(nil, wire, omit)
		var e *codec.Error
		if !errors.As(err, &e) || e.Kind != codec.KindDepth || !e.Wire {
			t.Errorf("%s: %d deep on the wire: got %.200v, want kind %v", c.name, c.deepest+1, err, codec.KindDepth)
		}
	}
}

// TestDepthOfTheUnknown: what is passed over is not followed without a bound either.
func TestDepthOfTheUnknown(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	m := s.message(t, treeName)
	in := `{"nope":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`
	_, err := m.AppendWire(nil, []byte(in), &codec.DecodeOptions{DiscardUnknown: true})
	var e *codec.Error
	if !errors.As(err, &e) || e.Kind != codec.KindDepth {
		t.Errorf("brackets: got %v, want kind %v", err, codec.KindDepth)
	}
	wire := []byte(strings.Repeat("\x9b\x38", 9000) + strings.Repeat("\x9c\x38", 9000)) // groups of number 899
	if _, err := m.AppendJSON(nil, wire, omit); !errors.As(err, &e) || e.Kind != codec.KindDepth || !e.Wire {
		t.Errorf("groups: got %v, want kind %v", err, codec.KindDepth)
	}
	if _, err := m.MaskPaths([]byte(strings.Repeat(`{"left":`, 9000)+`{}`+strings.Repeat("}", 9000)), nil); !errors.As(err, &e) || e.Kind != codec.KindDepth {
		t.Errorf("mask: got %v, want kind %v", err, codec.KindDepth)
	}
}

// cost gives the bytes that a function allocates; 0 if they cannot be counted.
func cost(f func()) uint64 {
	if race.Enabled {
		f()
		return 0
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostileMemory: E4 and E2, nothing that is read takes more than 16 times its size in all that is allocated, refused
// or not. It runs alone, since it counts for the whole process.
func TestHostileMemory(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	s := corpusSchema(t)
	const size = 2 << 20
	fill := func(open, unit, end string) string {
		return open + strings.Repeat(unit, (size-len(open)-len(end))/len(unit)) + end
	}
	distinctKeys := func() string {
		var b strings.Builder
		b.WriteString("{")
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, `"%x":1,`, i)
		}
		b.WriteString(`"last":1}`)
		return b.String()
	}
	anys := func(typeLast bool) string {
		one := `{"@type":"x/codec.three.Nothing"},`
		if typeLast {
			one = `{"nope":1,"@type":"x/codec.three.Nothing"},`
		}
		return fill(`{"anys":[`, one, `{}]}`)
	}
	lenient := &codec.DecodeOptions{DiscardUnknown: true}
	for _, c := range []struct {
		name, message, in string
	}{
		{"[{},{},…] in a Value", "google.protobuf.Value", fill("[", "{},", "{}]")},
		{"[[],[],…] in a ListValue", "google.protobuf.ListValue", fill("[", "[],", "[]]")},
		{"[1,1,…] in a Value", "google.protobuf.Value", fill("[", "1,", "1]")},
		{"empty messages", treeName, fill(`{"branches":[`, "{},", "{}]}")},
		{"numbers", listsName, fill(`{"fInt32":[`, "1,", "1]}")},
		{"doubles", listsName, fill(`{"fDouble":[`, "1,", "1]}")},
		{"keys", "google.protobuf.Struct", distinctKeys()},
		{"the same key", "google.protobuf.Struct", fill("{", `"a":1,`, `"a":1}`)},
		{"unknown members", treeName, fill("{", `"nope":1,`, `"nope":1}`)},
		{"Anys", knownName, anys(false)},
		{"Anys, type last", knownName, anys(true)},
		{"one string", treeName, fill(`{"name":"`, "a", `"}`)},
		{"one string of escapes", treeName, fill(`{"name":"`, `\n`, `"}`)},
		{"one number", scalarsName, fill(`{"fDouble":0.`, "3", `}`)},
		{"one integer", scalarsName, fill(`{"fInt64":`, "3", `}`)},
		{"one name", scalarsName, fill(`{"`, "n", `":1}`)},
		{"white space", scalarsName, fill(`{`, " ", `}`)},
		{"open brackets", "google.protobuf.Value", strings.Repeat("[", size)},
		{"open objects", treeName, strings.Repeat(`{"left":`, size/8)},
		{"not JSON", treeName, strings.Repeat("x", size)},
		{"a field mask", "google.protobuf.FieldMask", fill(`"`, "a,", `a"`)},
	} {
		m := s.message(t, c.message)
		var wire []byte
		if got := cost(func() { wire, _ = m.AppendWire(nil, []byte(c.in), lenient) }); got > 16*size {
			t.Errorf("%s: JSON to wire allocates %d times its size", c.name, got/size)
		}
		if len(wire) == 0 {
			continue
		}
		var out []byte
		if got := cost(func() { out, _ = m.AppendJSON(nil, wire, nil) }); got > 16*uint64(max(len(out), size)) {
			t.Errorf("%s: wire to JSON allocates %d times its size", c.name, got/uint64(len(wire)))
		}
	}
	// Wire bytes that no encoder writes: records in the worst order, with empty values.
	for _, c := range []struct {
		name, message string
		unit          string
	}{
		{"fields that alternate", listsName, "\x18\x01\x20\x01"},
		{"messages in pieces", treeName, "\x12\x00\x1a\x00"},
		{"oneof members that alternate", treeName, "\x30\x01\x42\x00"},
		{"empty map entries", treeName, "\x2a\x00"},
		{"unknown fields", treeName, "\xa0\x38\x05"},
		{"unknown extensions", carrierName, "\xa0\x38\x05"},
	} {
		wire := []byte(strings.Repeat(c.unit, size/len(c.unit)))
		m := s.message(t, c.message)
		// 16 times what comes in and what goes out.
		out, err := m.AppendJSON(nil, wire, omit)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := cost(func() { _, _ = m.AppendJSON(nil, wire, omit) }); got > 16*uint64(max(len(out), size)) {
			t.Errorf("%s: allocates %d times its size", c.name, got/size)
		}
	}
}

// nestedAny is an Any in an Any, n deep.
func nestedAny(n int, typeLast bool) string {
	var b strings.Builder
	for range n {
		if typeLast {
			b.WriteString(`{"value":`)
		} else {
			b.WriteString(`{"@type":"x/google.protobuf.Any","value":`)
		}
	}
	b.WriteString(`{"@type":"x/codec.three.Nothing"}`)
	for range n {
		if typeLast {
			b.WriteString(`,"@type":"x/google.protobuf.Any"`)
		}
		b.WriteString("}")
	}
	return b.String()
}

// TestLinear: E2, types that come last in Anys within Anys cost at most a few times what types that come first do, however
// deep: each level does not read again what is below it.
func TestLinear(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	s := corpusSchema(t)
	deep, err := codec.New(s.types, codec.Config{MaxDepth: 10000})
	if err != nil {
		t.Fatal(err)
	}
	m := deep.Message(s.find(t, "google.protobuf.Any"))
	for _, depth := range []int{30, 400, 4000} {
		first, last := []byte(nestedAny(depth, false)), []byte(nestedAny(depth, true))
		dst := make([]byte, 0, 2*len(first))
		runs := 1 + 200_000/len(first)
		once := func(in []byte) time.Duration {
			start := time.Now()
			for range runs {
				if _, err := m.AppendWire(dst, in, nil); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(start)
		}
		// The best of a few, in turns, since other work on the machine only adds.
		bestFirst, bestLast := once(first), once(last)
		for range 10 {
			bestFirst, bestLast = min(bestFirst, once(first)), min(bestLast, once(last))
		}
		if bestLast > 8*bestFirst {
			t.Errorf("%d deep: %v with the types last, %v with the types first", depth, bestLast, bestFirst)
		}
	}
}

// TestNestedGroups: a group is not walked through once for each group that it lies in.
func TestNestedGroups(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	s := corpusSchema(t)
	for _, c := range []struct{ name, message, start, content, end string }{
		{"in one pass", editionName, "\x2b", "\x58\x01", "\x2c"},                  // expanded
		{"of unknown fields", editionName, "\x9b\x38", "\x08\x01", "\x9c\x38"},    // number 899
		{"out of order", editionName, "\x58\x01\x2b", "\x58\x01", "\x2c\x0a\x00"}, // explicit_text comes late
	} {
		m := s.message(t, c.message)
		message := func(depth int) []byte {
			return []byte(strings.Repeat(c.start, depth) + strings.Repeat(c.content, 1<<16) + strings.Repeat(c.end, depth))
		}
		shallow, deep := message(2), message(95)
		dst := make([]byte, 0, 1<<20)
		once := func(in []byte) time.Duration {
			start := time.Now()
			if _, err := m.AppendJSON(dst, in, omit); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		bestShallow, bestDeep := once(shallow), once(deep)
		for range 10 {
			bestShallow, bestDeep = min(bestShallow, once(shallow)), min(bestDeep, once(deep))
		}
		if bestDeep > 6*bestShallow {
			t.Errorf("%s: %v for 2 levels, %v for 95", c.name, bestShallow, bestDeep)
		}
	}
}

// TestNestedPieces: each level of a message in two pieces must not double the work below it.
func TestNestedPieces(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	m := s.message(t, treeName)
	wire := []byte("\x0a\x01a")
	for range 98 {
		half := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), wire)
		wire = append(half, "\x12\x00"...)  // left, and left again, empty
		wire = append(wire, "\x0a\x01b"...) // and a name that comes late
	}
	got, err := m.AppendJSON(nil, wire, omit)
	if err != nil || strings.Count(string(got), "left") != 98 {
		t.Errorf("got %.100s, %v", got, err)
	}
}
