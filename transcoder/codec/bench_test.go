// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/codec/internal/benchpb"
)

func benchBook(i int) *benchpb.Book {
	return &benchpb.Book{
		Name:        fmt.Sprintf("shelves/%d/books/the-left-hand-of-%d", i%17, i),
		Title:       "The Left Hand of Darkness, Volume " + fmt.Sprint(i),
		Authors:     []string{"Ursula K. Le Guin", "Harold Bloom"},
		Genre:       benchpb.Genre(1 + i%3),
		PageCount:   int32(180 + i%400),
		CopiesSold:  int64(1234567 + i*31),
		Price:       12.99 + float64(i%10),
		InPrint:     i%2 == 0,
		Isbn:        "978-0-441-47812-5",
		PublishTime: &timestamppb.Timestamp{Seconds: 1700000000 + int64(i)*86399, Nanos: 123000000},
		Labels:      []string{"classic", "hugo", "nebula"},
	}
}

func benchList(n int) *benchpb.ListBooksResponse {
	r := &benchpb.ListBooksResponse{NextPageToken: "CiAKHgoaNDk", TotalSize: int32(n)}
	for i := range n {
		r.Books = append(r.Books, benchBook(i))
	}
	return r
}

func benchMixed(depth int) *benchpb.Mixed {
	st, err := structpb.NewStruct(map[string]any{
		"name": "a structure", "size": 42.5, "on": true, "none": nil,
		"list": []any{1.0, "two", false, map[string]any{"x": 1.5}},
	})
	if err != nil {
		panic(err)
	}
	m := &benchpb.Mixed{
		FDouble: 3.141592653589793, FFloat: 2.71828, FInt32: -123456, FInt64: -1234567890123, FUint32: 4000000000, FUint64: 18000000000000000000,
		FSint32: -77, FSint64: -777777777, FFixed32: 123456789, FFixed64: 1234567890123456789, FSfixed32: -5, FSfixed64: -55555555555,
		FBool: true, FString: "a string with \"quotes\", a\nnew line and ünïcödé", FBytes: []byte("some bytes \x00\x01\x02\xff to be encoded"),
		FGenre:    benchpb.Genre_GENRE_SCIENCE,
		Labels:    map[string]string{"env": "production", "team": "library", "region": "eu-central"},
		Books:     map[int32]*benchpb.Book{7: benchBook(7), 3: benchBook(3)},
		Samples:   []float64{0.1, 0.2, 12.5, 1e10, 3.3333333333333335, -0.001, 100, 2.5e-7},
		Numbers:   []int64{1, 22, 333, 4444, 55555, 666666, 7777777, -1, -22},
		Timestamp: &timestamppb.Timestamp{Seconds: 1735689600, Nanos: 5}, Duration: &durationpb.Duration{Seconds: 3600, Nanos: 500000000},
		Int64Value: wrapperspb.Int64(9007199254740993), StringValue: wrapperspb.String("wrapped"), BoolValue: wrapperspb.Bool(true),
		Struct: st, FieldMask: &fieldmaskpb.FieldMask{Paths: []string{"name", "book.author_name", "labels"}},
		Choice: &benchpb.Mixed_Book{Book: benchBook(1)}, Maybe: proto.String(""),
	}
	if depth > 0 {
		m.Nested = benchMixed(depth - 1)
		m.Nested.Books, m.Nested.Struct = nil, nil
	}
	return m
}

var benchMessages = []struct {
	name string
	msg  proto.Message
}{
	{"small", benchBook(42)},
	{"medium", benchList(52)},
	{"large", benchList(5200)},
	{"mixed", benchMixed(1)},
}

// benchCodec is a codec as the gateway has it: over descriptors that were loaded, and not those of the generated types.
func benchCodec(tb testing.TB) (*codec.Codec, *dynamicpb.Types) {
	tb.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	fd := benchpb.File_bench_proto
	for i := range fd.Imports().Len() {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd.Imports().Get(i)))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	files, err := protodesc.NewFiles(set)
	if err != nil {
		tb.Fatal(err)
	}
	types := dynamicpb.NewTypes(files)
	c, err := codec.New(types, codec.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return c, types
}

func benchMessage(tb testing.TB, msg proto.Message) (m *codec.Message, md protoreflect.MessageDescriptor, wire, json []byte) {
	tb.Helper()
	c, types := benchCodec(tb)
	mt, err := types.FindMessageByName(msg.ProtoReflect().Descriptor().FullName())
	if err != nil {
		tb.Fatal(err)
	}
	md = mt.Descriptor()
	m = c.Message(md)
	if wire, err = proto.Marshal(msg); err != nil {
		tb.Fatal(err)
	}
	if json, err = m.AppendJSON(nil, wire, nil); err != nil {
		tb.Fatal(err)
	}
	return m, md, wire, json
}

// Sub-benchmarks take turns, so that what else the machine does falls on both alike.
func BenchmarkWireToJSON(b *testing.B) {
	for _, bm := range benchMessages {
		m, md, wire, json := benchMessage(b, bm.msg)
		b.Run(bm.name+"/generated", func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				msg := bm.msg.ProtoReflect().New().Interface()
				if err := proto.Unmarshal(wire, msg); err != nil {
					b.Fatal(err)
				}
				var err error
				if out, err = (protojson.MarshalOptions{EmitDefaultValues: true}).MarshalAppend(out[:0], msg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bm.name+"/dynamic", func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				msg := dynamicpb.NewMessage(md)
				if err := proto.Unmarshal(wire, msg); err != nil {
					b.Fatal(err)
				}
				var err error
				if out, err = (protojson.MarshalOptions{EmitDefaultValues: true}).MarshalAppend(out[:0], msg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bm.name+"/codec", func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				var err error
				if out, err = m.AppendJSON(out[:0], wire, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJSONToWire(b *testing.B) {
	for _, bm := range benchMessages {
		m, md, _, json := benchMessage(b, bm.msg)
		b.Run(bm.name+"/generated", func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				msg := bm.msg.ProtoReflect().New().Interface()
				if err := protojson.Unmarshal(json, msg); err != nil {
					b.Fatal(err)
				}
				var err error
				if out, err = (proto.MarshalOptions{}).MarshalAppend(out[:0], msg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bm.name+"/dynamic", func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				msg := dynamicpb.NewMessage(md)
				if err := protojson.Unmarshal(json, msg); err != nil {
					b.Fatal(err)
				}
				var err error
				if out, err = (proto.MarshalOptions{}).MarshalAppend(out[:0], msg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bm.name+"/codec", func(b *testing.B) {
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				var err error
				if out, err = m.AppendWire(out[:0], json, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHostile measures input that is meant to be slow, by name. The bound is 100 ms for a MiB, 10 MB/s.
func BenchmarkHostile(b *testing.B) {
	s := corpusSchema(b)
	lenient := &codec.DecodeOptions{DiscardUnknown: true}
	var keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, `"%x":1,`, i)
	}
	nested := func(n int, unit, inner string) string {
		one := strings.Repeat(unit, n) + inner + strings.Repeat("}", n)
		return "[" + strings.TrimSuffix(strings.Repeat(one+",", 1<<20/len(one)), ",") + "]"
	}
	for _, c := range []struct{ name, message, in string }{
		{"empty_objects", "google.protobuf.Value", "[" + strings.Repeat("{},", 1<<20/3) + "{}]"},
		{"one_digit_numbers", "google.protobuf.Value", "[" + strings.Repeat("1,", 1<<19) + "1]"},
		{"distinct_keys", "google.protobuf.Struct", "{" + keys.String() + `"last":1}`},
		{"deep_structs", "google.protobuf.ListValue", nested(32, `{"k":`, "{}")},
		{"deep_anys_type_last", knownName, `{"anys":[` + strings.TrimSuffix(strings.Repeat(nestedAny(45, true)+",", 1<<20/2000), ",") + `]}`},
		{"escapes", treeName, `{"name":"` + strings.Repeat(`\u00e9`, 1<<20/6) + `"}`},
		{"digits", listsName, `{"fDouble":[` + strings.Repeat("0."+strings.Repeat("3", 400)+",", 1<<20/403) + `1]}`},
		{"exponents", listsName, `{"fInt64":[` + strings.Repeat("1000000000e-9,", 1<<20/14) + `1]}`},
		{"unknown_members", treeName, "{" + strings.Repeat(`"nope":[[{"a":null}]],`, 1<<20/23) + `"name":""}`},
		{"names_in_the_worst_order", scalarsName, `{"fNull":null,"fAlias":0,"fKind":0,"fBytes":"","fString":""}`},
	} {
		m := s.message(b, c.message)
		wire, err := m.AppendWire(nil, []byte(c.in), lenient)
		if err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
		b.Run(c.name+"/to_wire", func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			var out []byte
			for b.Loop() {
				out, _ = m.AppendWire(out[:0], []byte(c.in), lenient)
			}
		})
		b.Run(c.name+"/to_JSON", func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			var out []byte
			for b.Loop() {
				out, _ = m.AppendJSON(out[:0], wire, nil)
			}
		})
	}
	for _, c := range []struct{ name, message, unit string }{
		{"fields_that_alternate", listsName, "\x18\x01\x20\x01"},
		{"messages_in_pieces", treeName, "\x12\x02\x0a\x00\x1a\x02\x0a\x00"},
	} {
		wire := []byte(strings.Repeat(c.unit, 1<<20/len(c.unit)))
		m := s.message(b, c.message)
		b.Run(c.name+"/to_JSON", func(b *testing.B) {
			b.SetBytes(int64(len(wire)))
			var out []byte
			for b.Loop() {
				var err error
				if out, err = m.AppendJSON(out[:0], wire, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestBenchMessages holds the sizes that the figures are given for, and that what is measured is right.
func TestBenchMessages(t *testing.T) {
	t.Parallel()
	for _, bm := range benchMessages {
		m, _, wire, json := benchMessage(t, bm.msg)
		want, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(bm.msg)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(json), string(compact(want)); got != want {
			t.Errorf("%s: got %.200s, want %.200s", bm.name, got, want)
		}
		out, err := m.AppendWire(nil, json, nil)
		if err != nil {
			t.Fatal(err)
		}
		back := bm.msg.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(out, back); err != nil || !proto.Equal(back, bm.msg) {
			t.Errorf("%s: did not come back: %v", bm.name, err)
		}
		t.Logf("%s: %d B wire, %d B JSON", bm.name, len(wire), len(json))
	}
}

// TestAllocations: nothing is allocated in either direction once buffers have grown (performance.md 4).
func TestAllocations(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	for _, bm := range benchMessages {
		m, _, wire, json := benchMessage(t, bm.msg)
		jsonOut, wireOut := make([]byte, 0, 2*len(json)), make([]byte, 0, 2*len(json))
		runs := 100
		if len(wire) > 1e5 {
			runs = 5
		}
		if n := testing.AllocsPerRun(runs, func() {
			if _, err := m.AppendJSON(jsonOut, wire, nil); err != nil {
				t.Fatal(err)
			}
		}); n != 0 && !race.Enabled {
			t.Errorf("%s: wire to JSON allocates %v times", bm.name, n)
		}
		if n := testing.AllocsPerRun(runs, func() {
			if _, err := m.AppendWire(wireOut, json, nil); err != nil {
				t.Fatal(err)
			}
		}); n != 0 && !race.Enabled {
			t.Errorf("%s: JSON to wire allocates %v times", bm.name, n)
		}
	}
}
