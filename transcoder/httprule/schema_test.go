// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// messages is the schema that all tests share.
const messages = `
syntax: "proto3"
dependency: "google/protobuf/timestamp.proto"
message_type {
  name: "Request"
  field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "name" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "a" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "b" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "c" number: 5 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "count" number: 6 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "display_name" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "displayName" }
  field { name: "book" number: 8 type: TYPE_MESSAGE type_name: ".test.Book" label: LABEL_OPTIONAL }
  field { name: "tags" number: 9 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "books" number: 10 type: TYPE_MESSAGE type_name: ".test.Book" label: LABEL_REPEATED }
  field { name: "labels" number: 11 type: TYPE_MESSAGE type_name: ".test.Request.LabelsEntry" label: LABEL_REPEATED }
  field { name: "email" number: 12 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "phone" number: 13 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "at" number: 14 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "other_book" number: 15 type: TYPE_MESSAGE type_name: ".test.Book" label: LABEL_OPTIONAL }
  nested_type {
    name: "LabelsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  }
  oneof_decl { name: "contact" }
}
message_type {
  name: "Book"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "author" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "Response"
  field { name: "book" number: 1 type: TYPE_MESSAGE type_name: ".test.Book" label: LABEL_OPTIONAL }
}
`

// method is one method of the test schema: its name within package test, streaming ("", "client", "server",
// "bidi"), and its rule in prototext or empty.
type method struct {
	name      string
	streaming string
	rule      string
}

// load links methods, "Service.Method" each, into one file, in the given order.
func load(tb testing.TB, methods ...method) []protoreflect.MethodDescriptor {
	tb.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(messages), file); err != nil {
		tb.Fatal(err)
	}
	file.Name, file.Package = proto.String("test.proto"), proto.String("test")
	services := make(map[string]*descriptorpb.ServiceDescriptorProto)
	for _, m := range methods {
		serviceName, methodName, _ := strings.Cut(m.name, ".")
		service, ok := services[serviceName]
		if !ok {
			service = &descriptorpb.ServiceDescriptorProto{Name: &serviceName}
			services[serviceName] = service
			file.Service = append(file.Service, service)
		}
		descriptor := &descriptorpb.MethodDescriptorProto{
			Name: &methodName, InputType: proto.String(".test.Request"), OutputType: proto.String(".test.Response"),
			ClientStreaming: proto.Bool(m.streaming == "client" || m.streaming == "bidi"),
			ServerStreaming: proto.Bool(m.streaming == "server" || m.streaming == "bidi"),
		}
		if m.rule != "" {
			descriptor.Options = &descriptorpb.MethodOptions{}
			proto.SetExtension(descriptor.Options, annotations.E_Http, rule(tb, m.rule))
		}
		service.Method = append(service.Method, descriptor)
	}
	linked, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		tb.Fatal(err)
	}
	var found []protoreflect.MethodDescriptor
	for _, m := range methods {
		serviceName, methodName, _ := strings.Cut(m.name, ".")
		found = append(found, linked.Services().ByName(protoreflect.Name(serviceName)).Methods().ByName(protoreflect.Name(methodName)))
	}
	return found
}

// rule reads an HttpRule in prototext.
func rule(tb testing.TB, text string) *annotations.HttpRule {
	tb.Helper()
	r := &annotations.HttpRule{}
	if err := prototext.Unmarshal([]byte(text), r); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return r
}

// routes links one method per route, "GET /v1/{id}", in the given order. Methods are named S.M0, S.M1 and so on.
func routes(tb testing.TB, list ...string) []protoreflect.MethodDescriptor {
	tb.Helper()
	methods := make([]method, len(list))
	for i, route := range list {
		methods[i] = method{name: fmt.Sprintf("S.M%d", i), rule: pattern(route)}
	}
	return load(tb, methods...)
}

// pattern turns "GET /v1/{id}" into the prototext of a rule.
func pattern(route string) string {
	kind, path, _ := strings.Cut(route, " ")
	switch kind {
	case "GET", "PUT", "POST", "DELETE", "PATCH":
		return fmt.Sprintf("%s: %q", strings.ToLower(kind), path)
	}
	return fmt.Sprintf("custom { kind: %q path: %q }", kind, path)
}

// build makes the table of routes; any error fails the test.
func build(tb testing.TB, c httprule.Config, list ...string) *httprule.Table {
	tb.Helper()
	table, problems := httprule.Build(routes(tb, list...), c)
	if table == nil {
		tb.Fatalf("build %q: %v", list, problems)
	}
	return table
}

// ask matches "GET /path" and gives what came of it in one line: the template with values, or the outcome.
func ask(tb testing.TB, table *httprule.Table, request string) string {
	tb.Helper()
	kind, path, _ := strings.Cut(request, " ")
	return answer(tb, table, kind, path)
}

func answer(tb testing.TB, table *httprule.Table, kind, path string) string {
	tb.Helper()
	var m httprule.Match
	outcome := table.Match(&m, kind, path)
	switch outcome {
	case httprule.Found:
		return describe(tb, &m)
	case httprule.MethodNotAllowed, httprule.OptionsOnly:
		return outcomeName(outcome) + " " + strings.Join(m.Allowed(), ",")
	case httprule.Redirect:
		return "redirect " + m.RedirectPath()
	case httprule.BadPath, httprule.PathTooLong:
		return outcomeName(outcome) + ": " + m.Fault().String()
	case httprule.NotFound:
	}
	return outcomeName(outcome)
}

// describe is "GET /v1/{id} id=7".
func describe(tb testing.TB, m *httprule.Match) string {
	tb.Helper()
	text := m.Binding().String()
	for i, v := range m.Binding().Variables {
		value, err := m.Value(i)
		appended, appendErr := m.AppendValue([]byte("!"), i)
		if string(appended) != "!"+value || (err == nil) != (appendErr == nil) {
			tb.Errorf("variable %s: Value gives %q, %v; AppendValue %q, %v", v.Name, value, err, appended, appendErr)
		}
		if err != nil {
			value = err.Error()
		}
		text += " " + v.Name + "=" + value
	}
	return text
}

func outcomeName(o httprule.Outcome) string {
	return [...]string{"not found", "found", "method not allowed", "options", "redirect", "bad path", "too long"}[o]
}

// problemLines gives problems in one line each, without help.
func problemLines(problems []httprule.Problem) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, fmt.Sprintf("%s %s %s:%d:%d %s", p.Severity, p.Code, p.Place.Field, p.Place.Column, p.Place.Length, p.Message))
	}
	return lines
}
