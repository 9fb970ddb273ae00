// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T49-T51, A9, A10: nothing overrides what the path sets, by whatever name or nesting.
func TestT49WeakerSourceIsRefused(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{})
	run(t, b, []row{
		{"GET /test/v1/things/7", "", `{"id":"7"}`},
		{"GET /test/v1/things/7?id=8", "", `!the path sets id [id]`},                    // T49
		{"GET /test/v1/things/7?id=7", "", `!the path sets id`},                         // even with the same value
		{"GET /test/v1/things/7?%69d=8", "", `!the path sets id`},                       // T59: names are decoded
		{"GET /test/v1/things/7?name=n", "", `{"id":"7","name":"n"}`},                   // another field is free
		{"GET /test/v1/nested/5/true/COLOR_RED?scalars.int64Value=6", "", `!the path`},  // T50: the JSON name
		{"GET /test/v1/nested/5/true/COLOR_RED?scalars.int64_value=6", "", `!the path`}, // T50: the proto name
		{"GET /test/v1/nested/a/owners/b?thing.title=t", "", `{"thing":{"name":"a","owner":{"name":"b"},"title":"t"}}`},
		{"GET /test/v1/nested/a/owners/b?thing.name=t", "", `!the path sets thing.name`}, // T51
		{"GET /test/v1/nested/a/owners/b?thing.owner.name=t", "", `!the path sets`},      // T51
		{"GET /test/v1/nested/a/owners/b?thing.owner.email=e", "", `{"thing":{"name":"a","owner":{"name":"b","email":"e"}}}`},
		{"POST /test/v1/body/thing/7?thing.title=t", `{"name":"n"}`, `!the body is thing`}, // T51
		{"POST /test/v1/body/thing/7?thing.title=t", "", `!the body is thing`},             // also where there is none
		{"POST /test/v1/body/thing/7?name=t", `{"name":"n"}`, `{"id":"7","name":"t","thing":{"name":"n"}}`},
	})
}

// T52: body "*" leaves nothing to the query.
func TestT52WholeBodyTakesNoQuery(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"POST /test/v1/body/all?name=n", `{}`, `!the body is the whole message [name]`},
		{"POST /test/v1/body/all?nope=n", `{}`, `!not a field`},
		{"POST /test/v1/body/all", `{"name":"n"}`, `{"name":"n"}`},
	})
}

// T53: the body may repeat what the path sets, as a value and not as a text, and may not contradict it.
func TestT53BodyAgreesWithPath(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"PUT /test/v1/things/7", `{"id":"7","name":"n"}`, `{"id":"7","name":"n"}`},
		{"PUT /test/v1/things/7", `{"id":"8"}`, `!another value than the path [id]`},
		{"PUT /test/v1/things/7", `{"id":"\u0037"}`, `{"id":"7"}`},
		{"PUT /test/v1/things/7", `{"id":null}`, `{"id":"7"}`}, // null is unset
		{"PUT /test/v1/things/7", `{"id":""}`, `!another value than the path`},
		{"PATCH /test/v1/things/a", `{"name":"things/a","title":"t"}`, `{"thing":{"name":"things/a","title":"t"},"updateMask":"name,title"}`},
		{"PATCH /test/v1/things/a", `{"title":"t"}`, `{"thing":{"name":"things/a","title":"t"},"updateMask":"title"}`},
		{"PATCH /test/v1/things/a", `{"name":"things/b"}`, `!another value than the path [thing.name]`},
		{"POST /test/v1/operations/1:cancel", `{"name":"operations/1"}`, `{"name":"operations/1"}`},
		{"POST /test/v1/operations/1:cancel", `{"name":"operations/2"}`, `!another value than the path`},
	})
}

// T55, T56: what is given twice is refused, whatever the order and the names.
func TestT55SingularFieldTwice(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"GET /test/v1/things/7?name=a&name=b", "", `!name: it is set twice`},
		{"GET /test/v1/things/7?name=a&name=a", "", `!set twice`},
		{"GET /test/v1/things/7?updateMask=name&update_mask=name", "", `!set twice`}, // two names of one field
		{"GET /test/v1/things/7?thing.name=a&thing.name=b", "", `!set twice`},
		{"GET /test/v1/things/7?thing.name=a&thing.title=b", "", `{"id":"7","thing":{"name":"a","title":"b"}}`},
		{"GET /test/v1/things/7?text=a&number=1", "", `!both are in the oneof choice`}, // T56
		{"GET /test/v1/things/7?text=a&other.name=b", "", `!both are in the oneof`},
		{"GET /test/v1/things/7?other.name=b&other.title=c", "", `{"id":"7","other":{"name":"b","title":"c"}}`},
		{"POST /test/v1/body/text/7?number=1", `"t"`, `!both are in the oneof`},
		{"POST /test/v1/body/text/7", `"t"`, `{"id":"7","text":"t"}`},
	})
}

// T57, T58: unknown parameters.
func TestT57UnknownParameters(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{IgnoredQuery: []string{"key", "$alt"}}), []row{
		{"GET /test/v1/things/7?nope=1", "", `!"nope" is not a field of dragoman.test.v1.BindRequest [nope]`},
		{"GET /test/v1/things/7?thing.nope=1", "", `!not a field`},
		{"GET /test/v1/things/7?name.x=1", "", `!not a field`}, // a scalar has no fields
		{"GET /test/v1/things/7?NAME=1", "", `!not a field`},   // T59: case matters
		{"GET /test/v1/things/7?key=1&%24alt=json", "", `{"id":"7"}`},
	})
	run(t, newBinder(t, bind.Config{UnknownQuery: bind.IgnoreUnknown}), []row{
		{"GET /test/v1/things/7?nope=1&name=n", "", `{"id":"7","name":"n"}`},
		{"GET /test/v1/things/7?id=1", "", `!the path sets id`}, // never ignored
	})
}

// T59-T63: how a query is written.
func TestT60QueryDecoding(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"GET /test/v1/things/7?thing%2Ename=a", "", `{"id":"7","thing":{"name":"a"}}`}, // T59
		{"GET /test/v1/things/7?name=a+b%2Bc", "", `{"id":"7","name":"a b+c"}`},         // T60
		{"GET /test/v1/things/7?name=%zz", "", `!malformed`},                            // T61
		{"GET /test/v1/things/7?name=%4", "", `!malformed`},
		{"GET /test/v1/things/7?name=a;b", "", `!malformed`},
		{"GET /test/v1/things/7?name=%ff", "", `!UTF-8`}, // T39
		{"GET /test/v1/things/7?flag", "", `!flag`},      // T62: not a boolean
		{"GET /test/v1/things/7?text", "", `{"id":"7","text":""}`},
		{"GET /test/v1/things/7?count=", "", `!count`},
		{"GET /test/v1/things/7?tags=a&tags=b,c&tags=a", "", `{"id":"7","tags":["a","b,c","a"]}`}, // T63
		{"GET /test/v1/things/7?counts=3&counts=1", "", `{"id":"7","counts":["3","1"]}`},
		{"GET /test/v1/things/7?colors=COLOR_RED&colors=2", "", `{"id":"7","colors":["COLOR_RED","COLOR_GREEN"]}`},
		{"GET /test/v1/things/7?&name=n&", "", `{"id":"7","name":"n"}`},
		{"GET /test/v1/things/7?name==", "", `{"id":"7","name":"="}`},
	})
}

// T65-T68: maps, messages, and what becomes present.
func TestT65MapsAndMessages(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"GET /test/v1/things/7?labels[a]=1&labels%5Bb%5D=2", "", `{"id":"7","labels":{"a":"1","b":"2"}}`}, // T65
		{"GET /test/v1/things/7?labels[a]=1&labels[a]=2", "", `!set twice`},
		{"GET /test/v1/things/7?labels=1", "", `!labels`},
		{"GET /test/v1/things/7?name[a]=1", "", `!not a field`},
		{"GET /test/v1/things/7?thing.labels[a]=1", "", `{"id":"7","thing":{"labels":{"a":"1"}}}`},
		{"GET /test/v1/things/7?things=x", "", `!things`},           // T66
		{"GET /test/v1/things/7?things.name=x", "", `!not a field`}, // T66
		{"GET /test/v1/things/7?thing=x", "", `!thing`},             // T67
		{"GET /test/v1/things/7?time=2026-01-02T03:04:05Z&timeout=1.5s", "", `{"id":"7","time":"2026-01-02T03:04:05Z","timeout":"1.500s"}`},
		{"GET /test/v1/things/7?updateMask=thing.title,name", "", `{"id":"7","updateMask":"thing.title,name"}`},
		{"GET /test/v1/things/7?thing.owner.name=o", "", `{"id":"7","thing":{"owner":{"name":"o"}}}`}, // T68
		{"GET /test/v1/things/7?flag=false", "", `{"id":"7","flag":false}`},                           // T87
		{"GET /test/v1/things/7?object=%7B%7D", "", `!object`},                                        // T67
	})
}

// T69, D14: neither long paths nor many parameters build a deep or large message.
func TestT69Bounds(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{})
	deep := "scalars.innerValue" + strings.Repeat(".inner", 40) + ".text"
	many := make([]string, bind.DefaultMaxParameters+1)
	for i := range many {
		many[i] = fmt.Sprintf("tags=%d", i)
	}
	run(t, b, []row{
		{"GET /test/v1/things/7?" + deep + "=x", "", `!more than 32 names`},
		{"GET /test/v1/things/7?" + strings.Join(many, "&"), "", `!more than 200 parameters`},
	})
	if _, err := b.bind(t, "GET /test/v1/things/7?"+strings.Join(many[1:], "&"), ""); err != nil {
		t.Errorf("200 parameters: %v", err)
	}
}

// T71, T72, T103: bodies where there is no rule for one, empty ones, and those that are one field.
func TestT71Bodies(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"POST /test/v1/body/none", "", `{}`},
		{"POST /test/v1/body/all", "", `{}`},             // T72
		{"POST /test/v1/body/thing/7", "", `{"id":"7"}`}, // T72
		{"POST /test/v1/body/thing/7", "{}", `{"id":"7","thing":{}}`},
		{"POST /test/v1/body/thing/7", "null", `{"id":"7"}`}, // T103
		{"POST /test/v1/body/tags/7", `["a","b"]`, `{"id":"7","tags":["a","b"]}`},
		{"POST /test/v1/body/things/7", `[{"name":"a"},{}]`, `{"id":"7","things":[{"name":"a"},{}]}`},
		{"POST /test/v1/body/labels/7", `{"a":"b"}`, `{"id":"7","labels":{"a":"b"}}`},
		{"POST /test/v1/body/color/7", `"COLOR_RED"`, `{"id":"7","color":"COLOR_RED"}`},
		{"POST /test/v1/body/count/7", `"9007199254740993"`, `{"id":"7","count":"9007199254740993"}`},
		{"POST /test/v1/body/flag/7", `false`, `{"id":"7","flag":false}`},
		{"POST /test/v1/body/time/7", `"2026-01-02T03:04:05Z"`, `{"id":"7","time":"2026-01-02T03:04:05Z"}`},
		{"POST /test/v1/body/value/7", `null`, `{"id":"7","value":null}`},
		{"POST /test/v1/body/thing/7", `{"nope":1}`, `![thing.nope]`},
		{"POST /test/v1/body/thing/7", `{"owner":{"age":"x"}}`, `![thing.owner.age]`},
		{"POST /test/v1/body/all", `{"thing":{"tags":["a",1]}}`, `![thing.tags[1]]`},
		{"POST /test/v1/body/all", `{"name":"a"} {}`, `!body`},         // T94
		{"POST /test/v1/body/all", `{"name":"a","name":"b"}`, `!body`}, // T95
	}
	run(t, newBinder(t, bind.Config{}), append(rows,
		row{"POST /test/v1/body/none", `{"name":"n"}`, `!takes no body`})) // T71
	run(t, newBinder(t, bind.Config{IgnoreUnboundBody: true}), append(rows,
		row{"POST /test/v1/body/none", `{"name":"n"}`, `{}`}))
}

// T102, T88: a body that is too deep is refused, and the answer does not repeat its depth.
func TestT102DeepBodyIsRefusedInFewWords(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{})
	const depth = 120
	body := strings.Repeat(`{"innerValue":`, 1) + strings.Repeat(`{"inner":`, depth) + "{}" + strings.Repeat("}", depth) + "}"
	_, err := b.bind(t, "POST /test/v1/body/all", `{"scalars":`+body+"}")
	e, ok := errors.AsType[*status.Error](err)
	if !ok || len(e.Message) > 400 || len(e.Violations) != 1 || len(e.Violations[0].Field) > 210 {
		t.Errorf("got %v; want a short error", err)
	}
}

// T123: a google.api.HttpBody takes the bytes as they are, whole or in a field.
func TestT123RawBodies(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"POST /test/v1/body/http", "\x00raw", `{"contentType":"text/x-test","data":"AHJhdw=="}`},
		{"POST /test/v1/body/file/7?name=n", "raw", `{"id":"7","name":"n","file":{"contentType":"text/x-test","data":"cmF3"}}`},
		{"POST /test/v1/body/file/7", "", `{"id":"7","file":{"contentType":"text/x-test"}}`},
	})
}

// What T74 to T79 say of texts, as it reaches the binder through a path, with T36, T37 and T39.
func TestT74PathScalars(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"GET /test/v1/nested/5/true/COLOR_RED", "", `{"scalars":{"int64Value":"5","boolValue":true,"colorValue":"COLOR_RED"}}`},
		{"GET /test/v1/nested/-5/false/1", "", `{"scalars":{"int64Value":"-5","colorValue":"COLOR_RED"}}`},
		{"GET /test/v1/nested/010/true/COLOR_RED", "", `!scalars.int64_value`},           // T74
		{"GET /test/v1/nested/0x10/true/COLOR_RED", "", `!path variable`},                // T74
		{"GET /test/v1/nested/null/true/COLOR_RED", "", `!path variable`},                // T76
		{"GET /test/v1/nested/%205/true/COLOR_RED", "", `!path variable`},                // T77
		{"GET /test/v1/nested/9223372036854775808/true/COLOR_RED", "", `!path variable`}, // T75
		{"GET /test/v1/nested/5/1/COLOR_RED", "", `!path variable`},                      // T78
		{"GET /test/v1/nested/5/true/RED", "", `!path variable`},                         // T79
		{"GET /test/v1/things/a%2Fb", "", `{"id":"a/b"}`},                                // T36
		{"GET /test/v1/things/%252F", "", `{"id":"%2F"}`},                                // T35
		{"GET /test/v1/files/a%2Fb/c%20d", "", `{"path":"a%2Fb/c d"}`},                   // T37
		{"GET /test/v1/things/%ff", "", `!UTF-8`},                                        // T39
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{})
	binding := b.table.Bindings()[0]
	for _, cfg := range []bind.Config{
		{UnknownQuery: "drop"},
		{UnknownQuery: bind.CaptureUnknown}, // into what
		{CaptureField: "labels"},
		{UnknownQuery: bind.IgnoreUnknown, CaptureField: "labels"},
		{MaxParameters: -1},
		{MaxParameters: bind.HighestMaxParameters + 1},
		{MaxPathElements: -1},
		{MaxPathElements: bind.HighestMaxPathElements + 1},
		{MaxListElements: -1},
		{MaxListElements: bind.HighestMaxListElements + 1},
	} {
		if _, err := bind.Compile(binding, b.codec, cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	if _, err := bind.Compile(binding, b.codec, bind.Config{Decode: codec.DecodeOptions{DiscardUnknown: true}}); err != nil {
		t.Error(err)
	}
}

// Whatever comes, there is no panic, and what is bound is a message.
func FuzzBind(f *testing.F) {
	f.Add("GET /test/v1/things/7?thing.name=a&labels[a]=b&flag=true", "", "")
	f.Add("PUT /test/v1/things/7", `{"id":"7","things":[{}]}`, "p")
	f.Add("POST /test/v1/body/text/7?number=1", `"t"`, "")
	f.Add("GET /test/v1/nested/5/true/COLOR_RED?scalars.innerValue.text=x", "", "")
	f.Add("GET /test/v1/things/7?things[1].name=a&things[0].labels[x]=b&nope=1&object={}", "", "p")
	f.Add("GET /test/v1/messages/shapes?tree.children[0].left.children[0].named[a].text=x", "", "")
	f.Add("POST /test/v1/body/all", `{"parent":"q","text":"t"}`, "p")
	strict := newBinder(f, bind.Config{})
	loose := newBinder(f, bind.Config{
		UnknownQuery: bind.CaptureUnknown, CaptureField: "labels", MaxListElements: 3, JSONParameters: true, LenientScalars: true,
		HeaderFields: map[string]string{"x-parent": "parent"},
	})
	f.Fuzz(func(t *testing.T, request, body, header string) {
		verb, target, _ := strings.Cut(request, " ")
		path, _, _ := strings.Cut(target, "?")
		if !strict.matches(verb, path) || len(path) > 1000 {
			return
		}
		_, _ = strict.bind(t, request, body)
		if !strings.Contains(path, "things/7") && !strings.Contains(path, "body/all") {
			return // without the fields that the settings name
		}
		b := *loose
		if header != "" {
			b.header = wire.Header{{Name: "x-parent", Value: header}}
		}
		_, _ = b.bind(t, request, body)
	})
}
