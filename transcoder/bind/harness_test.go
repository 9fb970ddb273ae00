// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/bind"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// binder binds requests to the methods of the test services.
type binder struct {
	table *httprule.Table
	codec *codec.Codec
	cfg   bind.Config

	header wire.Header
}

// newBinder binds to the test services by their rules, and by more of a service configuration, each in prototext.
func newBinder(tb testing.TB, cfg bind.Config, rules ...string) *binder {
	tb.Helper()
	added := make([]*annotations.HttpRule, len(rules))
	for i, text := range rules {
		added[i] = &annotations.HttpRule{}
		if err := prototext.Unmarshal([]byte(text), added[i]); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
	}
	var methods []protoreflect.MethodDescriptor
	for _, file := range []protoreflect.FileDescriptor{
		testv1.File_dragoman_test_v1_bindings_proto, testv1.File_dragoman_test_v1_proto2_proto, testv1.File_dragoman_test_v1_scalars_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				methods = append(methods, service.Methods().Get(j))
			}
		}
	}
	table, problems := httprule.Build(methods, httprule.Config{
		DefaultBinding: func(protoreflect.ServiceDescriptor) bool { return true }, Rules: added, Merge: httprule.MergeAdd,
	})
	if httprule.HasErrors(problems) {
		tb.Fatal(problems)
	}
	c, err := codec.New(protoregistry.GlobalTypes, codec.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return &binder{table: table, codec: c, cfg: cfg}
}

// bind binds "VERB /path?query" and a body. It returns the message as compact JSON.
func (b *binder) bind(tb testing.TB, request, body string) (string, error) {
	tb.Helper()
	verb, target, _ := strings.Cut(request, " ")
	path, query, _ := strings.Cut(target, "?")
	var m httprule.Match
	if outcome := b.table.Match(&m, verb, path); outcome != httprule.Found {
		tb.Fatalf("%s: outcome %v; want a match", request, outcome)
	}
	plan, err := bind.Compile(m.Binding(), b.codec, b.cfg)
	if err != nil {
		tb.Fatalf("%s: %v", request, err)
	}
	bound := &bind.Request{Match: &m, Query: query, Body: []byte(body), ContentType: "text/x-test", Header: b.header}
	data, err := plan.Bind(nil, bound)
	if err != nil {
		return "", err
	}
	message := dynamicpb.NewMessage(m.Binding().Method.Input())
	if err := (proto.UnmarshalOptions{Resolver: protoregistry.GlobalTypes}).Unmarshal(data, message); err != nil {
		tb.Fatalf("%s: the bound message is not one: %v", request, err)
	}
	text, err := protojson.Marshal(message)
	if err != nil {
		tb.Fatal(err)
	}
	return compact(tb, string(text)), nil
}

// compact takes the white space out of JSON and sorts its members.
func compact(tb testing.TB, text string) string {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// row is a request and the message that it becomes, or, with a "!" before it, a part of the error.
type row struct {
	request, body string
	want          string
}

func run(t *testing.T, b *binder, rows []row) {
	t.Helper()
	for _, r := range rows {
		got, err := b.bind(t, r.request, r.body)
		part, refused := strings.CutPrefix(r.want, "!")
		if !refused {
			if err != nil || got != compact(t, r.want) {
				t.Errorf("%s %s\n got %s, %v\nwant %s", r.request, r.body, got, err, r.want)
			}
			continue
		}
		e, ok := errors.AsType[*status.Error](err)
		if !ok || status.HTTPOf(err) != 400 {
			t.Errorf("%s %s\n got %s, %v\nwant 400 with %q", r.request, r.body, got, err, part)
			continue
		}
		text := e.Message
		for _, v := range e.Violations {
			text += " [" + v.Field + "]"
		}
		if !strings.Contains(text, part) {
			t.Errorf("%s %s\n got %s\nwant 400 with %q", r.request, r.body, text, part)
		}
	}
}

func (b *binder) matches(verb, path string) bool {
	var m httprule.Match
	return b.table.Match(&m, verb, path) == httprule.Found
}
