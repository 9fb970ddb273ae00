// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// bindLines gives bindings in one line each: method, index, origin, route, body, response.
func bindLines(bindings []*httprule.Binding) []string {
	var lines []string
	for _, b := range bindings {
		line := fmt.Sprintf("%s %d %s %s", b.Method.Name(), b.Index, b.Place.Origin, b)
		switch b.Body {
		case httprule.BodyWhole:
			line += " body=*"
		case httprule.BodyField:
			line += " body=" + string(b.BodyField.Name())
		case httprule.BodyNone:
		}
		if b.ResponseField != nil {
			line += " response=" + string(b.ResponseField.Name())
		}
		lines = append(lines, line)
	}
	return lines
}

func TestBind(t *testing.T) {
	t.Parallel()
	methods := load(t,
		method{"S.Update", "", `patch: "/v1/{book.name=books/*}" body: "book" response_body: "book" additional_bindings { put: "/v1/{name=books/*}" body: "*" }`},
		method{"S.Get", "", `get: "/v1/{name=books/*}"`},
		method{"S.Post", "", `post: "/v1/books" body: "*"`},
		method{"S.Delete", "", `delete: "/v1/books/{id}"`},
		method{"S.Any", "", `custom { kind: "*" path: "/v1/any" }`},
		method{"S.Head", "", `custom { kind: "HEAD" path: "/v1/head" }`},
		method{"S.None", "", ""},
	)
	bindings, problems := httprule.Bind(methods, httprule.Config{})
	if diff := cmp.Diff([]string(nil), problemLines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	want := []string{
		"Any 0 annotation * /v1/any",
		"Delete 0 annotation DELETE /v1/books/{id}",
		"Get 0 annotation GET /v1/{name=books/*}",
		"Head 0 annotation HEAD /v1/head",
		"Post 0 annotation POST /v1/books body=*",
		"Update 0 annotation PATCH /v1/{book.name=books/*} body=book response=book",
		"Update 1 annotation PUT /v1/{name=books/*} body=*",
	}
	if diff := cmp.Diff(want, bindLines(bindings)); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	update := bindings[5]
	var path []string
	for _, field := range update.Variables[0].Path {
		path = append(path, string(field.FullName()))
	}
	if diff := cmp.Diff([]string{"test.Request.book", "test.Book.name"}, path); diff != "" {
		t.Errorf("field path (-want +got):\n%s", diff)
	}
	if got := update.Variables[0].Field().FullName(); got != "test.Book.name" {
		t.Errorf("field %s", got)
	}
}

// T4: the option is read equally as a known extension, a dynamic one, and unknown bytes.
func TestT4RulesOf(t *testing.T) {
	t.Parallel()
	want := rule(t, `get: "/v1/{id}" additional_bindings { get: "/v2/{id}" }`)
	payload, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	wire := protowire.AppendTag(nil, 72295728, protowire.BytesType)
	wire = protowire.AppendBytes(wire, payload)

	known := &descriptorpb.MethodOptions{}
	proto.SetExtension(known, annotations.E_Http, want)
	unknown := &descriptorpb.MethodOptions{Deprecated: proto.Bool(true)}
	if err := (proto.UnmarshalOptions{Resolver: &protoregistry.Types{}}).Unmarshal(wire, unknown); err != nil {
		t.Fatal(err)
	}
	if len(unknown.ProtoReflect().GetUnknown()) == 0 {
		t.Fatal("the unknown form is known")
	}
	dynamic := dynamicpb.NewMessage(known.ProtoReflect().Descriptor())
	extension := dynamicpb.NewExtensionType(annotations.E_Http.TypeDescriptor().Descriptor())
	value := dynamicpb.NewMessage(want.ProtoReflect().Descriptor())
	if err := proto.Unmarshal(payload, value); err != nil {
		t.Fatal(err)
	}
	dynamic.Set(extension.TypeDescriptor(), protoreflect.ValueOfMessage(value))
	// Two occurrences merge, as protobuf says of a message field.
	split := &descriptorpb.MethodOptions{}
	for _, text := range []string{`get: "/v1/{id}"`, `additional_bindings { get: "/v2/{id}" }`} {
		part, err := proto.Marshal(rule(t, text))
		if err != nil {
			t.Fatal(err)
		}
		raw := protowire.AppendTag(split.ProtoReflect().GetUnknown(), 72295728, protowire.BytesType)
		split.ProtoReflect().SetUnknown(protowire.AppendBytes(raw, part))
	}
	for name, options := range map[string]proto.Message{"known": known, "unknown": unknown, "dynamic": dynamic, "split": split} {
		got, err := httprule.RulesOf(withOptions{routes(t, "GET /x")[0], options})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !proto.Equal(want, got) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for name, options := range map[string]proto.Message{"none": (*descriptorpb.MethodOptions)(nil), "other": &descriptorpb.MethodOptions{Deprecated: proto.Bool(true)}} {
		if got, err := httprule.RulesOf(withOptions{routes(t, "GET /x")[0], options}); got != nil || err != nil {
			t.Errorf("%s: %v, %v; want nothing", name, got, err)
		}
	}
}

// withOptions is a method whose options are given.
type withOptions struct {
	protoreflect.MethodDescriptor
	options proto.Message
}

func (m withOptions) Options() protoreflect.ProtoMessage { return m.options }

func TestUnreadableOption(t *testing.T) {
	t.Parallel()
	for name, wire := range map[string][]byte{
		"no message":      protowire.AppendBytes(protowire.AppendTag(nil, 72295728, protowire.BytesType), []byte{0xff}),
		"wrong wire type": protowire.AppendVarint(protowire.AppendTag(nil, 72295728, protowire.VarintType), 1),
	} {
		options := &descriptorpb.MethodOptions{}
		options.ProtoReflect().SetUnknown(wire)
		file := &descriptorpb.FileDescriptorProto{
			Name: proto.String("u.proto"), Package: proto.String("u"), Syntax: proto.String("proto3"),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{
				{Name: proto.String("Get"), InputType: proto.String(".u.M"), OutputType: proto.String(".u.M"), Options: options},
			}}},
		}
		linked, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
		if err != nil {
			t.Fatal(err)
		}
		method := linked.Services().Get(0).Methods().Get(0)
		everyone := func(protoreflect.ServiceDescriptor) bool { return true }
		bindings, problems := httprule.Bind([]protoreflect.MethodDescriptor{method}, httprule.Config{DefaultBinding: everyone})
		if len(bindings) != 0 || len(problems) != 1 || problems[0].Code != httprule.CodeUnreadable || problems[0].Place.Method != "u.S.Get" {
			t.Errorf("%s: bindings %v, problems %v", name, bindings, problems)
		}
	}
}

// Each row has one problem; the place is what it points at, field:column:length.
func TestT14Problems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ rule, want, label, help string }{
		{ // experience 3.6, message 3
			`get: "/v1/users/{user_id}"`,
			`error DG1103 get:12:7 path variable "user_id" is not a field of test.Request`,
			"the request has: id, name, a, b, c, count, display_name, book, tags, books, labels, email and 3 more",
			"write {id}, or add the field",
		},
		{ // the JSON name is not the name
			`get: "/v1/{displayName}"`,
			`error DG1103 get:6:11 path variable "displayName" is not a field of test.Request`,
			"the request has: id, name, a, b, c, count, display_name, book, tags, books, labels, email and 3 more",
			"write {display_name}, or add the field",
		},
		{ // a field of a field
			`get: "/v1/{book.nam}"`,
			`error DG1103 get:11:3 path variable "book.nam": "nam" is not a field of test.Book`,
			"Book has: name, author",
			"write {book.name}, or add the field",
		},
		{ // nothing is near
			`get: "/v1/{zzzzzz}"`,
			`error DG1103 get:6:6 path variable "zzzzzz" is not a field of test.Request`,
			"the request has: id, name, a, b, c, count, display_name, book, tags, books, labels, email and 3 more",
			"write one of its fields, or add the field",
		},
		{ // repeated
			`get: "/v1/{tags}"`, `error DG1104 get:6:4 path variable "tags": test.Request.tags is repeated`, "repeated",
			"a path variable is a field with one value: a number, bool, enum, string or bytes",
		},
		{ // a map
			`get: "/v1/{labels}"`, `error DG1104 get:6:6 path variable "labels": test.Request.labels is a map`, "a map",
			"a path variable is a field with one value: a number, bool, enum, string or bytes",
		},
		{ // a message
			`get: "/v1/{book}"`, `error DG1104 get:6:4 path variable "book": test.Request.book is a message`, "a message",
			"a path variable is a field with one value: a number, bool, enum, string or bytes",
		},
		{ // also a well-known one
			`get: "/v1/{at}"`, `error DG1104 get:6:2 path variable "at": test.Request.at is a message`, "a message",
			"a path variable is a field with one value: a number, bool, enum, string or bytes",
		},
		{ // repeated on the way
			`get: "/v1/{books.name}"`, `error DG1104 get:6:5 path variable "books.name": test.Request.books is repeated`, "repeated",
			"all names but the last are fields with one message",
		},
		{ // a map on the way
			`get: "/v1/{labels.key}"`, `error DG1104 get:6:6 path variable "labels.key": test.Request.labels is a map`, "a map",
			"all names but the last are fields with one message",
		},
		{ // a scalar on the way
			`get: "/v1/{id.name}"`, `error DG1104 get:6:2 path variable "id.name": test.Request.id is no message`, "no message",
			"all names but the last are fields with one message",
		},
		{ // twice
			`get: "/v1/{id}/{id}"`, `error DG1105 get:11:2 path variable "id" appears twice`, "",
			"give each variable a field of its own",
		},
		{ // nested variables
			`get: "/v1/{name=a/{id}}"`, `error DG1102 get:13:0 syntax error at column 13: a variable cannot hold another variable`, "", "",
		},
		{ // the grammar
			`post: "/v1/{a-b}" body: "*"`, `error DG1102 post:7:0 syntax error at column 7: expected '}', got '-'`, "", "",
		},
		{ // a limit
			`get: "/` + strings.Repeat("a", 3000) + `"`, `error DG1115 get:1:0 the template has 3001 bytes; the limit is 2048`, "", "",
		},
		{ // body unknown
			`post: "/v1/x" body: "bok"`, `error DG1108 body:1:3 body "bok" is not a field of test.Request`,
			"the request has: id, name, a, b, c, count, display_name, book, tags, books, labels, email and 3 more",
			`write "book", or add the field`,
		},
		{ // body below the top level
			`post: "/v1/x" body: "book.name"`, `error DG1108 body:1:9 body "book.name" is not a field of test.Request`,
			"the request has: id, name, a, b, c, count, display_name, book, tags, books, labels, email and 3 more",
			"only a top-level field can be the body",
		},
		{ // body also in the path
			`post: "/v1/{name}" body: "name"`, `error DG1109 body:0:0 body "name" is already set by the path`, "",
			"leave it out of one of them",
		},
		{ // response_body unknown
			`get: "/v1/x" response_body: "name"`, `error DG1110 response_body:1:4 response_body "name" is not a field of test.Response`,
			"the response has: book", "name a top-level field, or add it",
		},
		{ // T13
			`get: "/v1/x" additional_bindings { get: "/v1/y" additional_bindings { get: "/v1/z" } }`,
			`error DG1106 additional_bindings:0:0 additional_bindings cannot hold additional_bindings`, "",
			"move them up into the additional_bindings of the method's rule",
		},
		{ // no pattern
			`body: "*"`, `error DG1101 :0:0 the rule has no path`, "", "set one of get, put, post, delete, patch or custom",
		},
		{ // an empty pattern
			`get: ""`, `error DG1101 get:0:0 the rule has no path`, "", "set one of get, put, post, delete, patch or custom",
		},
		{ // T47
			`custom { kind: "TRACE" path: "/v1/x" }`, `error DG1113 custom.kind:0:0 "TRACE" is no HTTP method that a rule can have`, "",
			"write a method in capitals, such as HEAD, or * for any; CONNECT and TRACE are never served",
		},
		{ // a kind that cannot be sent
			`custom { kind: "GET " path: "/v1/x" }`, `error DG1113 custom.kind:0:0 "GET " is no HTTP method that a rule can have`, "",
			"write a method in capitals, such as HEAD, or * for any; CONNECT and TRACE are never served",
		},
		{ // T34
			`custom { kind: "get" path: "/v1/x" }`, `warning DG1118 custom.kind:0:0 "get" is another method than "GET": HTTP methods are case-sensitive`, "",
			"write GET",
		},
		{ // T18
			`get: "/v1/x" body: "*"`, `warning DG1116 body:0:0 a GET rule has a body; many clients and proxies drop it`, "",
			"leave body out, or use post (AIP-127)",
		},
		{ // T18
			`delete: "/v1/x" body: "book"`, `warning DG1116 body:0:0 a DELETE rule has a body; many clients and proxies drop it`, "",
			"leave body out, or use post (AIP-127)",
		},
		{ // T56 could never hold
			`get: "/v1/{email}/{phone}"`, `error DG1119 get:14:5 "phone" and "email" are both set, but only one member of oneof "contact" can be`, "",
			"split the rule in two, with one of them each",
		},
		{ // nor with the body
			`post: "/v1/{email}" body: "phone"`, `error DG1119 post:6:5 "email" and "phone" are both set, but only one member of oneof "contact" can be`, "",
			"split the rule in two, with one of them each",
		},
	} {
		_, problems := httprule.Bind(load(t, method{"S.M", "", test.rule}), httprule.Config{})
		if diff := cmp.Diff([]string{test.want}, problemLines(problems)); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", test.rule, diff)
			continue
		}
		if p := problems[0]; p.Label != test.label || p.Help != test.help || p.Place.Method != "test.S.M" {
			t.Errorf("%s: label %q, help %q, method %s; want %q, %q, test.S.M", test.rule, p.Label, p.Help, p.Place.Method, test.label, test.help)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, problems := httprule.Build(load(t,
		method{"S.A", "", `get: "/v1/{nope}/{tags}" body: "nada" response_body: "nix" additional_bindings { get: "/v1/{" }`},
		method{"S.B", "", `put: "/v1/same/{a}"`},
		method{"S.C", "", `put: "/v1/same/{b}"`},
	), httprule.Config{Rules: []*annotations.HttpRule{{Selector: "a b"}}})
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s %s %d", p.Code, p.Place.Method, p.Place.Rule))
	}
	want := []string{
		"DG1111  0", "DG1103 test.S.A 0", "DG1104 test.S.A 0", "DG1116 test.S.A 0", "DG1108 test.S.A 0", "DG1110 test.S.A 0",
		"DG1102 test.S.A 1", "DG1107 test.S.C 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAllowedShapes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`patch: "/v1/{book.name=books/*}" body: "book"`, // AIP-134: the message around a path variable is the body
		`patch: "/v1/{book.name=books/*}" body: "*"`,    // or the whole request
		`post: "/v1/x" body: "tags"`,                    // a repeated body
		`post: "/v1/x" body: "labels"`,                  // a map
		`post: "/v1/{count}" body: "book"`,              // a number in the path
		`get: "/v1/{book.name}/{other_book.name}"`,      // equal names in different messages
		`get: "/v1/{book.name}/{book.author}"`,          // two fields of one message
		`get: "/"`,                                      // the root
	} {
		bindings, problems := httprule.Bind(load(t, method{"S.M", "", text}), httprule.Config{})
		if len(bindings) != 1 || len(problems) != 0 {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

func TestWellKnownVariables(t *testing.T) {
	t.Parallel()
	methods := load(t, method{"S.A", "", `get: "/v1/{at}"`}, method{"S.B", "", `get: "/v2/{book}"`})
	bindings, problems := httprule.Bind(methods, httprule.Config{WellKnownVariables: true})
	if diff := cmp.Diff([]string{"A 0 annotation GET /v1/{at}"}, bindLines(bindings)); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	want := []string{`error DG1104 get:6:4 path variable "book": test.Request.book is a message`}
	if diff := cmp.Diff(want, problemLines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestT19Bidi(t *testing.T) {
	t.Parallel()
	everyone := func(protoreflect.ServiceDescriptor) bool { return true }
	bindings, problems := httprule.Bind(load(t,
		method{"S.Bidi", "bidi", `post: "/v1/bidi" body: "*" additional_bindings { post: "/v2/bidi" body: "*" }`},
		method{"S.Client", "client", `post: "/v1/client" body: "*"`},
		method{"S.Server", "server", `get: "/v1/server"`},
		method{"S.Unruled", "bidi", ""}, // a default binding is nobody's mistake
	), httprule.Config{DefaultBinding: everyone})
	want := []string{"warning DG1117 post:0:0 test.S.Bidi streams both ways; plain HTTP cannot carry it"}
	if diff := cmp.Diff(want, problemLines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(bindings) != 5 {
		t.Errorf("bindings %v, want 5", bindLines(bindings))
	}
}

func TestT20DefaultBinding(t *testing.T) {
	t.Parallel()
	methods := load(t, method{"S.Ruled", "", `get: "/v1/x"`}, method{"S.Bare", "", ""}, method{"Other.Bare", "", ""})
	only := func(s protoreflect.ServiceDescriptor) bool { return s.Name() == "S" }
	bindings, problems := httprule.Bind(methods, httprule.Config{DefaultBinding: only})
	want := []string{"Bare 0 default POST /test.S/Bare body=*", "Ruled 0 annotation GET /v1/x"}
	if diff := cmp.Diff(want, bindLines(bindings)); diff != "" || len(problems) > 0 {
		t.Errorf("problems %v, bindings (-want +got):\n%s", problems, diff)
	}
}

func TestT10Selectors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ selector, want string }{
		{"test.S.A", "A"},             // exact
		{"test.S.*", "A B"},           // a whole component
		{"test.*", "A B C"},           // wildcards match one or more components
		{"*", "A B C"},                // everything
		{"test.S.A, test.T.C", "A C"}, // a list, as DocumentationRule.selector has it
		{"test.S.A,test.S.*", "A B"},  // two patterns that match one method are one match
		{"test.S.b", `error DG1112 selector:1:8 selector "test.S.b" matches no method`}, // case-sensitive; T12
		{"tes.*", `error DG1112 selector:1:5 selector "tes.*" matches no method`},       // a prefix of whole components only
		{"test.S", `error DG1112 selector:1:6 selector "test.S" matches no method`},     // a service is no method
		{"test.S.A, x.Y", `error DG1112 selector:11:3 selector "x.Y" matches no method`},
		{"test.S.A*", `error DG1111 selector:1:0 syntax error at column 1: selector "test.S.A*" is no full name, no name that ends in ".*", and not "*"`},
		{"*.A", `error DG1111 selector:1:0 syntax error at column 1: selector "*.A" is no full name, no name that ends in ".*", and not "*"`},
		{"test.*.A", `error DG1111 selector:1:0 syntax error at column 1: selector "test.*.A" is no full name, no name that ends in ".*", and not "*"`},
		{".test.S.A", `error DG1111 selector:1:0 syntax error at column 1: selector ".test.S.A" is no full name, no name that ends in ".*", and not "*"`},
		{"", `error DG1111 selector:1:0 syntax error at column 1: selector "" is no full name, no name that ends in ".*", and not "*"`},
		{"test.S.A,", `error DG1111 selector:10:0 syntax error at column 10: selector "" is no full name, no name that ends in ".*", and not "*"`},
	} {
		methods := load(t, method{"S.A", "", ""}, method{"S.B", "", ""}, method{"T.C", "", ""})
		c := httprule.Config{Rules: []*annotations.HttpRule{rule(t, fmt.Sprintf(`selector: %q get: "/v1/x"`, test.selector))}}
		bindings, problems := httprule.Bind(methods, c)
		var names []string
		for _, b := range bindings {
			names = append(names, string(b.Method.Name()))
			if b.Place.Origin != httprule.FromConfig || b.Place.ConfigRule != 0 {
				t.Errorf("%q: place %v", test.selector, b.Place)
			}
		}
		got := strings.Join(names, " ")
		if len(problems) > 0 {
			got = strings.Join(problemLines(problems), "; ")
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.selector, got, test.want)
		}
	}
}

func TestT11ConfigRules(t *testing.T) {
	t.Parallel()
	annotated := method{"S.A", "", `get: "/v1/annotation" additional_bindings { get: "/v1/more" }`}
	rules := []*annotations.HttpRule{
		rule(t, `selector: "test.S.A" get: "/v1/first" additional_bindings { get: "/v1/first-more" }`),
		rule(t, `selector: "test.S.*" get: "/v1/last"`),
	}
	for _, test := range []struct {
		name  string
		c     httprule.Config
		want  []string
		rules []string
	}{
		{"the last one replaces all", httprule.Config{Rules: rules}, []string{"A 0 config GET /v1/last"}, []string{"1.0"}},
		{"add", httprule.Config{Rules: rules, Merge: httprule.MergeAdd}, []string{
			"A 0 annotation GET /v1/annotation", "A 1 annotation GET /v1/more",
			"A 2 config GET /v1/first", "A 3 config GET /v1/first-more", "A 4 config GET /v1/last",
		}, []string{"-1.0", "-1.1", "0.0", "0.1", "1.0"}},
	} {
		bindings, problems := httprule.Bind(load(t, annotated), test.c)
		if diff := cmp.Diff(test.want, bindLines(bindings)); diff != "" || len(problems) > 0 {
			t.Errorf("%s: problems %v, bindings (-want +got):\n%s", test.name, problems, diff)
		}
		var places []string
		for _, b := range bindings {
			places = append(places, fmt.Sprintf("%d.%d", b.Place.ConfigRule, b.Place.Rule))
		}
		if diff := cmp.Diff(test.rules, places); diff != "" {
			t.Errorf("%s: places (-want +got):\n%s", test.name, diff)
		}
	}
}

// T11: what is replaced is not even looked at.
func TestT11ReplacedAnnotationIsNotChecked(t *testing.T) {
	t.Parallel()
	c := httprule.Config{Rules: []*annotations.HttpRule{rule(t, `selector: "test.S.A" get: "/v1/good"`)}}
	bindings, problems := httprule.Bind(load(t, method{"S.A", "", `get: "/v1/{bad"`}), c)
	if len(problems) > 0 || len(bindings) != 1 {
		t.Errorf("problems %v, bindings %v", problems, bindLines(bindings))
	}
}

// T49 to T52: what a query may not set.
func TestT49Claims(t *testing.T) {
	t.Parallel()
	methods := load(t,
		method{"S.Field", "", `patch: "/v1/{book.name=books/*}" body: "other_book"`},
		method{"S.None", "", `get: "/v1/{id}"`},
		method{"S.Whole", "", `post: "/v1/{id}" body: "*"`},
	)
	bindings, problems := httprule.Bind(methods, httprule.Config{})
	if len(bindings) != 3 {
		t.Fatal(problems)
	}
	field, none, whole := bindings[0], bindings[1], bindings[2]
	for _, test := range []struct {
		binding *httprule.Binding
		path    string
		want    httprule.Claim
	}{
		{none, "id", httprule.ClaimPath},
		{none, "name", httprule.ClaimNone},
		{none, "book.name", httprule.ClaimNone},
		{none, "", httprule.ClaimNone},
		{field, "book.name", httprule.ClaimPath},
		{field, "book", httprule.ClaimPath},            // it would replace what the path set
		{field, "book.author", httprule.ClaimNone},     // T51
		{field, "other_book", httprule.ClaimBody},      // T51
		{field, "other_book.name", httprule.ClaimBody}, // T51
		{field, "id", httprule.ClaimNone},
		{whole, "id", httprule.ClaimPath},
		{whole, "name", httprule.ClaimBody}, // T52
		{whole, "book.name", httprule.ClaimBody},
	} {
		// Descriptors of a second load stand for a field found by another way; T50.
		input := load(t, method{"S.None", "", ""})[0].Input()
		var path []protoreflect.FieldDescriptor
		for name := range strings.SplitSeq(test.path, ".") {
			if field := input.Fields().ByName(protoreflect.Name(name)); field != nil {
				path = append(path, field)
				input = field.Message()
			}
		}
		if got := test.binding.Claims(path); got != test.want {
			t.Errorf("%s claims %q: %d, want %d", test.binding, test.path, got, test.want)
		}
	}
}

func TestFullyDecodeReservedExpansion(t *testing.T) {
	t.Parallel()
	methods := load(t, method{"S.Annotated", "", `get: "/v1/{name=**}"`}, method{"S.Configured", "", ""})
	rules := []*annotations.HttpRule{rule(t, `selector: "test.S.Configured" get: "/v2/{id}/{name=**}"`)}
	for _, test := range []struct {
		c    httprule.Config
		want []httprule.Unescape
	}{
		{httprule.Config{Rules: rules}, []httprule.Unescape{httprule.UnescapeExceptSlash, httprule.UnescapeAll, httprule.UnescapeExceptSlash}},
		{httprule.Config{Rules: rules, FullyDecodeReservedExpansion: true}, []httprule.Unescape{httprule.UnescapeExceptSlash, httprule.UnescapeAll, httprule.UnescapeAll}},
		{httprule.Config{Rules: rules, Unescape: httprule.UnescapeExceptReserved}, []httprule.Unescape{httprule.UnescapeExceptReserved, httprule.UnescapeAll, httprule.UnescapeExceptReserved}},
	} {
		bindings, _ := httprule.Bind(methods, test.c)
		var got []httprule.Unescape
		for _, b := range bindings {
			for _, v := range b.Variables {
				got = append(got, v.Unescape)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.c, diff)
		}
	}
}

func TestConfigBounds(t *testing.T) {
	t.Parallel()
	bad := httprule.Config{
		MaxPathBytes: httprule.HighestMaxPathBytes + 1, MaxPathSegments: -1, MaxVisits: -1, Merge: 2, Unescape: 3, OnConflict: 2, TrailingSlash: 3,
		Grammar: httprule.Grammar{MaxBytes: -1, MaxSegments: -1, MaxVariables: -1},
	}
	want := []string{
		"max_template_bytes is -1; it must be 1 to 65536",
		"max_template_segments is -1; it must be 1 to 1024",
		"max_variables is -1; it must be 1 to 1024",
		"max_path_bytes is 65001; it must be 1 to 65000",
		"max_path_segments is -1; it must be 1 to 65000",
		"max_visits is -1; it must be 1 to 1048576",
		"merge is 2; it must be 0 to 1",
		"unescape is 3; it must be 0 to 2",
		"on_conflict is 2; it must be 0 to 1",
		"trailing_slash is 3; it must be 0 to 2",
	}
	for name, build := range map[string]func() (*httprule.Table, []httprule.Problem){
		"Build":    func() (*httprule.Table, []httprule.Problem) { return httprule.Build(nil, bad) },
		"NewTable": func() (*httprule.Table, []httprule.Problem) { return httprule.NewTable(nil, bad) },
	} {
		table, problems := build()
		var got []string
		for _, p := range problems {
			got = append(got, p.Message)
		}
		if diff := cmp.Diff(want, got); diff != "" || table != nil {
			t.Errorf("%s: table %v, problems (-want +got):\n%s", name, table, diff)
		}
	}
}

func TestProblemText(t *testing.T) {
	t.Parallel()
	_, problems := httprule.Build(load(t, method{"S.A", "", `get: "/v1/{a}"`}, method{"S.B", "", `get: "/v2" additional_bindings { get: "/v1/{b}" }`}), httprule.Config{})
	if len(problems) != 1 {
		t.Fatal(problems)
	}
	got := problems[0].String()
	want := "error[DG1107]: two methods claim GET /v1/* (test.S.B annotation additional binding 1 get); S/B GET /v1/{b}; change one path; see test.S.A annotation get, S/A GET /v1/{a}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
