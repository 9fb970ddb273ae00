// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T106-T109: the mask of a PATCH is what the body names, unless the client says it.
func TestT106PatchMasks(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"PATCH /test/v1/things/a", `{"title":"t"}`, `{"thing":{"name":"things/a","title":"t"},"updateMask":"title"}`},
		// T107: null and defaults are named too, in proto spelling, sorted; lists and maps are named as a whole.
		{"PATCH /test/v1/things/a", `{"title":"","size":0,"color":null}`, `{"thing":{"name":"things/a"},"updateMask":"color,size,title"}`},
		{"PATCH /test/v1/things/a", `{"tags":[],"labels":{"a":"b"}}`, `{"thing":{"name":"things/a","labels":{"a":"b"}},"updateMask":"labels,tags"}`},
		{"PATCH /test/v1/things/a", `{"owner":{"email":"e","age":null}}`, `{"thing":{"name":"things/a","owner":{"email":"e"}},"updateMask":"owner.age,owner.email"}`},
		{"PATCH /test/v1/things/a?updateMask=size", `{"title":"t"}`, `{"thing":{"name":"things/a","title":"t"},"updateMask":"size"}`}, // T109
		{"PUT /test/v1/things/7", `{"thing":{"title":"t"}}`, `{"id":"7","thing":{"title":"t"}}`},                                      // not a PATCH
		{"PATCH /test/v1/users/7", `{"thing":{"title":"t"}}`, `{"id":"7","thing":{"title":"t"}}`},                                     // body "*"
	}
	empty := []string{"{}", "", "null"}
	strict := newBinder(t, bind.Config{})
	run(t, strict, rows)
	loose := newBinder(t, bind.Config{EmptyMask: true})
	run(t, loose, rows)
	for _, body := range empty { // T108
		run(t, strict, []row{{"PATCH /test/v1/things/a", body, `!names no field`}})
		run(t, strict, []row{{"PATCH /test/v1/things/a?update_mask=title", body, `{"thing":{"name":"things/a"},"updateMask":"title"}`}})
		run(t, loose, []row{{"PATCH /test/v1/things/a", body, `{"thing":{"name":"things/a"}}`}})
	}
}

// T171: header fields are a source between path and query.
func TestT171HeaderFields(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{HeaderFields: map[string]string{"x-parent": "parent", "x-tag": "tags", "x-count": "count"}})
	b.header = wire.Header{{Name: "x-parent", Value: "p"}, {Name: "x-tag", Value: "a"}, {Name: "x-tag", Value: "b"}, {Name: "x-other", Value: "o"}}
	run(t, b, []row{
		{"GET /test/v1/things/7?name=n", "", `{"id":"7","name":"n","parent":"p","tags":["a","b"]}`},
		{"GET /test/v1/things/7?parent=q", "", `!parent: the query sets it, and the header has set it already`},
		{"GET /test/v1/things/7?tags=c", "", `!tags`},
	})
	b.header = wire.Header{{Name: "x-count", Value: "many"}}
	run(t, b, []row{{"GET /test/v1/things/7", "", `!header "x-count"`}})
	b.header = wire.Header{{Name: "x-count", Value: "1"}, {Name: "x-count", Value: "2"}}
	run(t, b, []row{{"GET /test/v1/things/7", "", `!set twice`}})

	for path, want := range map[string]string{"nope": "not a field", "thing": "is a message", "id": "is set by the path"} {
		_, err := bind.Compile(b.find(t, "GET", "/test/v1/things/7"), b.codec, bind.Config{HeaderFields: map[string]string{"x": path}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("x sets %s: %v; want %q", path, err, want)
		}
	}
	if _, err := bind.Compile(b.find(t, "POST", "/test/v1/body/thing/7"), b.codec, bind.Config{HeaderFields: map[string]string{"x": "thing"}}); err == nil {
		t.Error("a header may set the body")
	}

	// What the body says as well must be the same (T53).
	b = newBinder(t, bind.Config{HeaderFields: map[string]string{"x-title": "thing.title", "x-name": "name"}})
	run(t, b, []row{{"POST /test/v1/body/thing/7", `{"title":"b"}`, `{"id":"7","thing":{"title":"b"}}`}})
	b.header = wire.Header{{Name: "x-title", Value: "h"}}
	run(t, b, []row{
		{"POST /test/v1/body/thing/7", `{"name":"n"}`, `{"id":"7","thing":{"name":"n","title":"h"}}`},
		{"POST /test/v1/body/thing/7", `{"title":"h"}`, `{"id":"7","thing":{"title":"h"}}`},
		{"POST /test/v1/body/thing/7", `{"title":"b"}`, `!title: the body has another value than the header`},
		{"POST /test/v1/body/thing/7", "", `{"id":"7","thing":{"title":"h"}}`},
	})
	b = newBinder(t, bind.Config{HeaderFields: map[string]string{"x-name": "name", "x-tags": "tags"}})
	b.header = wire.Header{{Name: "x-name", Value: "h"}, {Name: "x-tags", Value: "t"}}
	run(t, b, []row{
		{"POST /test/v1/body/all", `{"count":1}`, `{"count":"1","name":"h","tags":["t"]}`},
		{"POST /test/v1/body/all", `{"name":"h"}`, `{"name":"h","tags":["t"]}`},
		{"POST /test/v1/body/all", `{"name":"b"}`, `!name: the body has another value than the header`},
		{"POST /test/v1/body/all", `{"tags":["t"]}`, `!tags: the body has another value than the header`},
	})
}

// T49, T52, T53 where a profile asks for it: what is weaker is dropped, and still never wins.
func TestT49PathWinsWithoutAWord(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{PathWins: true}), []row{
		{"GET /test/v1/things/7?id=8&name=n", "", `{"id":"7","name":"n"}`},
		{"PUT /test/v1/things/7", `{"id":"8","name":"n"}`, `{"id":"7","name":"n"}`},
		{"POST /test/v1/body/thing/7?thing.title=t", `{"name":"n"}`, `{"id":"7","thing":{"name":"n"}}`},
		{"POST /test/v1/body/all?name=q", `{"name":"n"}`, `{"name":"n"}`},
		{"GET /test/v1/nested/a/owners/b?thing.name=t", "", `{"thing":{"name":"a","owner":{"name":"b"}}}`},
		{"GET /test/v1/things/7?name=a&name=b", "", `!set twice`}, // T55 holds in every profile
	})
}

// T60, T78, T82, T84 where a profile asks for it.
func TestT60LiteralPlusAndLenientScalars(t *testing.T) {
	t.Parallel()
	run(t, newBinder(t, bind.Config{LiteralPlus: true}), []row{
		{"GET /test/v1/things/7?name=a+b%2Bc%20d", "", `{"id":"7","name":"a+b+c d"}`},
	})
	run(t, newBinder(t, bind.Config{LenientScalars: true}), []row{
		{"GET /test/v1/nested/5/1/COLOR_RED", "", `{"scalars":{"int64Value":"5","boolValue":true,"colorValue":"COLOR_RED"}}`},
		{"GET /test/v1/nested/+5/TRUE/COLOR_RED", "", `{"scalars":{"int64Value":"5","boolValue":true,"colorValue":"COLOR_RED"}}`},
		{"GET /test/v1/nested/007/f/COLOR_RED", "", `{"scalars":{"int64Value":"7","colorValue":"COLOR_RED"}}`},
		{"GET /test/v1/nested/0x7/f/COLOR_RED", "", `!path variable`},
		{"GET /test/v1/things/7?timeout=1h", "", `{"id":"7","timeout":"3600s"}`},
		{"GET /test/v1/things/7?timeout=1.5s", "", `{"id":"7","timeout":"1.500s"}`},
		{"GET /test/v1/things/7?scalars.doubleValue=inf&scalars.floatValue=nan", "", `{"id":"7","scalars":{"doubleValue":"Infinity","floatValue":"NaN"}}`},
		{"GET /test/v1/things/7?scalars.doubleValue=1e400", "", `!scalars.doubleValue`},
		{"GET /test/v1/things/7?flag=yes", "", `!flag`},
		{"GET /test/v1/things/7?scalars.uint32Value=-1", "", `!scalars.uint32Value`},
	})
}

// find returns the binding that a path matches.
func (b *binder) find(tb testing.TB, verb, path string) *httprule.Binding {
	tb.Helper()
	var m httprule.Match
	if outcome := b.table.Match(&m, verb, path); outcome != httprule.Found {
		tb.Fatalf("%s %s: outcome %v", verb, path, outcome)
	}
	return m.Binding()
}
