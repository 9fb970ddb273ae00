// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package prune_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/transcoder/prune"
)

// corpusFile has every way in which one message holds another.
const corpusFile = `
name: "corpus.proto" package: "corpus" syntax: "proto2" dependency: "google/protobuf/any.proto"
message_type {
  name: "Tree"
  field {name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL}
  field {name: "secret" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL options {debug_redact: true}}
  field {name: "left" number: 3 type: TYPE_MESSAGE type_name: ".corpus.Tree" label: LABEL_OPTIONAL}
  field {name: "kids" number: 4 type: TYPE_MESSAGE type_name: ".corpus.Tree" label: LABEL_REPEATED}
  field {name: "by_name" number: 5 type: TYPE_MESSAGE type_name: ".corpus.Tree.ByNameEntry" label: LABEL_REPEATED}
  field {name: "any" number: 6 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL}
  field {name: "anys" number: 7 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_REPEATED}
  field {name: "group" number: 8 type: TYPE_GROUP type_name: ".corpus.Tree.Group" label: LABEL_OPTIONAL}
  field {name: "a" number: 9 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0}
  field {name: "t" number: 10 type: TYPE_MESSAGE type_name: ".corpus.Tree" label: LABEL_OPTIONAL oneof_index: 0}
  field {name: "vault" number: 11 type: TYPE_MESSAGE type_name: ".corpus.Plain" label: LABEL_OPTIONAL options {debug_redact: true}}
  field {name: "plain" number: 12 type: TYPE_MESSAGE type_name: ".corpus.Plain" label: LABEL_OPTIONAL}
  field {name: "pins" number: 13 type: TYPE_INT32 label: LABEL_REPEATED options {debug_redact: true packed: true}}
  field {name: "open" number: 14 type: TYPE_MESSAGE type_name: ".corpus.Open" label: LABEL_OPTIONAL}
  oneof_decl {name: "one"}
  extension_range {start: 100 end: 200}
  nested_type {
    name: "ByNameEntry" options {map_entry: true}
    field {name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL}
    field {name: "value" number: 2 type: TYPE_MESSAGE type_name: ".corpus.Tree" label: LABEL_OPTIONAL}
  }
  nested_type {
    name: "Group"
    field {name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL}
    field {name: "secret" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL options {debug_redact: true}}
    field {name: "tree" number: 3 type: TYPE_MESSAGE type_name: ".corpus.Tree" label: LABEL_OPTIONAL}
  }
}
message_type {
  name: "Plain"
  field {name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL}
  field {name: "secret" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL options {debug_redact: true}}
  field {name: "inner" number: 3 type: TYPE_MESSAGE type_name: ".corpus.Plain" label: LABEL_OPTIONAL}
}
message_type {
  name: "Open"
  field {name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL}
  field {name: "inner" number: 2 type: TYPE_MESSAGE type_name: ".corpus.Open" label: LABEL_OPTIONAL}
}
extension {name: "extra" number: 100 type: TYPE_MESSAGE type_name: ".corpus.Tree" label: LABEL_OPTIONAL extendee: ".corpus.Tree"}
extension {name: "code" number: 101 type: TYPE_STRING label: LABEL_OPTIONAL extendee: ".corpus.Tree" options {debug_redact: true}}
`

// corpus is the types of the file.
var corpus = sync.OnceValue(func() *dynamicpb.Types {
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(corpusFile), &file); err != nil {
		panic(err)
	}
	files := new(protoregistry.Files)
	if err := files.RegisterFile(anypb.File_google_protobuf_any_proto); err != nil {
		panic(err)
	}
	fd, err := protodesc.NewFile(&file, files)
	if err != nil {
		panic(err)
	}
	if err := files.RegisterFile(fd); err != nil {
		panic(err)
	}
	return dynamicpb.NewTypes(files)
})

// types is dynamicpb.Types, which cannot list extensions by itself.
type types struct{ *dynamicpb.Types }

func (t types) RangeExtensionsByMessage(message protoreflect.FullName, f func(protoreflect.ExtensionType) bool) {
	for number := range protoreflect.FieldNumber(200) {
		if x, err := t.FindExtensionByNumber(message, number); err == nil && !f(x) {
			return
		}
	}
}

func descriptor(t testing.TB, name string) protoreflect.MessageDescriptor {
	t.Helper()
	m, err := corpus().FindMessageByName(protoreflect.FullName("corpus." + name))
	if err != nil {
		t.Fatal(err)
	}
	return m.Descriptor()
}

func redacted(fd protoreflect.FieldDescriptor) bool {
	o, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && o.GetDebugRedact()
}

// pruner removes what is marked debug_redact.
func pruner() *prune.Pruner { return prune.New(prune.Config{Drop: redacted, Types: types{corpus()}}) }

// encode is a message in text on the wire.
func encode(t testing.TB, name, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(descriptor(t, name))
	if err := (prototext.UnmarshalOptions{Resolver: corpus()}).Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMarkedFieldsGo(t *testing.T) {
	t.Parallel()
	plan := pruner().Plan(descriptor(t, "Tree"))
	for _, tt := range []struct{ reason, message, want string }{
		{"nothing there", `name: "n"`, `name: "n"`},
		{"at the top", `name: "n" secret: "s"`, `name: "n"`},
		{"a message, whole", `name: "n" vault {name: "v"}`, `name: "n"`},
		{"a packed list", `name: "n" pins: [1, 2, 3]`, `name: "n"`},
		{"in a message", `left {name: "l" secret: "s"}`, `left {name: "l"}`},
		{"all of a message", `left {secret: "s"}`, `left {}`},
		{"deep", `left {left {left {secret: "s" name: "n"} name: "m"}}`, `left {left {left {name: "n"} name: "m"}}`},
		{"in a list", `kids {name: "1"} kids {secret: "s"} kids {name: "3" secret: "s"}`, `kids {name: "1"} kids {} kids {name: "3"}`},
		{"in a map", `by_name {key: "k" value {name: "n" secret: "s"}}`, `by_name {key: "k" value {name: "n"}}`},
		{"in a group", `Group {name: "g" secret: "s" tree {secret: "s"}}`, `Group {name: "g" tree {}}`},
		{"in a oneof", `t {secret: "s" name: "n"}`, `t {name: "n"}`},
		{"in an extension", `[corpus.extra] {secret: "s" name: "n"}`, `[corpus.extra] {name: "n"}`},
		{"an extension", `name: "n" [corpus.code]: "s"`, `name: "n"`},
		{"in an Any", `any {[type.googleapis.com/corpus.Plain] {name: "n" secret: "s"}}`, `any {[type.googleapis.com/corpus.Plain] {name: "n"}}`},
		{"in an Any in an Any", `any {[type.googleapis.com/corpus.Tree] {anys {[x/corpus.Plain] {secret: "s" name: "n"}}}}`, `any {[type.googleapis.com/corpus.Tree] {anys {[x/corpus.Plain] {name: "n"}}}}`},
		{"not in an Any of a type that has none", `any {[type.googleapis.com/corpus.Open] {name: "n"}}`, `any {[type.googleapis.com/corpus.Open] {name: "n"}}`},
		{"not in an Any of a type that nobody knows", `any {type_url: "x/corpus.Other" value: "\022\001s"}`, `any {type_url: "x/corpus.Other" value: "\022\001s"}`},
		{"so much that a length takes a byte less", `left {name: "n" secret: "` + strings.Repeat("s", 200) + `"}`, `left {name: "n"}`},
		{"so much that two lengths take less", `left {left {name: "n" secret: "` + strings.Repeat("s", 20000) + `"} name: "m"}`, `left {left {name: "n"} name: "m"}`},
	} {
		message := encode(t, "Tree", tt.message)
		before := bytes.Clone(message)
		got, changed, err := plan.Prune(message)
		want := encode(t, "Tree", tt.want)
		if err != nil || !bytes.Equal(got, want) || changed != (tt.message != tt.want) || !bytes.Equal(message, before) {
			t.Errorf("%s: %x, %t, %v; want %x", tt.reason, got, changed, err, want)
		}
		if !changed && len(got) > 0 && &got[0] != &message[0] {
			t.Errorf("%s: the message was copied", tt.reason)
		}
	}
}

func TestFieldsAtPathsGo(t *testing.T) {
	t.Parallel()
	tree := descriptor(t, "Tree")
	for _, tt := range []struct{ reason, paths, message, want string }{
		{"one", "name", `name: "n" left {name: "l"}`, `left {name: "l"}`},
		{"deep, there alone", "left.left.name", `name: "n" left {name: "l" left {name: "m" left {name: "o"}}}`, `name: "n" left {name: "l" left {left {name: "o"}}}`},
		{"through a list", "kids.name", `kids {name: "1"} kids {name: "2" a: "a"}`, `kids {} kids {a: "a"}`},
		{"through a map", "by_name.name", `by_name {key: "k" value {name: "n" a: "a"}}`, `by_name {key: "k" value {a: "a"}}`},
		{"two with one beginning", "left.name left.a", `left {name: "l" a: "a"}`, `left {}`},
		{"one in another", "left.name left", `left {name: "l"} a: "a"`, `a: "a"`},
		{"beside what is marked", "plain.name", `secret: "s" plain {name: "n" secret: "s" inner {name: "i" secret: "s"}}`, `plain {inner {name: "i"}}`},
		{"within what is marked", "vault.name", `vault {name: "n"} a: "a"`, `a: "a"`},
	} {
		var paths []prune.Path
		for text := range strings.FieldsSeq(tt.paths) {
			path, err := prune.ParsePath(tree, text)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		got, _, err := pruner().Plan(tree, paths...).Prune(encode(t, "Tree", tt.message))
		if want := encode(t, "Tree", tt.want); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v; want %x", tt.reason, got, err, want)
		}
	}
	for _, tt := range []struct{ path, want string }{
		{"", `corpus.Tree has no field ""`},
		{"nam", `corpus.Tree has no field "nam"`},
		{"left.nam", `corpus.Tree has no field "nam"`},
		{"name.x", "field name of corpus.Tree is no message"},
		{"by_name.value", `corpus.Tree has no field "value"`},
		{"any.name", `google.protobuf.Any has no field "name"`},
	} {
		if _, err := prune.ParsePath(tree, tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want %q", tt.path, err, tt.want)
		}
	}
}

// Types of which nothing can go have no plan, and a plan that is not there costs nothing.
func TestTypesWithNothingToRemoveHaveNoPlan(t *testing.T) { //nolint:paralleltest // it counts allocations
	if plan := pruner().Plan(descriptor(t, "Open")); plan != nil {
		t.Error("there is a plan")
	}
	message := encode(t, "Open", `inner {inner {name: "n"}}`)
	var none *prune.Plan
	if got, changed, err := none.Prune(message); err != nil || changed || &got[0] != &message[0] {
		t.Errorf("%x, %t, %v", got, changed, err)
	}
	plan := pruner().Plan(descriptor(t, "Tree"))
	clean := encode(t, "Tree", `name: "n" left {name: "l"} kids {name: "k"} by_name {key: "k" value {name: "n"}}`)
	if allocs := testing.AllocsPerRun(100, func() { _, _, _ = plan.Prune(clean) }); allocs > 0 {
		t.Errorf("a message with nothing to remove takes %.0f allocations", allocs)
	}
}

// Threats E1 and E11: what is no message, or is too deep, is an error and never half of a message.
func TestThreatE1MessagesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	deep := []byte("\x12\x01s")
	for range 200 {
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), deep)
	}
	twice := append(encode(t, "Tree", `left {any {type_url: "x/corpus.Plain"}}`), encode(t, "Tree", `left {any {value: "\022\001s"}}`)...)
	plan := pruner().Plan(descriptor(t, "Tree"))
	for _, tt := range []struct {
		reason, want string
		message      []byte
	}{
		{"a tag cut short", "no protobuf", []byte("\x80")},
		{"a length that is not there", "no protobuf", []byte("\x0a\x05abc")},
		{"a length that is not there, behind what goes", "no protobuf", []byte("\x12\x01s\x0a\x05abc")},
		{"a group without end", "no protobuf", []byte("\x43\x0a\x01a")},
		{"the end of a group", "no protobuf", []byte("\x44")},
		{"field 0", "no protobuf", []byte("\x02\x01s")},
		{"a message in it that is none", "no protobuf", []byte("\x1a\x02\x0a\x05")},
		{"an Any that is none", "no protobuf", []byte("\x32\x02\x0a\x05")},
		{"too deep", "more than 100 deep", deep},
		{"an Any in two halves", "stands twice", twice},
	} {
		if got, changed, err := plan.Prune(tt.message); err == nil || !strings.Contains(err.Error(), tt.want) || changed {
			t.Errorf("%s: %x, %t, %v; want %q", tt.reason, got, changed, err, tt.want)
		}
	}
}

// oracle removes the same fields from a message that was built.
func oracle(m protoreflect.Message) {
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		url, value := m.Descriptor().Fields().ByNumber(1), m.Descriptor().Fields().ByNumber(2)
		held, err := corpus().FindMessageByURL(m.Get(url).String())
		if err != nil {
			return
		}
		inner := held.New()
		if err := (proto.UnmarshalOptions{Resolver: corpus()}).Unmarshal(m.Get(value).Bytes(), inner.Interface()); err != nil {
			return
		}
		oracle(inner)
		b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(nil, inner.Interface())
		if err != nil {
			panic(err)
		}
		m.Set(value, protoreflect.ValueOfBytes(b))
		return
	}
	m.SetUnknown(nil)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case redacted(fd):
			m.Clear(fd)
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				oracle(v.Message())
				return true
			})
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				oracle(v.List().Get(i).Message())
			}
		case fd.Message() != nil && !fd.IsMap():
			oracle(v.Message())
		}
		return true
	})
}

// differ compares what is left with what is left of the message that was built. Both go by the oracle at the end, so that what an Any holds is
// written in one way; what it would remove then must have been removed before.
func differ(message []byte) error {
	tree, err := corpus().FindMessageByName("corpus.Tree")
	if err != nil {
		return err
	}
	read := proto.UnmarshalOptions{Resolver: corpus()}
	want := tree.New()
	if err := read.Unmarshal(message, want.Interface()); err != nil {
		return nil //nolint:nilerr // it is no message
	}
	got, _, err := pruner().Plan(tree.Descriptor()).Prune(message)
	if err != nil {
		if s := err.Error(); strings.Contains(s, "stands twice") || strings.Contains(s, "deep") || strings.Contains(s, "no protobuf") {
			return nil // unknown fields and what an Any holds are read more strictly
		}
		return err
	}
	oracle(want)
	have := tree.New()
	if err := read.Unmarshal(got, have.Interface()); err != nil {
		return fmt.Errorf("what is left is no message: %w", err)
	}
	oracle(have)
	if !proto.Equal(have.Interface(), want.Interface()) {
		return fmt.Errorf("%v is left; want %v", have, want)
	}
	return nil
}

// seeds are messages in which every secret stands in a field that goes.
var seeds = []string{
	`name: "n" secret: "SECRET" left {secret: "SECRET"} kids {secret: "SECRET" kids {name: "k"}}`,
	`by_name {key: "k" value {secret: "SECRET"}} pins: [1, 2] vault {name: "SECRET"} plain {secret: "SECRET" inner {secret: "SECRET"}}`,
	`any {[x/corpus.Plain] {secret: "SECRET"}} anys {[x/corpus.Tree] {any {[x/corpus.Plain] {secret: "SECRET" name: "n"}}}}`,
	`Group {secret: "SECRET" tree {secret: "SECRET"}} t {secret: "SECRET"} [corpus.extra] {secret: "SECRET"} [corpus.code]: "SECRET"`,
}

func TestNoSecretIsLeft(t *testing.T) {
	t.Parallel()
	plan := pruner().Plan(descriptor(t, "Tree"))
	for _, text := range seeds {
		message := encode(t, "Tree", text)
		if err := differ(message); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got, changed, err := plan.Prune(message); err != nil || !changed || bytes.Contains(got, []byte("SECRET")) {
			t.Errorf("%s: %q, %t, %v", text, got, changed, err)
		}
	}
}

func FuzzPrune(f *testing.F) {
	for _, text := range seeds {
		f.Add(encode(f, "Tree", text))
	}
	f.Add([]byte("\x1a\x03\x12\x01s\x1a\x03\x0a\x01n\x62\x03\x12\x01s\x62\x03\x0a\x01n"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if err := differ(message); err != nil {
			t.Fatalf("%x: %v", message, err)
		}
	})
}

func BenchmarkPrune(b *testing.B) {
	plan := pruner().Plan(descriptor(b, "Tree"))
	clean := encode(b, "Tree", strings.Repeat(`kids {name: "a name of some length" plain {name: "n"}} `, 20))
	marked := encode(b, "Tree", strings.Repeat(`kids {name: "a name of some length" secret: "s" plain {name: "n"}} `, 20))
	for _, bb := range []struct {
		name    string
		message []byte
	}{{"clean", clean}, {"marked", marked}} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.message)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := plan.Prune(bb.message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
