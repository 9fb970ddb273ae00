// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// omit prints what is set and nothing else, so that tests see what was written.
var omit = &codec.EncodeOptions{Defaults: codec.DefaultsOmit}

func TestFieldAppendText(t *testing.T) {
	t.Parallel()
	const (
		scalars   = "codec.three.Scalars"
		optionals = "codec.three.Optionals"
		lists     = "codec.three.Lists"
		known     = "codec.three.WellKnown"
		edition   = "codec.edition.New"
		old       = "codec.two.Old"
	)
	cases := []struct {
		rule    string
		message string
		field   string
		text    string
		want    string     // JSON of the field, or
		kind    codec.Kind // why not
	}{
		{"T74 decimal", scalars, "f_int32", "10", "10", 0},
		{"T74 negative", scalars, "f_int32", "-10", "-10", 0},
		{"T74 zero", scalars, "f_int32", "0", "0", 0},
		{"T74 leading zero", scalars, "f_int32", "010", "", codec.KindType},
		{"T74 minus zero", scalars, "f_int32", "-0", "", codec.KindType},
		{"T74 plus", scalars, "f_int32", "+1", "", codec.KindType},
		{"T74 underscore", scalars, "f_int32", "1_0", "", codec.KindType},
		{"T74 hexadecimal", scalars, "f_int32", "0x10", "", codec.KindType},
		{"T74 exponent", scalars, "f_int32", "1e3", "", codec.KindType},
		{"T74 decimal point", scalars, "f_int32", "1.0", "", codec.KindType},
		{"T74 two signs", scalars, "f_int32", "--1", "", codec.KindType},
		{"T74 sign alone", scalars, "f_int32", "-", "", codec.KindType},
		{"T62 empty", scalars, "f_int32", "", "", codec.KindType},
		{"T62 empty bool", scalars, "f_bool", "", "", codec.KindType},
		{"T62 empty enum", scalars, "f_kind", "", "", codec.KindEnum},
		{"T62 empty double", scalars, "f_double", "", "", codec.KindType},
		{"T62 empty string", optionals, "f_string", "", `""`, 0},
		{"T75 int32 max", scalars, "f_int32", "2147483647", "2147483647", 0},
		{"T75 int32 min", scalars, "f_sint32", "-2147483648", "-2147483648", 0},
		{"T75 int32 over", scalars, "f_int32", "2147483648", "", codec.KindRange},
		{"T75 int32 under", scalars, "f_sfixed32", "-2147483649", "", codec.KindRange},
		{"T75 uint32 max", scalars, "f_fixed32", "4294967295", "4294967295", 0},
		{"T75 uint32 over", scalars, "f_uint32", "4294967296", "", codec.KindRange},
		{"T75 uint32 negative", scalars, "f_uint32", "-1", "", codec.KindRange},
		{"T75 int64 exact", scalars, "f_int64", "9007199254740993", `"9007199254740993"`, 0},
		{"T75 int64 max", scalars, "f_sfixed64", "9223372036854775807", `"9223372036854775807"`, 0},
		{"T75 int64 min", scalars, "f_sint64", "-9223372036854775808", `"-9223372036854775808"`, 0},
		{"T75 int64 over", scalars, "f_int64", "9223372036854775808", "", codec.KindRange},
		{"T75 int64 under", scalars, "f_int64", "-9223372036854775809", "", codec.KindRange},
		{"T75 uint64 max", scalars, "f_uint64", "18446744073709551615", `"18446744073709551615"`, 0},
		{"T75 uint64 over", scalars, "f_fixed64", "18446744073709551616", "", codec.KindRange},
		{"T75 many digits", scalars, "f_uint64", strings.Repeat("9", 400), "", codec.KindRange},
		{"T76 null number", scalars, "f_int32", "null", "", codec.KindType},
		{"T76 null bool", scalars, "f_bool", "null", "", codec.KindType},
		{"T76 null enum", scalars, "f_kind", "null", "", codec.KindEnum},
		{"T76 null string", scalars, "f_string", "null", `"null"`, 0},
		{"T77 leading space", scalars, "f_int32", " 5", "", codec.KindType},
		{"T77 trailing space", scalars, "f_double", "5 ", "", codec.KindType},
		{"T77 space around bool", scalars, "f_bool", " true", "", codec.KindType},
		{"T78 true", scalars, "f_bool", "true", "true", 0},
		{"T78 false is written", optionals, "f_bool", "false", "false", 0},
		{"T78 1", scalars, "f_bool", "1", "", codec.KindType},
		{"T78 t", scalars, "f_bool", "t", "", codec.KindType},
		{"T78 TRUE", scalars, "f_bool", "TRUE", "", codec.KindType},
		{"T79 name", scalars, "f_kind", "KIND_POEM", `"KIND_POEM"`, 0},
		{"T79 number", scalars, "f_kind", "2", `"KIND_POEM"`, 0},
		{"T79 negative number", scalars, "f_kind", "-7", `"KIND_NEGATIVE"`, 0},
		{"T79 unknown name", scalars, "f_kind", "KIND_DRAMA", "", codec.KindEnum},
		{"T79 other case", scalars, "f_kind", "kind_poem", "", codec.KindEnum},
		{"T79 unknown number, open", scalars, "f_kind", "5", "5", 0},
		{"T79 number out of range", scalars, "f_kind", "2147483648", "", codec.KindEnum},
		{"T79 unknown number, closed proto2", old, "closed", "5", "", codec.KindEnum},
		{"T79 unknown number, closed edition", edition, "shut", "5", "", codec.KindEnum},
		{"T79 known number, closed", edition, "shut", "1", `"SHUT_ONE"`, 0},
		{"T79 alias", scalars, "f_alias", "ALIAS_SECOND", `"ALIAS_FIRST"`, 0},
		{"T81 standard padded", scalars, "f_bytes", "+/8=", `"+/8="`, 0},
		{"T81 standard bare", scalars, "f_bytes", "+/8", `"+/8="`, 0},
		{"T81 URL padded", scalars, "f_bytes", "-_8=", `"+/8="`, 0},
		{"T81 URL bare", scalars, "f_bytes", "-_8", `"+/8="`, 0},
		{"T81 mixed", scalars, "f_bytes", "+_8=", "", codec.KindBase64},
		{"T81 space", scalars, "f_bytes", " /8=", "", codec.KindBase64},
		{"T81 line break", scalars, "f_bytes", "YWJj\nZGVm", "", codec.KindBase64},
		{"T81 wrong padding", scalars, "f_bytes", "YQ=", "", codec.KindBase64},
		{"T81 one letter", scalars, "f_bytes", "Y", "", codec.KindBase64},
		{"T82 number", scalars, "f_double", "-1.25e-3", "-0.00125", 0},
		{"T82 minus zero", scalars, "f_double", "-0", "-0", 0},
		{"T82 NaN", scalars, "f_double", "NaN", `"NaN"`, 0},
		{"T82 Infinity", scalars, "f_float", "Infinity", `"Infinity"`, 0},
		{"T82 -Infinity", scalars, "f_float", "-Infinity", `"-Infinity"`, 0},
		{"T82 inf", scalars, "f_double", "inf", "", codec.KindType},
		{"T82 nan", scalars, "f_double", "nan", "", codec.KindType},
		{"T82 hexadecimal", scalars, "f_double", "0x1p-2", "", codec.KindType},
		{"T82 no digits before the point", scalars, "f_double", ".5", "", codec.KindType},
		{"T82 no digits after the point", scalars, "f_double", "5.", "", codec.KindType},
		{"T82 overflow", scalars, "f_double", "1e400", "", codec.KindRange},
		{"T82 float overflow", scalars, "f_float", "1e39", "", codec.KindRange},
		{"E5 exponent", scalars, "f_double", "1e999999999", "", codec.KindRange},
		{"E5 small exponent", optionals, "f_double", "1e-999999999", "0", 0},
		{"T83 Z", known, "timestamp", "2024-02-29T23:59:59Z", `"2024-02-29T23:59:59Z"`, 0},
		{"T83 fraction", known, "timestamp", "2024-01-01T00:00:00.120000000Z", `"2024-01-01T00:00:00.120Z"`, 0},
		{"T83 offset", known, "timestamp", "2024-01-01T00:30:00+01:00", `"2023-12-31T23:30:00Z"`, 0},
		{"T83 far offset", known, "timestamp", "2024-01-01T00:00:00-23:59", `"2024-01-01T23:59:00Z"`, 0},
		{"T83 first", known, "timestamp", "0001-01-01T00:00:00Z", `"0001-01-01T00:00:00Z"`, 0},
		{"T83 last", known, "timestamp", "9999-12-31T23:59:59.999999999Z", `"9999-12-31T23:59:59.999999999Z"`, 0},
		{"T83 before the first", known, "timestamp", "0000-12-31T23:59:59Z", "", codec.KindRange},
		{"T83 before the first by offset", known, "timestamp", "0001-01-01T00:00:00+00:01", "", codec.KindRange},
		{"T83 after the last by offset", known, "timestamp", "9999-12-31T23:59:59-00:01", "", codec.KindRange},
		{"T83 space for plus", known, "timestamp", "2024-01-01T00:30:00 01:00", "", codec.KindValue},
		{"T83 ten decimals", known, "timestamp", "2024-01-01T00:00:00.0000000001Z", "", codec.KindValue},
		{"T83 no decimals", known, "timestamp", "2024-01-01T00:00:00.Z", "", codec.KindValue},
		{"T83 decimal comma", known, "timestamp", "2024-01-01T00:00:00,5Z", "", codec.KindValue},
		{"T83 no offset", known, "timestamp", "2024-01-01T00:00:00", "", codec.KindValue},
		{"T83 29 February", known, "timestamp", "2023-02-29T00:00:00Z", "", codec.KindValue},
		{"T83 29 February 1900", known, "timestamp", "1900-02-29T00:00:00Z", "", codec.KindValue},
		{"T83 31 April", known, "timestamp", "2024-04-31T00:00:00Z", "", codec.KindValue},
		{"T83 month 13", known, "timestamp", "2024-13-01T00:00:00Z", "", codec.KindValue},
		{"T83 hour 24", known, "timestamp", "2024-01-01T24:00:00Z", "", codec.KindValue},
		{"T83 leap second", known, "timestamp", "2016-12-31T23:59:60Z", "", codec.KindValue},
		{"T83 one-digit hour", known, "timestamp", "2024-01-01T1:00:00Z", "", codec.KindValue},
		{"T83 offset 24", known, "timestamp", "2024-01-01T00:00:00+24:00", "", codec.KindValue},
		{"T83 date alone", known, "timestamp", "2024-01-01", "", codec.KindValue},
		{"T84 seconds", known, "duration", "3s", `"3s"`, 0},
		{"T84 fraction", known, "duration", "-1.5s", `"-1.500s"`, 0},
		{"T84 nanos", known, "duration", "0.000000001s", `"0.000000001s"`, 0},
		{"T84 negative fraction", known, "duration", "-0.25s", `"-0.250s"`, 0},
		{"T84 most", known, "duration", "315576000000s", `"315576000000s"`, 0},
		{"T84 too long", known, "duration", "315576000001s", "", codec.KindRange},
		{"T84 too short", known, "duration", "-315576000001s", "", codec.KindRange},
		{"T84 ten decimals", known, "duration", "1.0000000001s", "", codec.KindValue},
		{"T84 1h", known, "duration", "1h", "", codec.KindValue},
		{"T84 1m", known, "duration", "1m", "", codec.KindValue},
		{"T84 1m0s", known, "duration", "1m0s", "", codec.KindValue},
		{"T84 no unit", known, "duration", "1", "", codec.KindValue},
		{"T84 no digits", known, "duration", ".s", "", codec.KindValue},
		{"T84 leading zero", known, "duration", "01s", "", codec.KindValue},
		{"T85 camelCase", known, "field_mask", "authorName,book.pageCount", `"authorName,book.pageCount"`, 0},
		{"T85 snake_case", known, "field_mask", "author_name,book.page_count", `"authorName,book.pageCount"`, 0},
		{"T85 empty", known, "field_mask", "", `""`, 0},
		{"T85 empty path", known, "field_mask", "a,,b", "", codec.KindValue},
		{"T85 comma at the end", known, "field_mask", "a,", "", codec.KindValue},
		{"T77 space in a mask", known, "field_mask", "a, b", "", codec.KindValue},
		{"T86 int64", known, "int64_value", "9007199254740993", `"9007199254740993"`, 0},
		{"T86 zero", known, "int32_value", "0", "0", 0},
		{"T86 bool", known, "bool_value", "false", "false", 0},
		{"T86 double", known, "double_value", "1.5", "1.5", 0},
		{"T86 bad", known, "uint32_value", "-1", "", codec.KindRange},
		{"T86 empty string", known, "string_value", "", `""`, 0},
		{"T86 empty bytes", known, "bytes_value", "", `""`, 0},
		{"T86 empty number", known, "int32_value", "", "", codec.KindType},
		{"T87 default has presence", optionals, "f_int32", "0", "0", 0},
		{"T87 default enum has presence", optionals, "f_kind", "0", `"KIND_UNSPECIFIED"`, 0},
		{"T63 element", lists, "f_int32", "7", "[7]", 0},
		{"T63 zero element", lists, "f_int32", "0", "[0]", 0},
		{"T63 element, not packed", lists, "f_unpacked", "7", "[7]", 0},
		{"T63 no commas", lists, "f_string", "a,b", `["a,b"]`, 0},
		{"T63 message element", known, "timestamps", "2024-01-01T00:00:00Z", `["2024-01-01T00:00:00Z"]`, 0},
		{"T67 message", scalars[:len(scalars)-7] + "Tree", "left", "x", "", codec.KindUnsupported},
		{"T67 Any", known, "any", "x", "", codec.KindUnsupported},
		{"T67 Struct", known, "struct", "{}", "", codec.KindUnsupported},
		{"T67 Value", known, "value", "1", "", codec.KindUnsupported},
		{"T67 Empty", known, "empty", "", "", codec.KindUnsupported},
		{"T67 map", "codec.three.Maps", "f_string", "x", "", codec.KindUnsupported},
		{"T39 UTF-8", scalars, "f_string", "a\xffb", "", codec.KindUTF8},
		{"T39 bytes that are text", scalars, "f_string", "a\x00é", `"a\u0000é"`, 0},
		{"delimited wrapper form", edition, "value", "1", "", codec.KindUnsupported},
	}
	s := corpusSchema(t)
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			f := s.message(t, c.message).FieldByName(c.field)
			wire, err := f.AppendText([]byte("kept"), c.text, nil)
			if c.kind != 0 {
				checkText(t, err, c.kind, f, c.text)
				if string(wire) != "kept" {
					t.Errorf("got %q after an error", wire)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.AppendJSON(nil, wire[len("kept"):], nil)
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
			if _, err := s.parse(f.Descriptor().ContainingMessage(), wire[len("kept"):]); err != nil {
				t.Errorf("wrote malformed %x: %v", wire[len("kept"):], err)
			}
		})
	}
}

// checkText holds T88 and T89: the message names the field, what was wanted, and the value cut to a limit; nothing of the
// host language.
func checkText(t *testing.T, err error, kind codec.Kind, f *codec.Field, text string) {
	t.Helper()
	var e *codec.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of kind %v", err, kind)
	}
	if e.Kind == kind {
		if e.Path != f.Descriptor().JSONName() || e.Wire || e.Offset != -1 {
			t.Errorf("error %+v does not say where", e)
		}
		if len(e.Message) > 250 || strings.Contains(e.Message, "strconv") || strings.Contains(e.Message, "base64.") {
			t.Errorf("message %q is not fit for a client", e.Message)
		}
		return
	}
	t.Errorf("text %q: got kind %v (%v), want %v", text, e.Kind, e, kind)
}

func TestFieldAppendTextOverrides(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct{ message, field, before, after, want string }{
		{"codec.three.Scalars", "f_int32", "5", "0", "0"},
		{"codec.three.Scalars", "f_string", "x", "", `""`},
		{"codec.three.Scalars", "f_bytes", "eA==", "", `""`},
		{"codec.three.Scalars", "f_double", "1.5", "0", "0"},
		{"codec.three.Scalars", "f_fixed32", "1", "0", "0"},
		{"codec.three.Scalars", "f_kind", "KIND_POEM", "0", `"KIND_UNSPECIFIED"`},
	} {
		f := s.message(t, c.message).FieldByName(c.field)
		wire, err := f.AppendText(nil, c.before, nil)
		if err != nil {
			t.Fatal(err)
		}
		if wire, err = f.AppendText(wire, c.after, nil); err != nil {
			t.Fatal(err)
		}
		got, err := f.AppendJSON(nil, wire, nil)
		if err != nil || string(got) != c.want {
			t.Errorf("%s.%s: %q then %q gives %s, %v, want %s", c.message, c.field, c.before, c.after, got, err, c.want)
		}
	}
}

// TestTextIsAsJSON: T53 compares records of text with records of JSON; those of messages are the same bytes.
func TestTextIsAsJSON(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct{ field, text, json string }{
		{"timestamp", "2024-01-01T00:00:00Z", `"2024-01-01T00:00:00Z"`},
		{"timestamp", "1970-01-01T00:00:00Z", `"1970-01-01T01:00:00+01:00"`},
		{"duration", "1.5s", `"1.500s"`},
		{"field_mask", "a_b,c", `"aB,c"`},
		{"int32_value", "0", `0`},
		{"double_value", "0", `0.0`},
		{"double_value", "-0", `-0`},
		{"string_value", "", `""`},
		{"bytes_value", "AA", `"AA=="`},
		{"bool_value", "false", `false`},
		{"uint64_value", "5", `"5"`},
	} {
		f := s.message(t, knownName).FieldByName(c.field)
		text, err := f.AppendText(nil, c.text, nil)
		if err != nil {
			t.Fatal(err)
		}
		json, err := f.AppendWire(nil, []byte(c.json), nil)
		if err != nil || string(json) != string(text) {
			t.Errorf("%s: %q gives %x, %s gives %x, %v", c.field, c.text, text, c.json, json, err)
		}
	}
}

func TestFieldAppendMapEntry(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct {
		field, key, value, want string
		kind                    codec.Kind
	}{
		{"f_string", "a", "b", `{"a":"b"}`, 0},
		{"f_string", "", "", `{"":""}`, 0},
		{"f_string", strings.Repeat("k", 200), "b", `{"` + strings.Repeat("k", 200) + `":"b"}`, 0},
		{"f_string", "a\xff", "b", "", codec.KindValue},
		{"f_string", "a", "b\xff", "", codec.KindUTF8},
		{"f_int32", "-5", "6", `{"-5":6}`, 0},
		{"f_sint64", "-5", "6", `{"-5":"6"}`, 0},
		{"f_int32", "05", "6", "", codec.KindValue},
		{"f_int32", "-0", "6", "", codec.KindValue},
		{"f_int32", "x", "6", "", codec.KindValue},
		{"f_int32", "4294967296", "6", "", codec.KindValue},
		{"f_uint32", "-1", "6", "", codec.KindValue},
		{"f_int32", "1", "x", "", codec.KindType},
		{"f_bool", "true", "false", `{"true":false}`, 0},
		{"f_bool", "1", "false", "", codec.KindValue},
		{"f_kind", "a", "KIND_POEM", `{"a":"KIND_POEM"}`, 0},
		{"f_timestamp", "true", "2024-01-01T00:00:00Z", `{"true":"2024-01-01T00:00:00Z"}`, 0},
		{"f_tree", "a", "x", "", codec.KindUnsupported},
	} {
		f := s.message(t, "codec.three.Maps").FieldByName(c.field)
		wire, err := f.AppendMapEntry(nil, c.key, c.value, nil)
		if c.kind != 0 {
			var e *codec.Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.HasPrefix(e.Path, f.Descriptor().JSONName()) {
				t.Errorf("T65 %s[%q]=%q: got error %v, want kind %v", c.field, c.key, c.value, err, c.kind)
			}
			continue
		}
		if err != nil {
			t.Errorf("T65 %s[%q]=%q: %v", c.field, c.key, c.value, err)
			continue
		}
		if got, err := f.AppendJSON(nil, wire, nil); err != nil || string(got) != c.want {
			t.Errorf("T65 %s[%q]=%q: got %s, %v, want %s", c.field, c.key, c.value, got, err, c.want)
		}
	}
	f := s.message(t, "codec.three.Scalars").FieldByName("f_string")
	if _, err := f.AppendMapEntry(nil, "a", "b", nil); err == nil {
		t.Error("an entry was appended to a field that is no map")
	}
}

// TestErrorCutsValue: T88, the value is cut to a limit, and not within a character.
func TestErrorCutsValue(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	f := s.message(t, "codec.three.Scalars").FieldByName("f_int32")
	_, err := f.AppendText(nil, strings.Repeat("é", 1000), nil)
	if err == nil || len(err.Error()) > 300 || strings.Contains(err.Error(), `\x`) {
		t.Errorf("got %v", err)
	}
}

func TestAppendTextAllocations(t *testing.T) { //nolint:paralleltest // it measures what the whole process does
	s := corpusSchema(t)
	scalars, known := s.message(t, "codec.three.Scalars"), s.message(t, "codec.three.WellKnown")
	dst := make([]byte, 0, 256)
	for _, c := range []struct {
		f    *codec.Field
		text string
	}{
		{scalars.FieldByName("f_int64"), "1234567890"},
		{scalars.FieldByName("f_string"), strings.Repeat("a string of some length ", 4)},
		{scalars.FieldByName("f_double"), "12.99"},
		{scalars.FieldByName("f_kind"), "KIND_POEM"},
		{scalars.FieldByName("f_bytes"), "YWJj"},
		{known.FieldByName("timestamp"), "2024-01-01T00:00:00Z"},
		{known.FieldByName("field_mask"), "a,b.c"},
	} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := c.f.AppendText(dst, c.text, nil); err != nil {
				t.Fatal(err)
			}
		}); n != 0 && !race.Enabled {
			t.Errorf("%s: allocates %v times", c.f.Descriptor().Name(), n)
		}
	}
}
