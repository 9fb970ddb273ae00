// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// fromText gives the wire bytes of a message in the text format.
func fromText(tb testing.TB, s *schema, message, text string) []byte {
	tb.Helper()
	msg := dynamicpb.NewMessage(s.find(tb, message))
	if err := (prototext.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal([]byte(text), msg); err != nil {
		tb.Fatal(err)
	}
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(msg)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestMessageAppendJSON(t *testing.T) {
	t.Parallel()
	var (
		protoNames = &codec.EncodeOptions{ProtoNames: true, Defaults: codec.DefaultsOmit}
		numbers    = &codec.EncodeOptions{Int64Numbers: true, Defaults: codec.DefaultsOmit}
		allNumbers = &codec.EncodeOptions{Int64Numbers: true, EnumNumbers: true}
		enums      = &codec.EncodeOptions{EnumNumbers: true, Defaults: codec.DefaultsOmit}
		stripped   = &codec.EncodeOptions{StripEnumPrefix: true, Defaults: codec.DefaultsOmit}
		nulls      = &codec.EncodeOptions{Defaults: codec.DefaultsNull}
		redacted   = &codec.EncodeOptions{DropRedacted: true, Defaults: codec.DefaultsOmit}
	)
	cases := []struct {
		rule    string
		message string
		text    string
		want    string
		o       *codec.EncodeOptions
	}{
		{"T110 JSON names", namesName, `snake_case_name: "a" renamed: "b" x1_y2: 3`, `{"snakeCaseName":"a","other":"b","x1Y2":3}`, omit},
		{"T110 proto names", namesName, `snake_case_name: "a" renamed: "b" x1_y2: 3`, `{"snake_case_name":"a","renamed":"b","x1_y2":3}`, protoNames},
		{"T110 proto names of groups", oldName, `Single { text: "a" }`, `{"Single":{"text":"a"}}`, protoNames},
		{"T111 strings", scalarsName, `f_int64: 9007199254740993 f_sint64: -1 f_fixed64: 1`, `{"fInt64":"9007199254740993","fSint64":"-1","fFixed64":"1"}`, omit},
		{"T111 numbers", scalarsName, `f_int64: 9007199254740993 f_sint64: -1 f_fixed64: 1 f_uint64: 18446744073709551615`, `{"fInt64":9007199254740993,"fUint64":18446744073709551615,"fSint64":-1,"fFixed64":1}`, numbers},
		{"T111 numbers of wrappers", knownName, `int64_value { value: 5 } uint64_value {}`, `{"int64Value":5,"uint64Value":0}`, numbers},
		{"T111 keys stay strings", mapsName, `f_int64 { key: 5 value: 6 }`, `{"fInt64":{"5":6}}`, numbers},
		{"T112 defaults", scalarsName, ``, `{"fDouble":0,"fFloat":0,"fInt32":0,"fInt64":"0","fUint32":0,"fUint64":"0","fSint32":0,"fSint64":"0","fFixed32":0,"fFixed64":"0","fSfixed32":0,"fSfixed64":"0","fBool":false,"fString":"","fBytes":"","fKind":"KIND_UNSPECIFIED","fAlias":"ALIAS_ZERO","fNull":null}`, nil},
		{"T112 defaults as numbers", scalarsName, ``, `{"fDouble":0,"fFloat":0,"fInt32":0,"fInt64":0,"fUint32":0,"fUint64":0,"fSint32":0,"fSint64":0,"fFixed32":0,"fFixed64":0,"fSfixed32":0,"fSfixed64":0,"fBool":false,"fString":"","fBytes":"","fKind":0,"fAlias":0,"fNull":null}`, allNumbers},
		{"T112 unset messages and lists", treeName, ``, `{"name":"","branches":[],"named":{}}`, nil},
		{"T112 unset optionals", optionals, ``, `{}`, nil},
		{"T112 omit", treeName, ``, `{}`, omit},
		{"T112 null", treeName, ``, `{"name":"","left":null,"right":null,"branches":[],"named":{},"any":null,"struct":null,"value":null}`, nulls},
		{"T112 null, proto2", "codec.two.Strict", ``, `{"a":null,"next":null,"b":null}`, nulls},
		{"T112 null, no oneofs", oneofsName, ``, `{"between":""}`, nulls},
		{"T112 set default of an optional", optionals, `f_int32: 0 f_string: ""`, `{"fInt32":0,"fString":""}`, omit},
		{"T112 set default of a oneof", oneofsName, `number: 0`, `{"number":0}`, omit},
		{"T113 unknown enum", scalarsName, `f_kind: 77`, `{"fKind":77}`, omit},
		{"T113 unknown enum, stripped", scalarsName, `f_kind: 77`, `{"fKind":77}`, stripped},
		{"enum far from the others", scalarsName, `f_kind: KIND_FAR`, `{"fKind":"KIND_FAR"}`, omit},
		{"enum as number", scalarsName, `f_kind: KIND_FAR`, `{"fKind":100000}`, enums},
		{"T80 stripped", listsName, `f_kind: KIND_POEM f_kind: KIND_FAR`, `{"fKind":["POEM","FAR"]}`, stripped},
		{"T114 map order", mapsName, `f_string { key: "b" value: "1" } f_string { key: "a" value: "2" } f_string { key: "ab" value: "3" }`, `{"fString":{"a":"2","ab":"3","b":"1"}}`, omit},
		{"T114 map order of numbers", mapsName, `f_int32 { key: 10 value: 1 } f_int32 { key: -5 value: 2 } f_int32 { key: 9 value: 3 }`, `{"fInt32":{"-5":2,"9":3,"10":1}}`, omit},
		{"T114 order of declaration", "codec.three.Scattered", `one: 1 two { name: "a" } three: 3 nine: "9" far: true`, `{"nine":"9","three":"3","two":{"name":"a"},"one":[1],"far":true}`, omit},
		{"T114 order of extensions", carrierName, `[codec.two.zebra]: 1 [codec.two.apple]: "a" [codec.two.Scope.flag]: true name: "n"`, `{"name":"n","[codec.two.Scope.flag]":true,"[codec.two.apple]":"a","[codec.two.zebra]":1}`, omit},
		{"T115 not numbers", listsName, `f_double: [nan, inf, -inf, -0.0, 0] f_float: [nan, inf, -inf, -0.0]`, `{"fDouble":["NaN","Infinity","-Infinity",-0,0],"fFloat":["NaN","Infinity","-Infinity",-0]}`, omit},
		{"T115 minus zero is set", scalarsName, `f_double: -0.0 f_float: -0.0`, `{"fDouble":-0,"fFloat":-0}`, omit},
		{"shortest floats", listsName, `f_double: [0.1, 1e21, 1e20, 1e-6, 1e-7, 123456789.125, 0.001, 1e15, 5e-324, 1.7976931348623157e308] f_float: [0.1, 16777216, 3.4028235e38, 1e-7, 1e21]`, `{"fDouble":[0.1,1e+21,100000000000000000000,0.000001,1e-7,123456789.125,0.001,1000000000000000,5e-324,1.7976931348623157e+308],"fFloat":[0.1,16777216,3.4028235e+38,1e-7,1e+21]}`, omit},
		{"T118 no HTML escapes", scalarsName, `f_string: "<a href='x'>&</a>\342\200\250"`, `{"fString":"<a href='x'>&</a>` + "\u2028" + `"}`, omit},
		{"escapes", scalarsName, `f_string: "\"\\/\b\f\n\r\t\000\037\177"`, `{"fString":"\"\\/\b\f\n\r\t\u0000\u001f` + "\x7f" + `"}`, omit},
		{"T122 redacted", "codec.three.Scattered", `sensitive: "secret" three: 3`, `{"three":"3"}`, redacted},
		{"T122 redacted default", "codec.three.Scattered", ``, `{"nine":"","three":"0","one":[],"seven":{},"far":false}`, &codec.EncodeOptions{DropRedacted: true}},
		{"Timestamp", knownName, `timestamp { seconds: -62135596800 } timestamps { seconds: 951782399 nanos: 1000 } timestamps { seconds: 951782400 } timestamps { seconds: -1 nanos: 999000000 }`, `{"timestamp":"0001-01-01T00:00:00Z","timestamps":["2000-02-28T23:59:59.000001Z","2000-02-29T00:00:00Z","1969-12-31T23:59:59.999Z"]}`, omit},
		{"Duration", knownName, `durations { seconds: -1 nanos: -500000000 } durations { nanos: -1 } durations {}`, `{"durations":["-1.500s","-0.000000001s","0s"]}`, omit},
		{"FieldMask", knownName, `field_mask { paths: "a_b.c" paths: "d" }`, `{"fieldMask":"aB.c,d"}`, omit},
		{"Struct", knownName, `struct { fields { key: "b" value { number_value: 1.5 } } fields { key: "a" value { list_value { values { null_value: 0 } values { bool_value: true } } } } }`, `{"struct":{"a":[null,true],"b":1.5}}`, omit},
		{"wrappers", knownName, `bool_value {} int64_value { value: -1 } bytes_value { value: "a" } string_value {}`, `{"boolValue":false,"int64Value":"-1","stringValue":"","bytesValue":"YQ=="}`, omit},
		{"empty Any", knownName, `any {}`, `{"any":{}}`, omit},
		{"Any of a message", knownName, `any { [a/codec.three.Scalars] { f_int32: 1 } }`, `{"any":{"@type":"a/codec.three.Scalars","fInt32":1}}`, omit},
		{"Any of a well-known type", knownName, `any { [a/google.protobuf.Duration] { seconds: 1 } }`, `{"any":{"@type":"a/google.protobuf.Duration","value":"1s"}}`, omit},
		{"Any of an extended message", knownName, `any { [a/codec.two.Carrier] { [codec.two.zebra]: 1 name: "n" } }`, `{"any":{"@type":"a/codec.two.Carrier","name":"n","[codec.two.zebra]":1}}`, omit},
		{"required fields may lack", oldName, ``, `{}`, omit},
	}
	s := corpusSchema(t)
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			got, err := s.message(t, c.message).AppendJSON(nil, fromText(t, s, c.message, c.text), c.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDisorder: what one pass cannot write comes out the same as if it had been in order (T114).
func TestDisorder(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	join := func(parts ...string) string { return strings.Join(parts, "") }
	const (
		name   = "0a0161"               // Tree.name: "a"
		name2  = "0a0162"               // Tree.name: "b"
		number = "3007"                 // Tree.number: 7
		text   = "420178"               // Tree.text: "x"
		deepA  = "3a030a0161"           // Tree.deeper.name: "a"
		deepN  = "3a023009"             // Tree.deeper.number: 9
		left   = "12030a0161"           // Tree.left.name: "a"
		left2  = "12023007"             // Tree.left.number: 7
		branch = "22030a0161"           // Tree.branches: name "a"
		empty  = "2200"                 // Tree.branches: empty
		entry  = "2a050a016b1200"       // Tree.named: "k", empty
		entry2 = "2a080a016b12030a0161" // Tree.named: "k", name "a"
		valueA = "5a030a0161"           // not a Value: field 1 has another wire type
		valueT = "5a022001"             // Tree.value: true
		valueE = "5a00"                 // Tree.value: nothing
	)
	for _, c := range []struct{ name, wire, want string }{
		{"late field", join(left, name), `{"name":"a","left":{"name":"a"}}`},
		{"singular twice, the last counts", join(name, name2), `{"name":"b"}`},
		{"message twice is merged", join(left, left2), `{"left":{"name":"a","number":7}}`},
		{"message in three pieces", join(left, name, left2, left), `{"name":"a","left":{"name":"a","number":7}}`},
		{"split list", join(branch, name, empty), `{"name":"a","branches":[{"name":"a"},{}]}`},
		{"oneof, the last member counts", join(number, text), `{"text":"x"}`},
		{"oneof, out of order", join(text, number), `{"number":7}`},
		{"oneof message is merged", join(deepA, name, deepN), `{"name":"a","deeper":{"name":"a","number":9}}`},
		{"oneof message does not survive another member", join(deepA, number, deepN), `{"deeper":{"number":9}}`},
		{"map entry twice, the last counts", join(entry2, entry), `{"named":{"k":{}}}`},
		{"map in pieces", join(entry, name, entry2), `{"name":"a","named":{"k":{"name":"a"}}}`},
		{"map entry with value before key", "2a0812030a01610a016b", `{"named":{"k":{"name":"a"}}}`},
		{"map entry without key", "2a051203" + name, `{"named":{"":{"name":"a"}}}`},
		{"map entry without value", "2a030a016b", `{"named":{"k":{}}}`},
		{"map entry with the value in two pieces", "2a0c0a016b12030a016112023007", `{"named":{"k":{"name":"a","number":7}}}`},
		{"Value in two pieces", join(valueE, valueT), `{"value":true}`},
		{"wrong wire type is unknown", join(valueT, valueA), `{"value":true}`},
		{"T119 unknown fields", join("a03805", name, "a23801ff", "a53800000000", "a1380000000000000000", "a3380801a438"), `{"name":"a"}`},
		{"tag longer than needed", "8a000161", `{"name":"a"}`},
	} {
		wire, err := hex.DecodeString(c.wire)
		if err != nil {
			t.Fatal(err)
		}
		m := s.message(t, treeName)
		for range 2 { // the second time, the type is known to be out of order
			if got, err := m.AppendJSON(nil, wire, omit); err != nil || string(got) != c.want {
				t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
			}
		}
		compareJSON(t, &call{s: s, md: m.Descriptor(), in: wire}, &codec.EncodeOptions{})
	}
}

// TestPackedAndNot: both forms of a list are read, mixed as well.
func TestPackedAndNot(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct{ name, wire, want string }{
		{"packed", "1a03010203", `{"fInt32":[1,2,3]}`},
		{"expanded", "180118021803", `{"fInt32":[1,2,3]}`},
		{"mixed", "18011a0202031804", `{"fInt32":[1,2,3,4]}`},
		{"packed twice", "1a01011a0102", `{"fInt32":[1,2]}`},
		{"empty", "1a00", `{}`},
		{"packed where it is declared not to be", "8a01020102", `{"fUnpacked":[1,2]}`},
	} {
		wire, err := hex.DecodeString(c.wire)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.message(t, listsName).AppendJSON(nil, wire, omit); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

// TestMalformedWire: T120, bytes that are no message are told apart from faults of clients, and leave no partial output.
func TestMalformedWire(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	any := func(url, value string) string {
		b := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), url)
		b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), value)
		return string(protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b))
	}
	for _, c := range []struct {
		name, message, wire, path string
		kind                      codec.Kind
	}{
		{"cut tag", treeName, "\x80", "", codec.KindWire},
		{"cut varint", treeName, "\x30\x80", "number", codec.KindWire},
		{"long varint", treeName, "\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "number", codec.KindWire},
		{"varint over 64 bits", treeName, "\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "number", codec.KindWire},
		{"cut string", treeName, "\x0a\x05abc", "name", codec.KindWire},
		{"huge length", treeName, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "name", codec.KindWire},
		{"field number 0", treeName, "\x00\x00", "", codec.KindWire},
		{"field number too large", treeName, "\x80\x80\x80\x80\x10\x00", "", codec.KindWire},
		{"wire type 6", treeName, "\x0e", "", codec.KindWire},
		{"end of no group", treeName, "\x0c", "", codec.KindWire},
		{"group without end", treeName, "\x9b\x38\x08\x01", "", codec.KindWire},
		{"group with another end", oldName, "\x2b\x34", "single", codec.KindWire},
		{"nested", treeName, "\x12\x02\x0a\x05", "left.name", codec.KindWire},
		{"nested goes beyond its end", treeName, "\x12\x01\x30\x07", "left.number", codec.KindWire},
		{"in a list", treeName, "\x22\x00\x22\x02\x0a\x05", "branches[1].name", codec.KindWire},
		{"in a map", treeName, "\x2a\x07\x0a\x01k\x12\x02\x0a\x05", `named["k"].name`, codec.KindWire},
		{"cut fixed", scalarsName, "\x09\x00\x00", "fDouble", codec.KindWire},
		{"cut packed", listsName, "\x1a\x02\x01\x80", "fInt32[1]", codec.KindWire},
		{"packed fixed of odd size", listsName, "\x0a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00", "fDouble[1]", codec.KindWire},
		{"UTF-8", treeName, "\x0a\x01\xff", "name", codec.KindUTF8},
		{"UTF-8 of proto2", oldName, "\x0a\x01\xff", "name", codec.KindUTF8},
		{"UTF-8 of a key", treeName, "\x2a\x03\x0a\x01\xff", "named", codec.KindUTF8},
		{"Timestamp out of range", knownName, "\x12\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "timestamp", codec.KindRange},
		{"Timestamp with negative nanos", knownName, "\x12\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "timestamp", codec.KindRange},
		{"Duration with two signs", knownName, "\x1a\x0d\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "duration", codec.KindRange},
		{"FieldMask that does not come back", knownName, "\x22\x04\x0a\x02aB", "fieldMask", codec.KindValue},
		{"Value of nothing", knownName, "\x32\x00", "value", codec.KindWire},
		{"Value of NaN", knownName, "\x32\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f", "value", codec.KindRange},
		{"Any without type", knownName, "\x0a\x03\x12\x01a", "any", codec.KindAnyType},
		{"Any of malformed bytes", knownName, any("x/codec.three.Tree", "\x0a\x05"), "any.name", codec.KindWire},
		{"Any whose type is no UTF-8", knownName, any("x/\xff", ""), "any", codec.KindUTF8},
	} {
		got, err := s.message(t, c.message).AppendJSON([]byte("kept"), []byte(c.wire), omit)
		var e *codec.Error
		if !errors.As(err, &e) || !e.Wire || e.Kind != c.kind || e.Path != c.path {
			t.Errorf("%s: got %q, %+v, want kind %v at %q", c.name, got, err, c.kind, c.path)
		}
		if string(got) != "kept" {
			t.Errorf("%s: got %q after an error", c.name, got)
		}
	}
}

// TestUnknownAny: T116.
func TestUnknownAny(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	m := s.message(t, knownName)
	var wire []byte
	in := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "x/a.Nope")
	in = protowire.AppendBytes(protowire.AppendTag(in, 2, protowire.BytesType), []byte{0xff, 0})
	for range 2 { // twice, so that the first is written in a pass that is thrown away
		wire = protowire.AppendBytes(protowire.AppendTag(wire, 21, protowire.BytesType), in)
		wire = protowire.AppendBytes(protowire.AppendTag(wire, 1, protowire.BytesType), nil)
	}
	var met []string
	got, err := m.AppendJSON(nil, wire, &codec.EncodeOptions{
		Defaults: codec.DefaultsOmit, OnUnknownAny: func(url string) { met = append(met, url) },
	})
	const one = `{"@type":"x/a.Nope","value":"/wA="}`
	if want := `{"any":{},"anys":[` + one + `,` + one + `]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if diff := cmp.Diff([]string{"x/a.Nope", "x/a.Nope"}, met); diff != "" {
		t.Error(diff)
	}
	var e *codec.Error
	if _, err := m.AppendJSON(nil, wire, &codec.EncodeOptions{RefuseUnknownAny: true}); !errors.As(err, &e) || e.Kind != codec.KindAnyType || !e.Wire {
		t.Errorf("got %v, want an error of kind %v", err, codec.KindAnyType)
	}
}

// TestDeterministic: T114, the same message gives the same bytes, whatever way it was written.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, md := range s.roots {
		for seed := range uint64(20) {
			g := newGenerator(s, seed)
			msg := g.message(md, 0)
			var first []byte
			for range 3 {
				wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(msg) // maps in random order
				if err != nil {
					break
				}
				got, err := s.codec.Message(md).AppendJSON(nil, wire, nil)
				if err != nil {
					break
				}
				if first != nil && string(first) != string(got) {
					t.Errorf("%s: got %s, then %s", md.FullName(), first, got)
				}
				first = got
			}
		}
	}
}
