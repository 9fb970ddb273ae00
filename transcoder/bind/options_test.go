// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
)

// T57: unknown parameters go into a map, or into a Struct as strings.
func TestT57CapturedParameters(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"GET /test/v1/things/7?nope=1&thing.nope=2&name=n&NAME=3", "", `{"id":"7","name":"n",%s:{"nope":"1","thing.nope":"2","NAME":"3"}}`},
		{"GET /test/v1/things/7?a%20b=%C3%A9&name.x=1&name[a]=2&flag.y", "", `{"id":"7",%s:{"a b":"é","name.x":"1","name[a]":"2","flag.y":""}}`},
		{"GET /test/v1/things/7?" + strings.Repeat("k", 300) + "=" + strings.Repeat("v", 300), "", `{"id":"7",%s:{"` + strings.Repeat("k", 300) + `":"` + strings.Repeat("v", 300) + `"}}`},
		{"GET /test/v1/things/7?nope=1&nope=2", "", `!nope: it is set twice`}, // T55: in whatever order they come, none is lost
		{"GET /test/v1/things/7?nope=%ff", "", `!UTF-8`},
		{"GET /test/v1/things/7?%ff=nope", "", `!query parameter`},
		{"GET /test/v1/things/7?id=8", "", `!the path sets id`},                                  // what is a field is one
		{"GET /test/v1/things/7?key=1", "", `{"id":"7"}`},                                        // T58: ignored names are not unknown
		{"POST /test/v1/body/all?nope=1", "{}", `!"nope" is not a field`},                        // T52: all is in the body
		{"GET /test/v1/nested/5/true/COLOR_RED?nope=%zz", "", `!malformed near`},                 // T61
		{"GET /test/v1/messages/scalars?nope=1", "", `!not a field of dragoman.test.v1.Scalars`}, // it has no such field
	}
	for _, field := range []string{"labels", "object"} {
		filled := make([]row, len(rows))
		for i, r := range rows {
			filled[i] = row{r.request, r.body, strings.Replace(r.want, "%s", `"`+field+`"`, 1)}
		}
		run(t, newBinder(t, bind.Config{UnknownQuery: bind.CaptureUnknown, CaptureField: field, IgnoredQuery: []string{"key"}}), filled)
	}
	labels := newBinder(t, bind.Config{UnknownQuery: bind.CaptureUnknown, CaptureField: "labels"})
	run(t, labels, []row{
		{"GET /test/v1/things/7?labels[a]=1&b=2", "", `{"id":"7","labels":{"a":"1","b":"2"}}`},
		{"GET /test/v1/things/7?labels[a]=1&a=2", "", `!a: it is set twice`},
		{"GET /test/v1/things/7?a=2&labels[a]=1", "", `!labels[a]: it is set twice`},
		{"POST /test/v1/body/labels/7?nope=1", `{}`, `!"nope" is not a field`}, // the body sets the field
		{"POST /test/v1/body/thing/7?nope=1", `{}`, `{"id":"7","thing":{},"labels":{"nope":"1"}}`},
	})
	object := newBinder(t, bind.Config{UnknownQuery: bind.CaptureUnknown, CaptureField: "object", JSONParameters: true})
	run(t, object, []row{
		{"GET /test/v1/things/7?object=%7B%22a%22:1%7D&b=2", "", `!b: it is set twice`},
		{"GET /test/v1/things/7?b=2&object=%7B%22a%22:1%7D", "", `!object: it is set twice`},
	})
	for field, want := range map[string]string{"name": "must be a map<string, string>", "tags": "must be a map", "thing": "must be a map", "things": "must be a map"} {
		_, err := bind.Compile(object.find(t, "GET", "/test/v1/things/7"), object.codec, bind.Config{UnknownQuery: bind.CaptureUnknown, CaptureField: field})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("capture into %s: %v; want %q", field, err, want)
		}
	}
	maps := newBinder(t, bind.Config{UnknownQuery: bind.CaptureUnknown, CaptureField: "int32_values"})
	if _, err := bind.Compile(maps.find(t, "GET", "/test/v1/messages/maps"), maps.codec, maps.cfg); err == nil {
		t.Error("capture into a map of numbers is accepted")
	}
}

// T66: lists of messages in the query, where that is turned on.
func TestT66ElementsOfLists(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{MaxListElements: 3}), []row{
		{"GET /test/v1/things/7?things[0].name=a", "", `{"id":"7","things":[{"name":"a"}]}`},
		{"GET /test/v1/things/7?things%5B0%5D.name=a", "", `{"id":"7","things":[{"name":"a"}]}`},
		{"GET /test/v1/things/7?things[1].name=b&things[0].name=a&name=n&things[1].title=t", "", `{"id":"7","name":"n","things":[{"name":"a"},{"name":"b","title":"t"}]}`},
		{"GET /test/v1/things/7?things[0].owner.name=a&things[0].owner.age=3", "", `{"id":"7","things":[{"owner":{"name":"a","age":3}}]}`},
		{"GET /test/v1/things/7?things[0].tags=a&things[0].tags=b&things[1].tags=c", "", `{"id":"7","things":[{"tags":["a","b"]},{"tags":["c"]}]}`},
		{"GET /test/v1/things/7?things[0].labels[a.b]=1&things[0].labels[c[d]]=2", "", `{"id":"7","things":[{"labels":{"a.b":"1","c[d]":"2"}}]}`},
		{"GET /test/v1/things/7?things[0].name=" + strings.Repeat("x", 400), "", `{"id":"7","things":[{"name":"` + strings.Repeat("x", 400) + `"}]}`},
		{"GET /test/v1/things/7?things[0].size=0", "", `{"id":"7","things":[{}]}`},
		// Lists within lists, and messages between them.
		{
			"GET /test/v1/messages/shapes?tree.children[0].children[1].text=c&tree.children[0].children[0].text=b&tree.children[0].text=a&tree.text=r", "",
			`{"tree":{"text":"r","children":[{"text":"a","children":[{"text":"b"},{"text":"c"}]}]}}`,
		},
		{
			"GET /test/v1/messages/shapes?tree.children[0].left.children[0].left.text=x&tree.children[1].text=y&nesteds[0].deeper.text=z", "",
			`{"tree":{"children":[{"left":{"children":[{"left":{"text":"x"}}]}},{"text":"y"}]},"nesteds":[{"deeper":{"text":"z"}}]}`,
		},
		{"GET /test/v1/messages/proto2?several[1].text=b&several[0].inside.text=a", "", `{"several":[{"inside":{"text":"a"}},{"text":"b"}]}`}, // groups
		// The index has a bound, one spelling, and no gaps (T68).
		{"GET /test/v1/things/7?things[3].name=a", "", `!a list has at most 3 elements in a query [things[3].name]`},
		{"GET /test/v1/things/7?things[99999999999999999999].name=a", "", `!at most 3 elements`},
		{"GET /test/v1/things/7?things[1].name=a", "", `!there is no number 0 [things[1].name]`},
		{"GET /test/v1/things/7?things[0].name=a&things[2].name=a", "", `!there is no number 1`},
		{"GET /test/v1/messages/shapes?tree.children[0].text=a&tree.children[0].children[1].text=b", "", `!there is no number 0`},
		{"GET /test/v1/things/7?things[00].name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[-0].name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[+0].name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[].name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[x].name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[0.name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[0]name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[0]=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[0].=a", "", `!not a field`},
		{"GET /test/v1/things/7?things.name=a", "", `!not a field`},
		{"GET /test/v1/things/7?things[0].nope=a", "", `!not a field`},
		{"GET /test/v1/things/7?thing[0].name=a", "", `!not a field`}, // it is one message
		{"GET /test/v1/things/7?tags[0]=a", "", `!not a field`},       // lists of scalars are repeated parameters (T63)
		{"GET /test/v1/things/7?labels[a].b=c", "", `!not a field`},   // a key may hold anything, and ends the name
		{"GET /test/v1/messages/shapes?tree.named[a].text=b", "", `!not a field`},
		{"GET /test/v1/messages/shapes?tree" + strings.Repeat(".children[0]", 5) + ".text=x", "", `!goes through more than 4 lists`},
		{"GET /test/v1/messages/shapes?tree" + strings.Repeat(".children[0]", 4) + ".text=x", "", `{"tree":` + strings.Repeat(`{"children":[`, 4) + `{"text":"x"}` + strings.Repeat(`]}`, 4) + `}`},
		// Nothing is set twice (T55, T56), and nothing that has another source (T49).
		{"GET /test/v1/things/7?things[0].name=a&things[0].name=b", "", `!things[0].name: it is set twice`},
		{"GET /test/v1/things/7?things[0].labels[a]=1&things[0].labels[a]=2", "", `!it is set twice`},
		{"GET /test/v1/things/7?things[0].labels[a]=1&things[1].labels[a]=2", "", `{"id":"7","things":[{"labels":{"a":"1"}},{"labels":{"a":"2"}}]}`},
		{"GET /test/v1/things/7?things[0].owner.name=a&things[0].owner=b", "", `!things[0].owner`},
		{"POST /test/v1/body/things/7?things[0].name=a", `[]`, `!the body is things`},
		{"POST /test/v1/body/all?things[0].name=a", `{}`, `!the body is the whole message`},
		{"GET /test/v1/things/7?things[0].size=x", "", `!query parameter "things[0].size"`},
	})
	run(t, newBinder(t, bind.Config{}), []row{{"GET /test/v1/things/7?things[0].name=a", "", `!not a field`}}) // off by default
}

// T67: JSON as the text of a parameter, where that is turned on.
func TestT67JSONParameters(t *testing.T) {
	t.Parallel()
	const known = "GET /test/v1/messages/well-known?"
	run(t, newBinder(t, bind.Config{JSONParameters: true}), []row{
		{known + `struct={"a":[1,{"b":null}]}`, "", `{"struct":{"a":[1,{"b":null}]}}`},
		{known + `struct=%7B%22a+b%22%3A%22%2B%22%7D`, "", `{"struct":{"a b":"+"}}`},
		{known + `value=5`, "", `{"value":5}`},
		{known + `value="x"`, "", `{"value":"x"}`},
		{known + `value=null`, "", `{"value":null}`},
		{known + `list=[1,true]`, "", `{"list":[1,true]}`},
		{known + `list=[]&struct={}`, "", `{"list":[],"struct":{}}`},
		{known + `struct=null`, "", `{}`}, // unset, as in a body (T98)
		{"GET /test/v1/things/7?behavior.nope=1", "", `!not a field`},
		{known + `value=x`, "", `!value`},  // JSON, so a string has quotes
		{known + `struct=`, "", `!struct`}, // T62
		{known + `value`, "", `!value`},
		{known + `struct=[]`, "", `!struct`},
		{known + `list={}`, "", `!list`},
		{known + `struct={} {}`, "", `!struct`},                 // T94
		{known + `struct={"a":1,"a":2}`, "", `!struct`},         // T95
		{known + `value="\ud800"`, "", `!value`},                // T105
		{known + `struct={}&struct={}`, "", `!it is set twice`}, // T55
		{known + `value=` + strings.Repeat("[", 5000), "", `!value`},
		{known + `any={"@type":"x/google.protobuf.Empty"}`, "", `!any`}, // no other messages
		{known + `values=1`, "", `!values`},                             // and no lists of them
		{known + `timestamp=2026-01-02T03:04:05Z&duration=1s&stringWrapper=x`, "", `{"timestamp":"2026-01-02T03:04:05Z","duration":"1s","stringWrapper":"x"}`},
	})
	run(t, newBinder(t, bind.Config{}), []row{{known + `struct={}`, "", `!struct`}, {known + `value=1`, "", `!value`}, {known + `list=[]`, "", `!list`}})
}

// T83 to T85, T101: no parameter reaches into a message that has a JSON form of its own, and so past what holds of that form: the range
// of a Timestamp, the fields of a mask, the type of an Any.
func TestT101NoPathIntoWellKnownTypes(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, name := range []string{
		"any.type_url", "any.typeUrl", "any.value", "timestamp.seconds", "timestamp.nanos", "duration.seconds", "duration.nanos", "field_mask.paths",
		"struct.fields[a]", "value.number_value", "value.stringValue", "list.values", "int32_wrapper.value", "stringWrapper.value",
	} {
		rows = append(rows, row{"GET /test/v1/messages/well-known?" + name + "=1", "", `!not a field`})
	}
	run(t, newBinder(t, bind.Config{}), rows)
	run(t, newBinder(t, bind.Config{MaxListElements: 10}), []row{
		{"GET /test/v1/messages/well-known?timestamps[0].seconds=1", "", `!not a field`},
		{"GET /test/v1/messages/well-known?anys[0].type_url=x", "", `!not a field`},
	})
}

// T62: no value is the empty text, which is a string and nothing else.
func TestT62NoValue(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"GET /test/v1/messages/optionals?string_value", "", `{"stringValue":""}`},
		{"GET /test/v1/messages/optionals?bytesValue", "", `{"bytesValue":""}`},
		{"GET /test/v1/messages/well-known?stringWrapper&bytesWrapper=", "", `{"stringWrapper":"","bytesWrapper":""}`}, // T86
		{"GET /test/v1/messages/well-known?field_mask", "", `{"fieldMask":""}`},                                        // the empty list (T85)
		{"GET /test/v1/messages/repeateds?stringValues&stringValues=", "", `{"stringValues":["",""]}`},
	}
	for _, name := range []string{"double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "color", "inner"} {
		rows = append(rows, row{fmt.Sprintf("GET /test/v1/messages/optionals?%s_value", name), "", "!" + name},
			row{fmt.Sprintf("GET /test/v1/messages/optionals?%s_value=", name), "", "!" + name})
	}
	for _, name := range []string{"timestamp", "duration", "int32Wrapper", "boolWrapper", "any", "struct", "value", "list", "empty"} {
		rows = append(rows, row{"GET /test/v1/messages/well-known?" + name, "", "!" + name})
	}
	run(t, newBinder(t, bind.Config{}), rows)
}

// T60, T81, T83: what a plus that is not escaped means to those that have one in their text.
func TestT60PlusIsASpace(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"GET /test/v1/things/7?time=2024-01-01T00:30:00+01:00", "", `!time`},
		{"GET /test/v1/things/7?time=2024-01-01T00:30:00%2B01:00", "", `{"id":"7","time":"2023-12-31T23:30:00Z"}`},
		{"GET /test/v1/things/7?data=+/8=", "", `!data`},
		{"GET /test/v1/things/7?data=%2B/8=", "", `{"id":"7","data":"+/8="}`},
		{"GET /test/v1/things/7?count=+5", "", `!count`}, // T77
		{"GET /test/v1/things/7?na+me=x", "", `!not a field`},
	})
}

// T68: what is set has parents, and nothing else comes to be.
func TestT68OnlyParentsAreMade(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"GET /test/v1/things/7", "", `{"id":"7"}`},
		{"GET /test/v1/things/7?thing.size=0", "", `{"id":"7","thing":{}}`}, // a default makes the parent, as it would in JSON
		{"GET /test/v1/things/7?thing.owner.age=0", "", `{"id":"7","thing":{"owner":{"age":0}}}`},
		{"GET /test/v1/things/7?scalars.inner_value.inner.inner.count=1", "", `{"id":"7","scalars":{"innerValue":{"inner":{"inner":{"count":"1"}}}}}`},
		{"GET /test/v1/things/7?thing.owner.name=" + strings.Repeat("x", 200), "", `{"id":"7","thing":{"owner":{"name":"` + strings.Repeat("x", 200) + `"}}}`},
		{"GET /test/v1/messages/proto2?several.text=a", "", `!not a field`},
		{"GET /test/v1/messages/proto2?chosen.text=a&Single.count=3", "", `{"chosen":{"text":"a"},"single":{"count":3}}`},
	})
}
