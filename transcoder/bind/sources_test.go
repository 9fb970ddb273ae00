// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// at is a rule for a method of the test service that binds a whole BindRequest.
func at(pattern, body string) string {
	return fmt.Sprintf(`selector: "dragoman.test.v1.BindingService.NoRule" %s body: %q`, pattern, body)
}

// T50: the proto name, the JSON name and a json_name of its own are one field, in every source.
func TestT50OneFieldByAllItsNames(t *testing.T) {
	t.Parallel()
	names := func(pattern, body string) string {
		return fmt.Sprintf(`selector: "dragoman.test.v1.MessageService.EchoNames" %s body: %q`, pattern, body)
	}
	run(t, newBinder(t, bind.Config{}, names(`post: "/names/{renamed}/{plain_name}"`, "*"), names(`get: "/names/{nested.renamed}"`, "")), []row{
		{"POST /names/a/b", `{"renamed":"a","plain_name":"b"}`, `{"anotherName":"a","plainName":"b"}`},
		{"POST /names/a/b", `{"anotherName":"a","plainName":"b"}`, `{"anotherName":"a","plainName":"b"}`},
		{"POST /names/a/b", `{"renamed":"x"}`, `!renamed: the body has another value`},
		{"POST /names/a/b", `{"anotherName":"x"}`, `!renamed: the body has another value`},
		{"POST /names/a/b", `{"plain_name":"x"}`, `!plain_name: the body has another value`},
		{"GET /names/a?inner-names.anotherName=x", "", `!the path sets nested.renamed`},
		{"GET /names/a?inner-names.renamed=x", "", `!the path sets nested.renamed`},
		{"GET /names/a?nested.renamed=x", "", `!the path sets nested.renamed`},
		{"GET /names/a?nested.plainName=x&inner-names.digit_1_and_more=y", "", `{"inner-names":{"anotherName":"a","plainName":"x","digit1AndMore":"y"}}`},
		{"GET /names/a?anotherName=x&renamed=y", "", `!renamed: it is set twice`}, // T55
		{"GET /names/a?gr%C3%B6%C3%9Fe=x&%40odd%20name=y", "", `{"inner-names":{"anotherName":"a"},"größe":"x","@odd name":"y"}`},
		{"GET /names/a?dotted=x", "", `{"inner-names":{"anotherName":"a"},"with.dot":"x"}`}, // its JSON name has a dot, which separates names (T59)
		{"GET /names/a?with.dot=x", "", `!not a field`},
	})
}

// T53: the values of path and body are compared as what they are, whatever their text.
func TestT53TypedCompare(t *testing.T) {
	t.Parallel()
	const scalars = `selector: "dragoman.test.v1.MessageService.EchoScalars" post: "/typed/%s/{%[1]s}" body: "*"`
	var rules []string
	for _, field := range []string{"int64_value", "uint64_value", "double_value", "bool_value", "bytes_value", "color_value", "string_value"} {
		rules = append(rules, fmt.Sprintf(scalars, field))
	}
	run(t, newBinder(t, bind.Config{}, rules...), []row{
		{"POST /typed/int64_value/5", `{"int64Value":5}`, `{"int64Value":"5"}`},
		{"POST /typed/int64_value/5", `{"int64_value":"5"}`, `{"int64Value":"5"}`},
		{"POST /typed/int64_value/5", `{"int64Value":0.5e1}`, `{"int64Value":"5"}`},
		{"POST /typed/int64_value/5", `{"int64Value":6}`, `!another value than the path`},
		{"POST /typed/int64_value/0", `{"int64Value":0}`, `{}`},
		{"POST /typed/int64_value/0", `{"int64Value":1}`, `!another value than the path`},
		// The two differ only above 32 bits, and only below what a double holds.
		{"POST /typed/int64_value/4294967297", `{"int64Value":1}`, `!another value than the path`},
		{"POST /typed/int64_value/9007199254740993", `{"int64Value":"9007199254740992"}`, `!another value than the path`},
		{"POST /typed/uint64_value/18446744073709551615", `{"uint64Value":18446744073709551615}`, `{"uint64Value":"18446744073709551615"}`},
		{"POST /typed/double_value/1.50", `{"doubleValue":15e-1}`, `{"doubleValue":1.5}`},
		{"POST /typed/double_value/NaN", `{"doubleValue":"NaN"}`, `{"doubleValue":"NaN"}`},
		{"POST /typed/double_value/0", `{"doubleValue":-0}`, `!another value than the path`},
		{"POST /typed/bool_value/false", `{"boolValue":false}`, `{}`},
		{"POST /typed/bool_value/false", `{"boolValue":true}`, `!another value than the path`},
		{"POST /typed/bytes_value/-_8", `{"bytesValue":"+/8="}`, `{"bytesValue":"+/8="}`},
		{"POST /typed/color_value/1", `{"colorValue":"COLOR_CRIMSON"}`, `{"colorValue":"COLOR_RED"}`},
		{"POST /typed/color_value/COLOR_RED", `{"color_value":2}`, `!another value than the path`},
		{"POST /typed/string_value/%C3%A9", `{"stringValue":"\u00e9"}`, `{"stringValue":"é"}`},
		{"POST /typed/string_value/a", `{"stringValue":"A"}`, `!another value than the path`},
		{"POST /typed/int64_value/5", `{"int64Value":"x"}`, `!body`},
	})
}

// T54: whatever the body says or leaves out, what path, query and head set is there in the end.
func TestT54BodyTakesNothingAway(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{HeaderFields: map[string]string{"x-parent": "parent"}}, at(`post: "/deep/{thing.owner.name}/{id}"`, "*"))
	b.header = wire.Header{{Name: "x-parent", Value: "p"}}
	run(t, b, []row{
		{"POST /test/v1/body/thing/7?name=n", `{}`, `{"id":"7","name":"n","parent":"p","thing":{}}`},
		{"POST /test/v1/body/thing/7?name=n", `null`, `{"id":"7","name":"n","parent":"p"}`},
		{"POST /test/v1/body/thing/7?name=n", `{"name":"x","tags":[]}`, `{"id":"7","name":"n","parent":"p","thing":{"name":"x"}}`},
		{"POST /test/v1/body/tags/7?name=n", `[]`, `{"id":"7","name":"n","parent":"p"}`},
		{"PUT /test/v1/things/7", `{"id":null,"parent":null}`, `{"id":"7","parent":"p"}`},
		{"POST /deep/o/7", `{"thing":null}`, `{"id":"7","parent":"p","thing":{"owner":{"name":"o"}}}`},
		{"POST /deep/o/7", `{"thing":{"owner":null,"title":"t"}}`, `{"id":"7","parent":"p","thing":{"owner":{"name":"o"},"title":"t"}}`},
		{"POST /deep/o/7", `{"thing":{"owner":{"name":null,"age":0}}}`, `{"id":"7","parent":"p","thing":{"owner":{"name":"o","age":0}}}`},
		{"PATCH /test/v1/things/a?updateMask=title", `{}`, `{"thing":{"name":"things/a"},"parent":"p","updateMask":"title"}`},
	})
}

// T56: two members of a oneof, from any two sources.
func TestT56OneofAcrossSources(t *testing.T) {
	t.Parallel()
	cfg := bind.Config{HeaderFields: map[string]string{"x-number": "number"}}
	b := newBinder(t, cfg, at(`get: "/one/{text}"`, ""), at(`post: "/one/{text}"`, "*"), at(`post: "/other/{other.name}"`, "*"),
		at(`put: "/other/{other.name}"`, "other"), `selector: "dragoman.test.v1.MessageService.EchoShapes" post: "/shapes/{text}" body: "*"`)
	const both = `!both are in the oneof choice`
	run(t, b, []row{
		{"GET /one/a", "", `{"text":"a"}`},
		{"GET /one/a?number=1", "", both},                  // path and query
		{"GET /one/a?other.name=b", "", both},              // of which one is a message
		{"POST /one/a", `{"number":1}`, both},              // path and body
		{"POST /one/a", `{"other":{}}`, both},              //
		{"POST /one/a", `{"number":null}`, `{"text":"a"}`}, // null sets none
		{"POST /one/a", `{"text":"a"}`, `{"text":"a"}`},
		{"POST /other/b", `{"text":"a"}`, both}, // the path sets a field inside of a member
		{"POST /other/b", `{"number":0}`, both},
		{"POST /other/b", `{"other":{"title":"t"}}`, `{"other":{"name":"b","title":"t"}}`},
		{"PUT /other/b?text=a", `{"title":"t"}`, both}, // path, body and query
		{"GET /test/v1/things/7?text=a&number=1", "", both},
		{"POST /test/v1/body/text/7?number=1", `"t"`, both},            // body and query
		{"POST /test/v1/body/all", `{"text":"a","number":1}`, `!body`}, // body alone
		{"POST /shapes/a", `{"value":null}`, both},                     // null is a value of google.protobuf.Value
		{"POST /shapes/a", `{"nothing":null}`, both},                   // and of NullValue
		{"POST /shapes/a", `{"name":"n"}`, `{"text":"a","name":"n"}`},  // another oneof
	})
	run(t, newBinder(t, bind.Config{HeaderFields: map[string]string{"x-title": "other.title"}}, at(`put: "/other"`, "other")), []row{
		{"PUT /other?text=a", `{"name":"t"}`, both}, // the head could set a part of the body, and does not
	})
	b.header = wire.Header{{Name: "x-number", Value: "5"}}
	run(t, b, []row{
		{"GET /test/v1/things/7", "", `{"id":"7","number":5}`},
		{"GET /one/a", "", both},                         // path and head
		{"GET /test/v1/things/7?text=a", "", both},       // head and query
		{"POST /test/v1/body/text/7", `"t"`, both},       // head and body
		{"POST /test/v1/body/all", `{"text":"a"}`, both}, // the whole of it
	})
}

// T49, T171: a body does not set what the head sets, unless to the same value.
func TestT49BodyAndHeader(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{HeaderFields: map[string]string{"x-parent": "parent", "x-tag": "tags", "x-owner": "thing.owner.name"}})
	body := `{"parent":"q","tags":["c"],"thing":{"owner":{"name":"o","email":"e"}}}`
	run(t, b, []row{{"POST /test/v1/body/all", body, body}}) // the head says nothing
	b.header = wire.Header{{Name: "x-parent", Value: "p"}}
	run(t, b, []row{
		{"POST /test/v1/body/all", `{"name":"n"}`, `{"name":"n","parent":"p"}`},
		{"POST /test/v1/body/all", `{"parent":"q"}`, `!parent: the body has another value than the header "x-parent" [parent]`},
		{"POST /test/v1/body/all", `{"parent":"p"}`, `{"parent":"p"}`},
		{"POST /test/v1/body/all", `{"parent":null}`, `{"parent":"p"}`},
	})
	b.header = wire.Header{{Name: "x-tag", Value: "a"}}
	run(t, b, []row{{"POST /test/v1/body/all", `{"tags":["c"]}`, `!x-tag`}})
	b.header = wire.Header{{Name: "x-owner", Value: "a"}}
	run(t, b, []row{
		{"POST /test/v1/body/all", `{"thing":{"owner":{"name":"o"}}}`, `!name: the body has another value than the header "x-owner"`},
		{"POST /test/v1/body/all", `{"thing":{"owner":{"email":"e"}}}`, `{"thing":{"owner":{"name":"a","email":"e"}}}`},
	})
}

// T64: a list has one source. The path cannot set one: httprule's TestT14Problems has the rule that tries.
func TestT64ListsFromBodyAndQuery(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{}), []row{
		{"POST /test/v1/body/tags/7?tags=c", `["a"]`, `!the body is tags`},
		{"POST /test/v1/body/tags/7?tags=c", ``, `!the body is tags`},
		{"POST /test/v1/body/all?tags=c", `{"tags":["a"]}`, `!the body is the whole message`},
		{"POST /test/v1/body/labels/7?labels[a]=b", `{}`, `!the body is labels`},
		{"POST /test/v1/body/things/7?tags=c", `[{}]`, `{"id":"7","tags":["c"],"things":[{}]}`},
	})
}

// T73: what proto2 requires may come from any part, and is looked for in the whole.
func TestT73RequiredFields(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{}, `selector: "dragoman.test.v1.Proto2Service.EchoProto2" get: "/r/{required.id}"`)
	run(t, b, []row{
		{"POST /test/v1/messages/required", `{"id":"a","count":"1"}`, `{"id":"a","count":"1"}`},
		{"POST /test/v1/messages/required", `{"id":"a"}`, `!required fields are missing [count]`},
		{"POST /test/v1/messages/required", `{}`, `! [id] [count]`},
		{"POST /test/v1/messages/required", ``, `! [id] [count]`},
		{"POST /test/v1/messages/required/a?count=1", `{"id":"b","count":"2"}`, `{"id":"a","count":"1","inner":{"id":"b","count":"2"}}`},
		{"POST /test/v1/messages/required/a?count=1", `{"id":"b"}`, `! [inner.count]`},
		{"POST /test/v1/messages/required/a", `{"id":"b","count":"2"}`, `! [count]`},
		{"GET /test/v1/messages/required?id=a&count=1&inner.id=b&inner.count=2", "", `{"id":"a","count":"1","inner":{"id":"b","count":"2"}}`},
		{"GET /test/v1/messages/required?id=a&count=1&inner.id=b", "", `! [inner.count]`},
		{"GET /r/a", "", `! [required.count]`},
		{"GET /r/a?required.count=1", "", `{"required":{"id":"a","count":"1"}}`},
		{"GET /r/a?required.count=1&single.text=b", "", `{"required":{"id":"a","count":"1"},"single":{"text":"b"}}`}, // a group (T68)
	})
}

// T85: with the resource as the body, a mask names its fields, by whichever name; elsewhere nobody knows what it is about.
func TestT85MasksOfAKnownResource(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"PATCH /test/v1/things/a?updateMask=title,owner.email", `{}`, `{"thing":{"name":"things/a"},"updateMask":"title,owner.email"}`},
		{"PATCH /test/v1/things/a?updateMask=labels.any_key,owner", `{}`, `{"thing":{"name":"things/a"},"updateMask":"labels.anyKey,owner"}`},
		{"PATCH /test/v1/things/a?updateMask=", `{}`, `{"thing":{"name":"things/a"},"updateMask":""}`},
		{"PATCH /test/v1/things/a?updateMask=a,,b", `{}`, `!updateMask`},
		{"GET /test/v1/things/7?updateMask=nope.nada,alsoNot", "", `{"id":"7","updateMask":"nope.nada,alsoNot"}`},
		{"PATCH /test/v1/users/7", `{"updateMask":"nope","thing":{}}`, `{"id":"7","updateMask":"nope","thing":{}}`},
	}
	run(t, newBinder(t, bind.Config{}), append(rows, []row{
		{"PATCH /test/v1/things/a?updateMask=nope", `{}`, `!"nope" is not a field of dragoman.test.v1.Thing [updateMask]`},
		{"PATCH /test/v1/things/a?update_mask=title,owner.nope", `{}`, `!"owner.nope" is not a field of dragoman.test.v1.Thing.Owner [update_mask]`},
		{"PATCH /test/v1/things/a?updateMask=title.x", `{}`, `!has no fields`},
	}...))
	run(t, newBinder(t, bind.Config{AnyMaskPath: true}), append(rows,
		row{"PATCH /test/v1/things/a?updateMask=nope", `{}`, `{"thing":{"name":"things/a"},"updateMask":"nope"}`}))

	names := newBinder(t, bind.Config{}, `selector: "dragoman.test.v1.BindingService.NoRule" patch: "/w/{id}" body: "scalars"`)
	run(t, names, []row{ // stored by the proto names, which protobuf's JSON writes in lowerCamelCase
		{"PATCH /w/7?updateMask=int32Value,inner_value.text", `{}`, `{"id":"7","scalars":{},"updateMask":"int32Value,innerValue.text"}`},
	})
}

// T88, T89: whatever is wrong with a part of a request is said of its field, in a google.rpc.BadRequest and in few words, and none
// of Go's.
func TestT89EveryErrorNamesItsField(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{HeaderFields: map[string]string{"x-count": "count"}}, at(`post: "/one/{text}"`, "*"))
	long := strings.Repeat("é", 5000)
	for _, test := range []struct{ request, body, header, field string }{
		{"GET /test/v1/nested/x/true/COLOR_RED", "", "", "scalars.int64_value"},
		{"GET /test/v1/nested/5/true/" + strings.Repeat("%C3%A9", 1000), "", "", "scalars.color_value"},
		{"GET /test/v1/things/%ff", "", "", "id"},
		{"GET /test/v1/things/7?id=8", "", "", "id"},
		{"GET /test/v1/things/7?nope=8", "", "", "nope"},
		{"GET /test/v1/things/7?" + long + "=8", "", "", "é"},
		{"GET /test/v1/things/7?number=" + long, "", "", "number"},
		{"GET /test/v1/things/7?number=1&number=2", "", "", "number"},
		{"GET /test/v1/things/7?number=1&text=2", "", "", "text"},
		{"GET /test/v1/things/7?labels[" + long + "]=1&labels[" + long + "]=2", "", "", "labels[é"},
		{"GET /test/v1/things/7?labels[a]=%ff", "", "", "labels[a]"},
		{"GET /test/v1/things/7?thing=x", "", "", "thing"},
		{"GET /test/v1/things/7?name=%zz", "", "", "name"},
		{"GET /test/v1/things/7?scalars.innerValue" + strings.Repeat(".inner", 40) + "=x", "", "", "scalars.innerValue.inner"},
		{"GET /test/v1/things/7", "", long, "x-count"},
		{"PUT /test/v1/things/7", `{"id":"8"}`, "", "id"},
		{"POST /one/a", `{"number":1}`, "", "text"},
		{"POST /test/v1/body/all", `{"thing":{"owner":{"age":"x"}}}`, "", "thing.owner.age"},
		{"POST /test/v1/body/all", `{"count":2}`, "1", "count"},
		{"POST /test/v1/body/thing/7", `{"nope":1}`, "", "thing.nope"},
		{"POST /test/v1/messages/required", `{"id":"a"}`, "", "count"},
		{"PATCH /test/v1/things/a", `{}`, "", "update_mask"},
	} {
		b.header = nil
		if test.header != "" {
			b.header = wire.Header{{Name: "x-count", Value: test.header}}
		}
		_, err := b.bind(t, test.request, test.body)
		e, ok := errors.AsType[*status.Error](err)
		if !ok || status.HTTPOf(err) != 400 {
			t.Errorf("%.80s: got %v; want 400", test.request, err)
			continue
		}
		if len(e.Message) > 600 || strings.Contains(e.Message, "strconv") {
			t.Errorf("%.80s: the message is not fit for a client: %s", test.request, e.Message)
		}
		bad := badRequest(t, e.Proto().GetDetails())
		if len(bad.GetFieldViolations()) == 0 {
			t.Errorf("%.80s: %s: no field is named", test.request, e.Message)
			continue
		}
		v := bad.GetFieldViolations()[0]
		if !strings.HasPrefix(v.GetField(), test.field) || len(v.GetField()) > 250 || v.GetDescription() == "" || len(v.GetDescription()) > 400 {
			t.Errorf("%.80s: got %q, %q; want the field %s", test.request, v.GetField(), v.GetDescription(), test.field)
		}
	}
}

// badRequest finds the google.rpc.BadRequest among the details of an error.
func badRequest(t *testing.T, details []*anypb.Any) *errdetails.BadRequest {
	t.Helper()
	bad := &errdetails.BadRequest{}
	for _, detail := range details {
		if detail.MessageIs(bad) {
			if err := detail.UnmarshalTo(bad); err != nil {
				t.Error(err)
			}
		}
	}
	return bad
}
