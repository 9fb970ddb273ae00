// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

// limits are those of reflection.
var limits = link.Limits{Files: 1000, Bytes: 64 << 20, Messages: 20_000, Elements: 300_000}

// set wraps encoded files.
func set(files ...[]byte) []byte {
	var b []byte
	for _, file := range files {
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), file)
	}
	return b
}

// repeat returns a file with a field many times, inside of other fields.
func repeat(n int, value []byte, path ...protowire.Number) []byte {
	last := len(path) - 1
	one := protowire.AppendBytes(protowire.AppendTag(nil, path[last], protowire.BytesType), value)
	b := bytes.Repeat(one, n)
	for i := last - 1; i >= 0; i-- {
		b = protowire.AppendBytes(protowire.AppendTag(nil, path[i], protowire.BytesType), b)
	}
	return append(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "a.proto"), b...)
}

func nest(depth int) []byte {
	var b []byte
	for range depth {
		b = protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), b)
	}
	return repeat(1, b, 4)
}

// TestHostile refuses sets that are made to use up memory or time, before they are decoded (I9).
func TestHostile(t *testing.T) {
	enumValue := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "V")
	for _, test := range []struct {
		name string
		set  []byte
		want string
	}{
		{"a million enum values", set(repeat(1_000_000, enumValue, 5, 2)), "more than 300000 elements"},
		{"a million fields", set(repeat(1_000_000, nil, 4, 2)), "more than 300000 elements"},
		{"a million messages", set(repeat(1_000_000, nil, 4)), "more than 20000 messages"},
		{"a million nested messages", set(repeat(1_000_000, nil, 4, 3, 3)), "more than 20000 messages"},
		{"a million services", set(repeat(1_000_000, nil, 6)), "more than 300000 elements"},
		{"a million methods", set(repeat(1_000_000, nil, 6, 2)), "more than 300000 elements"},
		{"a million extensions", set(repeat(1_000_000, nil, 7)), "more than 300000 elements"},
		{"a million positions", set(repeat(1_000_000, nil, 9, 1)), "more than 300000 elements"},
		{"long positions", set(repeat(1, make([]byte, 10<<20), 9, 1, 1)), "more than 300000 elements"},
		{"a million comments", set(repeat(1_000_000, nil, 9, 1, 6)), "more than 300000 elements"},
		{"a million imports", set(repeat(1_000_000, nil, 3)), "more than 300000 elements"},
		{"a million options", set(repeat(1_000_000, nil, 8, 999)), "more than 300000 elements"},
		{"a million parts of a name", set(repeat(1_000_000, nil, 8, 999, 2)), "more than 300000 elements"},
		{"a million options of a field", set(repeat(1_000_000, nil, 4, 2, 8, 999)), "more than 300000 elements"},
		{"a million reserved names", set(repeat(1_000_000, nil, 4, 10)), "more than 300000 elements"},
		{"a million ranges", set(repeat(1_000_000, nil, 4, 5)), "more than 300000 elements"},
		{"a million oneofs", set(repeat(1_000_000, nil, 4, 8)), "more than 300000 elements"},
		{"too many files", set(make([][]byte, 1001)...), "more than 1000 files"},
		{"too many bytes", set(make([]byte, 65<<20)), "more than 67108864 bytes"},
		{"deep messages", set(nest(10_000)), "messages are nested deeper than 64"},
		{"cut in a tag", []byte{0x80}, "not a descriptor"},
		{"cut in a file", []byte{0x0a, 0x05, 0x01}, "not a descriptor"},
		{"cut in a message", set([]byte{0x22, 0x05, 0x01}), "not a descriptor"},
		{"field number zero", []byte{0x00}, "not a descriptor"},
		{"an end without a beginning", []byte{0x0c}, "not a descriptor"},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			err := link.NewMeter(limits).Set(test.set, "hostile.binpb")
			var refused *schema.LoadError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "hostile.binpb") {
				t.Errorf("Set returns %v; want %q", err, test.want)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("that took %v", took)
			}
		})
	}
}

// TestMeterCounts accepts what is just within the limits, and refuses one more.
func TestMeterCounts(t *testing.T) {
	encoded := encode(t, sourcetest.Compile(t, sourcetest.Second()))
	meter := link.NewMeter(link.Limits{Files: 6, Bytes: 2 * len(encoded), Messages: 6, Elements: 1 << 20})
	for i := range 2 {
		if err := meter.Set(encoded, "x"); err != nil {
			t.Errorf("time %d: %v", i, err)
		}
	}
	if err := meter.Set(encoded, "x"); err == nil {
		t.Error("a third time is within the limits; want them exceeded")
	}
	one := encode(t, sourcetest.Compile(t, sourcetest.First()).File[0])
	for limit, want := range map[link.Limits]bool{
		{Files: 1, Bytes: len(one), Messages: 1, Elements: 100}:     true,
		{Files: 0, Bytes: len(one), Messages: 1, Elements: 100}:     false,
		{Files: 1, Bytes: len(one) - 1, Messages: 1, Elements: 100}: false,
		{Files: 1, Bytes: len(one), Messages: 0, Elements: 100}:     false,
		{Files: 1, Bytes: len(one), Messages: 1, Elements: 2}:       false,
	} {
		if err := link.NewMeter(limit).File(one, "x"); (err == nil) != want {
			t.Errorf("%+v: %v; accepted should be %t", limit, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	got := link.Limits{Files: 5}.Or(link.Limits{Files: 1, Bytes: 2, Messages: 3, Elements: 4})
	if want := (link.Limits{Files: 5, Bytes: 2, Messages: 3, Elements: 4}); got != want {
		t.Errorf("Or returns %+v; want %+v", got, want)
	}
	for _, limits := range []link.Limits{{Files: -1}, {Bytes: -1}, {Messages: -1}, {Elements: -1}} {
		if err := limits.Check(); err == nil || !strings.Contains(err.Error(), "is -1; it must be 0") {
			t.Errorf("Check of %+v returns %v", limits, err)
		}
	}
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzSet loads what may be a descriptor set as a source would. Whatever it is, it is refused or it can be walked.
func FuzzSet(f *testing.F) {
	f.Add(encode(f, sourcetest.Compile(f, sourcetest.Second())))
	f.Add(encode(f, sourcetest.Compile(f, map[string]string{"a.proto": "edition = \"2023\";\nmessage A { map<int32, A> m = 1; enum E { X = 0; } }\n"})))
	f.Add(encode(f, sourcetest.Compile(f, map[string]string{"s.proto": "syntax = \"proto2\";\nmessage S { extensions 4 to 9; optional group G = 1 { extend S { optional G g = 5; } } }\n"})))
	f.Add(set(repeat(3, nil, 4, 3, 3), nest(70)))
	f.Add([]byte{})
	bounds := link.Limits{Files: 50, Bytes: 1 << 20, Messages: 500, Elements: 5000}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if link.NewMeter(bounds).Set(encoded, "fuzz") != nil {
			return
		}
		files := new(descriptorpb.FileDescriptorSet)
		if (proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}).Unmarshal(encoded, files) != nil {
			return
		}
		linked, err := link.Link(link.Input{Protos: byName(files.File...)})
		if err != nil {
			var refused *schema.LoadError
			if !errors.As(err, &refused) || len(refused.All()) == 0 {
				t.Fatalf("Link returns %v; want a *schema.LoadError that says why", err)
			}
			return
		}
		config := schema.Config{Source: "fuzz"}
		for _, file := range linked.Files {
			config.Files = append(config.Files, file)
		}
		s, err := schema.New(config)
		if err != nil {
			t.Fatalf("what links makes no schema: %v", err)
		}
		for _, service := range s.Services() {
			for i := range service.Methods().Len() {
				method := service.Methods().Get(i)
				if s.FindMethod(fmt.Sprintf("/%s/%s", service.FullName(), method.Name())) == nil {
					t.Errorf("%s is not found", method.FullName())
				}
				s.Locate(method, 4, 72295728)
				if _, err := schema.OptionBytes(method.Options(), 72295728); err != nil {
					t.Errorf("options of %s: %v", method.FullName(), err)
				}
				if m, err := s.Types().FindMessageByName(method.Input().FullName()); err != nil || !m.New().IsValid() {
					t.Errorf("input of %s: %v", method.FullName(), err)
				}
			}
		}
	})
}
