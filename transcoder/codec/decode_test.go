// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

const (
	scalarsName = "codec.three.Scalars"
	optionals   = "codec.three.Optionals"
	listsName   = "codec.three.Lists"
	mapsName    = "codec.three.Maps"
	treeName    = "codec.three.Tree"
	knownName   = "codec.three.WellKnown"
	oneofsName  = "codec.three.Oneofs"
	namesName   = "codec.three.Names"
	wideName    = "codec.three.Wide"
	oldName     = "codec.two.Old"
	carrierName = "codec.two.Carrier"
	editionName = "codec.edition.New"
)

func TestMessageAppendWire(t *testing.T) {
	t.Parallel()
	lenient := &codec.DecodeOptions{DiscardUnknown: true}
	cases := []struct {
		rule    string
		message string
		json    string
		want    string // what comes back, or
		kind    codec.Kind
		path    string // where it is wrong
		o       *codec.DecodeOptions
	}{
		{"T93 empty", scalarsName, ``, "", codec.KindSyntax, "", nil},
		{"T93 space", scalarsName, "  \n", "", codec.KindSyntax, "", nil},
		{"T93 cut", scalarsName, `{"fString":"a`, "", codec.KindSyntax, "fString", nil},
		{"T93 cut after name", scalarsName, `{"fString"`, "", codec.KindSyntax, "", nil},
		{"T93 cut after colon", scalarsName, `{"fString":`, "", codec.KindSyntax, "fString", nil},
		{"T93 cut after value", scalarsName, `{"fString":""`, "", codec.KindSyntax, "", nil},
		{"T93 no colon", scalarsName, `{"fString" "a"}`, "", codec.KindSyntax, "", nil},
		{"T93 comma at the end", scalarsName, `{"fString":"a",}`, "", codec.KindSyntax, "", nil},
		{"T93 comma in front", scalarsName, `{,"fString":"a"}`, "", codec.KindSyntax, "", nil},
		{"T93 bare name", scalarsName, `{fString:"a"}`, "", codec.KindSyntax, "", nil},
		{"T93 single quotes", scalarsName, `{'fString':"a"}`, "", codec.KindSyntax, "", nil},
		{"T93 comment", scalarsName, `{/**/}`, "", codec.KindSyntax, "", nil},
		{"T93 control character", scalarsName, "{\"fString\":\"a\nb\"}", "", codec.KindSyntax, "fString", nil},
		{"T93 unknown escape", scalarsName, `{"fString":"\x41"}`, "", codec.KindSyntax, "fString", nil},
		{"T93 short escape", scalarsName, `{"fString":"\u12"}`, "", codec.KindSyntax, "fString", nil},
		{"T93 list with comma at the end", listsName, `{"fInt32":[1,]}`, "", codec.KindSyntax, "fInt32[1]", nil},
		{"T93 list cut", listsName, `{"fInt32":[1`, "", codec.KindSyntax, "fInt32", nil},
		{"T93 word", scalarsName, `{"fBool":trueish}`, "", codec.KindSyntax, "fBool", nil},
		{"T93 leading zero", scalarsName, `{"fInt32":01}`, "", codec.KindSyntax, "fInt32", nil},
		{"T93 plus", scalarsName, `{"fInt32":+1}`, "", codec.KindSyntax, "fInt32", nil},
		{"T93 point", scalarsName, `{"fDouble":1.}`, "", codec.KindSyntax, "fDouble", nil},
		{"T93 exponent", scalarsName, `{"fInt32":1e}`, "", codec.KindSyntax, "fInt32", nil},
		{"T93 NaN without quotes", scalarsName, `{"fDouble":NaN}`, "", codec.KindSyntax, "fDouble", nil},
		{"not an object", scalarsName, `[]`, "", codec.KindType, "", nil},
		{"null at the top", scalarsName, `null`, "", codec.KindType, "", nil},
		{"T94 two values", scalarsName, `{}{}`, "", codec.KindSyntax, "", nil},
		{"T94 value and word", scalarsName, `{} x`, "", codec.KindSyntax, "", nil},
		{"T94 value and NUL", scalarsName, "{}\x00", "", codec.KindSyntax, "", nil},
		{"T94 white space", scalarsName, " {} \n", `{}`, 0, "", nil},
		{"T95 name twice", scalarsName, `{"fInt32":1,"fInt32":1}`, "", codec.KindDuplicate, "fInt32", nil},
		{"T95 both names", scalarsName, `{"fInt32":1,"f_int32":1}`, "", codec.KindDuplicate, "fInt32", nil},
		{"T95 escaped name", scalarsName, `{"fInt32":1,"f\u0049nt32":1}`, "", codec.KindDuplicate, "fInt32", nil},
		{"T95 null first", scalarsName, `{"fInt32":null,"fInt32":1}`, "", codec.KindDuplicate, "fInt32", nil},
		{"T95 in a list", listsName, `{"fTree":[{},{"name":"a","name":"b"}]}`, "", codec.KindDuplicate, "fTree[1].name", nil},
		{"T95 far apart", wideName, `{"a1":1,"i9":2,"a1":3}`, "", codec.KindDuplicate, "a1", nil},
		{"T95 far up", wideName, `{"i9":1,"i9":2}`, "", codec.KindDuplicate, "i9", nil},
		{"T95 map key", mapsName, `{"fString":{"a":"","a":""}}`, "", codec.KindDuplicate, `fString["a"]`, nil},
		{"T95 escaped map key", mapsName, `{"fString":{"a":"","\u0061":""}}`, "", codec.KindDuplicate, `fString["a"]`, nil},
		{"T95 number map key", mapsName, `{"fInt32":{"1":1,"2":2,"1":3}}`, "", codec.KindDuplicate, `fInt32["1"]`, nil},
		{"T95 Struct key", knownName, `{"struct":{"a":1,"a":1}}`, "", codec.KindDuplicate, `struct["a"]`, nil},
		{"T95 extension", carrierName, `{"[codec.two.zebra]":1,"[codec.two.zebra]":1}`, "", codec.KindDuplicate, "[codec.two.zebra]", nil},
		{"T95 @type", knownName, `{"any":{"@type":"x/google.protobuf.Empty","@type":"x/google.protobuf.Empty"}}`, "", codec.KindDuplicate, "any.@type", nil},
		{"T95 @type of a message", knownName, `{"any":{"@type":"x/codec.three.Tree","name":"","@type":"x/codec.three.Tree"}}`, "", codec.KindDuplicate, "any.@type", nil},
		{"T95 value of an Any", knownName, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s","value":"1s"}}`, "", codec.KindDuplicate, "any.value", nil},
		{"T56 oneof", oneofsName, `{"number":1,"text":"a"}`, "", codec.KindDuplicate, "text", nil},
		{"T56 oneof, far", oneofsName, `{"number":1,"between":"","scalars":{},"lists":{}}`, "", codec.KindDuplicate, "lists", nil},
		{"T56 oneof of a wide message", wideName, `{"left":"a","right":"b"}`, "", codec.KindDuplicate, "right", nil},
		{"T56 null is no member", oneofsName, `{"number":null,"text":"a"}`, `{"text":"a"}`, 0, "", nil},
		{"T56 null Value is a member", oneofsName, `{"value":null,"text":"a"}`, "", codec.KindDuplicate, "text", nil},
		{"T96 unknown", scalarsName, `{"nope":1}`, "", codec.KindUnknownField, "nope", nil},
		{"T96 unknown, nested", treeName, `{"branches":[{},{"left":{"nope":1}}]}`, "", codec.KindUnknownField, "branches[1].left.nope", nil},
		{"T96 unknown in a map", mapsName, `{"fTree":{"k":{"nope":1}}}`, "", codec.KindUnknownField, `fTree["k"].nope`, nil},
		{"T96 other case", scalarsName, `{"FString":"a"}`, "", codec.KindUnknownField, "FString", nil},
		{"T96 extension of another message", carrierName, `{"[codec.two.nope]":1}`, "", codec.KindUnknownField, "[codec.two.nope]", nil},
		{"T96 discarded", scalarsName, `{"nope":[1,{"a":null},"\n"],"fInt32":1}`, `{"fInt32":1}`, 0, "", lenient},
		{"T96 discarded twice", scalarsName, `{"nope":1,"nope":2}`, `{}`, 0, "", lenient},
		{"T96 discarded is JSON", scalarsName, `{"nope":[1,}`, "", codec.KindSyntax, "", lenient},
		{"T96 discarded is UTF-8", scalarsName, "{\"nope\":\"\xff\"}", "", codec.KindUTF8, "", lenient},
		{"T97 unknown enum", scalarsName, `{"fKind":"KIND_DRAMA"}`, "", codec.KindEnum, "fKind", lenient},
		{"T97 unknown enum in a list", listsName, `{"fKind":["KIND_POEM","x"]}`, "", codec.KindEnum, "fKind[1]", lenient},
		{"T97 Any without type", knownName, `{"any":{"a":1}}`, "", codec.KindAnyType, "any", lenient},
		{"T97 empty Any", knownName, `{"any":{}}`, `{"any":{}}`, 0, "", nil},
		{"T98 null unsets", scalarsName, `{"fInt32":null,"fString":null,"fKind":null}`, `{}`, 0, "", nil},
		{"T98 null list", listsName, `{"fInt32":null,"fTree":null}`, `{}`, 0, "", nil},
		{"T98 null map", mapsName, `{"fString":null}`, `{}`, 0, "", nil},
		{"T98 null message", treeName, `{"left":null}`, `{}`, 0, "", nil},
		{"T98 null wrapper", knownName, `{"int32Value":null,"timestamp":null}`, `{}`, 0, "", nil},
		{"T98 null Value", knownName, `{"value":null}`, `{"value":null}`, 0, "", nil},
		{"T98 null NullValue", optionals, `{"fNull":null}`, `{"fNull":null}`, 0, "", nil},
		{"T98 null list of Value", knownName, `{"values":null}`, `{}`, 0, "", nil},
		{"T98 null in list", listsName, `{"fInt32":[1,null]}`, "", codec.KindType, "fInt32[1]", nil},
		{"T98 null in list of messages", listsName, `{"fTree":[null]}`, "", codec.KindType, "fTree[0]", nil},
		{"T98 null in list of wrappers", knownName, `{"stringValues":[null]}`, "", codec.KindType, "stringValues[0]", nil},
		{"T98 null in list of Value", knownName, `{"values":[null]}`, `{"values":[null]}`, 0, "", nil},
		{"T98 null in list of NullValue", listsName, `{"fNull":[null,0,"NULL_VALUE"]}`, `{"fNull":[null,null,null]}`, 0, "", nil},
		{"T98 null in map", mapsName, `{"fString":{"a":null}}`, "", codec.KindType, `fString["a"]`, nil},
		{"T98 null in map of Value", mapsName, `{"fValue":{"1":null}}`, `{"fValue":{"1":null}}`, 0, "", nil},
		{"T99 string", scalarsName, `{"fInt32":"5","fInt64":"-6","fUint64":"7"}`, `{"fInt32":5,"fInt64":"-6","fUint64":"7"}`, 0, "", nil},
		{"T99 1.0", scalarsName, `{"fInt32":1.0,"fInt64":"1.0"}`, `{"fInt32":1,"fInt64":"1"}`, 0, "", nil},
		{"T99 1e3", scalarsName, `{"fInt32":1e3,"fInt64":"1e3"}`, `{"fInt32":1000,"fInt64":"1000"}`, 0, "", nil},
		{"T99 12.5e1", scalarsName, `{"fInt32":12.5e1}`, `{"fInt32":125}`, 0, "", nil},
		{"T99 1000e-3", scalarsName, `{"fInt32":1000e-3}`, `{"fInt32":1}`, 0, "", nil},
		{"T99 1.5", scalarsName, `{"fInt32":1.5}`, "", codec.KindRange, "fInt32", nil},
		{"T99 15e-1", scalarsName, `{"fInt32":15e-1}`, "", codec.KindRange, "fInt32", nil},
		{"T99 -0", scalarsName, `{"fInt32":-0,"fUint32":-0}`, `{}`, 0, "", nil},
		{"T99 above 2^53", scalarsName, `{"fInt64":9007199254740993,"fUint64":18446744073709551615}`, `{"fInt64":"9007199254740993","fUint64":"18446744073709551615"}`, 0, "", nil},
		{"T99 above 2^53 with exponent", scalarsName, `{"fInt64":9007199254740993e0}`, `{"fInt64":"9007199254740993"}`, 0, "", nil},
		{"T99 space in string", scalarsName, `{"fInt32":" 5"}`, "", codec.KindType, "fInt32", nil},
		{"T99 space after", scalarsName, `{"fInt64":"5 "}`, "", codec.KindType, "fInt64", nil},
		{"T99 empty string", scalarsName, `{"fInt32":""}`, "", codec.KindType, "fInt32", nil},
		{"T99 over", scalarsName, `{"fInt32":2147483648}`, "", codec.KindRange, "fInt32", nil},
		{"T99 over 64", scalarsName, `{"fUint64":18446744073709551616}`, "", codec.KindRange, "fUint64", nil},
		{"T99 negative", scalarsName, `{"fUint32":-1}`, "", codec.KindRange, "fUint32", nil},
		{"T99 boolean", scalarsName, `{"fInt32":true}`, "", codec.KindType, "fInt32", nil},
		{"E5 exponent", scalarsName, `{"fInt64":1e999999999}`, "", codec.KindRange, "fInt64", nil},
		{"E5 exponent that does not fit", scalarsName, `{"fInt64":1e99999999999999999999}`, "", codec.KindRange, "fInt64", nil},
		{"E5 zero with an exponent", scalarsName, `{"fInt64":0e999999999}`, `{}`, 0, "", nil},
		{"E5 double", scalarsName, `{"fDouble":1e999999999}`, "", codec.KindRange, "fDouble", nil},
		{"E5 digits", scalarsName, `{"fInt64":` + strings.Repeat("9", 400) + `}`, "", codec.KindRange, "fInt64", nil},
		{"E5 double digits", scalarsName, `{"fDouble":0.` + strings.Repeat("3", 400) + `}`, `{"fDouble":0.3333333333333333}`, 0, "", nil},
		{"T100 enum number", scalarsName, `{"fKind":2}`, `{"fKind":"KIND_POEM"}`, 0, "", nil},
		{"T100 enum number with exponent", scalarsName, `{"fKind":2e0}`, `{"fKind":"KIND_POEM"}`, 0, "", nil},
		{"T100 unknown number", scalarsName, `{"fKind":77}`, `{"fKind":77}`, 0, "", nil},
		{"T100 number as a string", scalarsName, `{"fKind":"2"}`, "", codec.KindEnum, "fKind", nil},
		{"T79 unknown number, closed", oldName, `{"closed":77}`, "", codec.KindEnum, "closed", nil},
		{"T100 boolean", scalarsName, `{"fBool":true}`, `{"fBool":true}`, 0, "", nil},
		{"T100 boolean string", scalarsName, `{"fBool":"true"}`, "", codec.KindType, "fBool", nil},
		{"T100 boolean number", scalarsName, `{"fBool":1}`, "", codec.KindType, "fBool", nil},
		{"T82 doubles", listsName, `{"fDouble":["NaN","Infinity","-Infinity","1.5",-0,1e-7]}`, `{"fDouble":["NaN","Infinity","-Infinity",1.5,-0,1e-7]}`, 0, "", nil},
		{"T82 double string", scalarsName, `{"fDouble":"nan"}`, "", codec.KindType, "fDouble", nil},
		{"T82 float overflow", scalarsName, `{"fFloat":3.5e38}`, "", codec.KindRange, "fFloat", nil},
		{"T82 float of ten digits", scalarsName, `{"fFloat":16777217}`, `{"fFloat":16777216}`, 0, "", nil},
		{"T81 bytes", scalarsName, `{"fBytes":"-_8"}`, `{"fBytes":"+/8="}`, 0, "", nil},
		{"T81 escaped slash", scalarsName, `{"fBytes":"+\/8="}`, `{"fBytes":"+/8="}`, 0, "", nil},
		{"T81 line break", scalarsName, `{"fBytes":"YWJj\nZGVm"}`, "", codec.KindBase64, "fBytes", nil},
		{"T81 not base64", scalarsName, `{"fBytes":"%"}`, "", codec.KindBase64, "fBytes", nil},
		{"E13 mask", knownName, `{"fieldMask":"a,b.cD"}`, `{"fieldMask":"a,b.cD"}`, 0, "", nil},
		{"E13 mask with underscore", knownName, `{"fieldMask":"a_b"}`, "", codec.KindValue, "fieldMask", nil},
		{"T101 loaded type", knownName, `{"any":{"@type":"type.googleapis.com/codec.three.Tree","name":"a"}}`, `{"any":{"@type":"type.googleapis.com/codec.three.Tree","name":"a"}}`, 0, "", nil},
		{"T101 last part", knownName, `{"any":{"@type":"https://a/b/codec.three.Nothing"}}`, `{"any":{"@type":"https://a/b/codec.three.Nothing"}}`, 0, "", nil},
		{"T101 unknown type", knownName, `{"any":{"@type":"x/codec.three.Nope"}}`, "", codec.KindAnyType, "any.@type", nil},
		{"T101 not a message", knownName, `{"any":{"@type":"x/codec.three.Kind"}}`, "", codec.KindAnyType, "any.@type", nil},
		{"T101 empty type", knownName, `{"any":{"@type":""}}`, "", codec.KindAnyType, "any.@type", nil},
		{"T101 type is no string", knownName, `{"any":{"@type":5}}`, "", codec.KindType, "any.@type", nil},
		{"T101 type last", knownName, `{"any":{"name":"a","left":{"name":"b"},"@type":"x/codec.three.Tree"}}`, `{"any":{"@type":"x/codec.three.Tree","name":"a","left":{"name":"b"}}}`, 0, "", nil},
		{"T101 escaped @type", knownName, `{"any":{"name":"a","\u0040type":"x/codec.three.Tree"}}`, `{"any":{"@type":"x/codec.three.Tree","name":"a"}}`, 0, "", nil},
		{"T101 Any in Any", knownName, `{"any":{"value":{"name":"a","@type":"x/codec.three.Tree"},"@type":"x/google.protobuf.Any"}}`, `{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/codec.three.Tree","name":"a"}}}`, 0, "", nil},
		{"T101 well-known type", knownName, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}`, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}`, 0, "", nil},
		{"T101 value missing", knownName, `{"any":{"@type":"x/google.protobuf.Duration"}}`, "", codec.KindAnyType, "any", nil},
		{"T101 Empty", knownName, `{"any":{"@type":"x/google.protobuf.Empty","value":{}}}`, `{"any":{"@type":"x/google.protobuf.Empty"}}`, 0, "", nil},
		{"T101 unknown member", knownName, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s","x":1}}`, "", codec.KindUnknownField, "any.x", nil},
		{"T101 @type elsewhere", treeName, `{"@type":"x/codec.three.Tree"}`, "", codec.KindUnknownField, "@type", nil},
		{"T105 byte order mark", scalarsName, "\xef\xbb\xbf{}", `{}`, 0, "", nil},
		{"T105 byte order mark inside", scalarsName, "{\xef\xbb\xbf}", "", codec.KindSyntax, "", nil},
		{"T105 pair", scalarsName, `{"fString":"\ud83d\ude00"}`, `{"fString":"😀"}`, 0, "", nil},
		{"T105 lone high", scalarsName, `{"fString":"\ud83d"}`, "", codec.KindUTF8, "fString", nil},
		{"T105 lone low", scalarsName, `{"fString":"\ude00"}`, "", codec.KindUTF8, "fString", nil},
		{"T105 two high", scalarsName, `{"fString":"\ud83d\ud83d"}`, "", codec.KindUTF8, "fString", nil},
		{"T105 high and letter", scalarsName, `{"fString":"\ud83dabcdef"}`, "", codec.KindUTF8, "fString", nil},
		{"E7 UTF-8", scalarsName, "{\"fString\":\"a\xc3\x28\"}", "", codec.KindUTF8, "fString", nil},
		{"E7 UTF-8 surrogate", scalarsName, "{\"fString\":\"\xed\xa0\x80\"}", "", codec.KindUTF8, "fString", nil},
		{"E7 UTF-8 overlong", scalarsName, "{\"fString\":\"\xc0\xaf\"}", "", codec.KindUTF8, "fString", nil},
		{"E7 UTF-8 in a name", scalarsName, "{\"f\xff\":1}", "", codec.KindUTF8, "", nil},
		{"E7 UTF-8 in a key", mapsName, "{\"fString\":{\"\xff\":\"\"}}", "", codec.KindUTF8, "fString", nil},
		{"E7 UTF-8 beside an escape", scalarsName, "{\"fString\":\"\\n\xff\"}", "", codec.KindUTF8, "fString", nil},
		{"E7 NUL", scalarsName, `{"fString":"a\u0000b"}`, `{"fString":"a\u0000b"}`, 0, "", nil},
		{"T110 both names", namesName, `{"snake_case_name":"a","other":"b","_leading":1}`, `{"snakeCaseName":"a","other":"b","Leading":1}`, 0, "", nil},
		{"T110 proto name of a renamed field", namesName, `{"renamed":"b","q\"uote\\<&>":"c"}`, `{"other":"b","q\"uote\\<&>":"c"}`, 0, "", nil},
		{"groups", oldName, `{"single":{"text":"a","deep":{"n":1}},"many":[{"id":1},{"id":2,"tags":["x"]}],"picked":{}}`, `{"single":{"text":"a","deep":{"n":1}},"many":[{"id":1},{"id":2,"tags":["x"]}],"picked":{}}`, 0, "", nil},
		{"group by its message name", oldName, `{"Single":{}}`, `{"single":{}}`, 0, "", nil},
		{"extensions", carrierName, `{"[codec.two.zebra]":0,"[codec.two.numbers]":["1"],"[codec.two.Scope.scope]":{"id":1}}`, `{"[codec.two.Scope.scope]":{"id":1},"[codec.two.numbers]":["1"],"[codec.two.zebra]":0}`, 0, "", nil},
		{"editions", editionName, `{"explicitText":"","implicitText":"","delimited":{"explicitNumber":"0"},"delimiteds":[{},{"packed":[1]}],"expanded":[1,2]}`, `{"explicitText":"","delimited":{"explicitNumber":"0"},"delimiteds":[{},{"packed":[1]}],"expanded":[1,2]}`, 0, "", nil},
		{"map keys", mapsName, `{"fBool":{"true":true,"false":false},"fSint64":{"-1":"1","5":"6"}}`, `{"fSint64":{"-1":"1","5":"6"},"fBool":{"false":false,"true":true}}`, 0, "", nil},
		{"map key of the wrong type", mapsName, `{"fInt32":{"a":1}}`, "", codec.KindValue, "fInt32", nil},
		{"map key out of range", mapsName, `{"fUint32":{"-1":1}}`, "", codec.KindValue, "fUint32", nil},
		{"map is no list", mapsName, `{"fInt32":[]}`, "", codec.KindType, "fInt32", nil},
		{"list is no object", listsName, `{"fInt32":{}}`, "", codec.KindType, "fInt32", nil},
		{"message is no string", treeName, `{"left":"x"}`, "", codec.KindType, "left", nil},
		{"Value of everything", knownName, `{"value":{"a":[1,"b",true,null,{"c":{}}]}}`, `{"value":{"a":[1,"b",true,null,{"c":{}}]}}`, 0, "", nil},
	}
	s := corpusSchema(t)
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			m := s.message(t, c.message)
			wire, err := m.AppendWire(nil, []byte(c.json), c.o)
			if c.kind != 0 {
				var e *codec.Error
				if !errors.As(err, &e) {
					t.Fatalf("got %x, %v, want an error of kind %v", wire, err, c.kind)
				}
				if e.Kind != c.kind || e.Path != c.path || e.Wire || e.Offset < 0 || e.Offset > len(c.json) {
					t.Errorf("got %+v, want kind %v at %q", e, c.kind, c.path)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.AppendJSON(nil, wire, omit)
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

// TestOffsets: an error points at the byte where what is wrong starts.
func TestOffsets(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, c := range []struct{ json, at string }{
		{`{"fString":"a","nope":1}`, `"nope"`},
		{`{"fString":"a", "fInt32": "x"}`, `"x"`},
		{`{"fBool": maybe}`, `maybe`},
		{`{} trailing`, `trailing`},
		{`{"fInt32":1,"fInt32":2}`, `"fInt32":2`},
	} {
		_, err := s.message(t, scalarsName).AppendWire(nil, []byte(c.json), nil)
		var e *codec.Error
		if !errors.As(err, &e) || e.Offset != strings.LastIndex(c.json, c.at) {
			t.Errorf("%s: got %+v, want offset %d", c.json, e, strings.LastIndex(c.json, c.at))
		}
	}
}

// TestWellKnownTypesWithoutSchema: T101, well-known types resolve even if the schema does not have them.
func TestWellKnownTypesWithoutSchema(t *testing.T) {
	t.Parallel()
	s := newSchema(t, compileFiles(t, map[string]string{"a.proto": `
		syntax = "proto3";
		package a;
		import "google/protobuf/any.proto";
		message M { google.protobuf.Any any = 1; }`}))
	const in = `{"any":{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"2024-01-01T00:00:00Z"}}`
	m := s.message(t, "a.M")
	wire, err := m.AppendWire(nil, []byte(in), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.AppendJSON(nil, wire, nil); err != nil || string(got) != in {
		t.Errorf("got %s, %v, want %s", got, err, in)
	}
}
