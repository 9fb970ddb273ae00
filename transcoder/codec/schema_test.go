// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// schema is one set of types with a codec over it, and protojson over dynamicpb as the oracle.
type schema struct {
	files *protoregistry.Files
	types *dynamicpb.Types
	codec *codec.Codec
	roots []protoreflect.MessageDescriptor // all messages that are not map entries
	// extensions of each message
	extensions map[protoreflect.FullName][]protoreflect.ExtensionType
}

func newSchema(tb testing.TB, files *protoregistry.Files) *schema {
	tb.Helper()
	s := &schema{
		files: files, types: dynamicpb.NewTypes(files),
		extensions: map[protoreflect.FullName][]protoreflect.ExtensionType{},
	}
	var err error
	if s.codec, err = codec.New(s.types, codec.Config{}); err != nil {
		tb.Fatal(err)
	}
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		s.addRoots(fd.Messages())
		s.addExtensions(fd.Extensions())
		return true
	})
	slices.SortFunc(s.roots, func(a, b protoreflect.MessageDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return s
}

func (s *schema) addExtensions(xds protoreflect.ExtensionDescriptors) {
	for i := range xds.Len() {
		of := xds.Get(i).ContainingMessage().FullName()
		s.extensions[of] = append(s.extensions[of], dynamicpb.NewExtensionType(xds.Get(i)))
	}
}

func (s *schema) addRoots(mds protoreflect.MessageDescriptors) {
	for i := range mds.Len() {
		if md := mds.Get(i); !md.IsMapEntry() {
			s.roots = append(s.roots, md)
			s.addRoots(md.Messages())
			s.addExtensions(md.Extensions())
		}
	}
}

// find gives a message type by its full name.
func (s *schema) find(tb testing.TB, name string) protoreflect.MessageDescriptor {
	tb.Helper()
	d, err := s.files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		tb.Fatal(err)
	}
	md, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		tb.Fatalf("%s is a %T", name, d)
	}
	return md
}

// message gives the converter of a message type by its full name.
func (s *schema) message(tb testing.TB, name string) *codec.Message {
	tb.Helper()
	return s.codec.Message(s.find(tb, name))
}

// compileFiles compiles .proto files given by name and content, with all that they import, as a schema that shares nothing
// with the generated types linked into the test.
func compileFiles(tb testing.TB, sources map[string]string) *protoregistry.Files {
	tb.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	}
	link(tb, sources).RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		add(fd)
		return true
	})
	files, err := protodesc.NewFiles(set)
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// link compiles .proto files and leaves them as the compiler made them, which takes more than package protodesc does.
func link(tb testing.TB, sources map[string]string) *protoregistry.Files {
	tb.Helper()
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(sources),
	})}
	linked, err := c.Compile(context.Background(), names...)
	if err != nil {
		tb.Fatal(err)
	}
	files := &protoregistry.Files{}
	for _, f := range linked {
		if err := files.RegisterFile(f); err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

var testSchema = sync.OnceValues(func() (map[string]string, error) {
	paths, err := filepath.Glob("testdata/proto/*.proto")
	if err != nil {
		return nil, err
	}
	sources := map[string]string{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		sources[filepath.Base(p)] = string(b)
	}
	return sources, nil
})

// corpusSchema is the schema of testdata/proto.
func corpusSchema(tb testing.TB) *schema {
	tb.Helper()
	sources, err := testSchema()
	if err != nil {
		tb.Fatal(err)
	}
	return newSchema(tb, compileFiles(tb, sources))
}

// errPanic tells that the oracle panics: package proto does (1.36.12, with dynamic messages) when the entry of a map has
// a key and then another of a wrong wire type.
var errPanic = errors.New("the oracle panics")

// parse is the oracle for wire bytes.
func (s *schema) parse(md protoreflect.MessageDescriptor, wire []byte) (msg *dynamicpb.Message, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	msg = dynamicpb.NewMessage(md)
	err = proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}.Unmarshal(wire, msg)
	return msg, err
}

// oracleWire is the oracle for JSON.
func (s *schema) oracleWire(md protoreflect.MessageDescriptor, json []byte, discard bool) (*dynamicpb.Message, error) {
	msg := dynamicpb.NewMessage(md)
	err := protojson.UnmarshalOptions{AllowPartial: true, DiscardUnknown: discard, Resolver: s.types}.Unmarshal(json, msg)
	return msg, err
}

// oracleJSON is the oracle for messages.
func (s *schema) oracleJSON(msg proto.Message, o *codec.EncodeOptions) (_ []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic // within an Any
		}
	}()
	b, err := protojson.MarshalOptions{
		AllowPartial: true, UseProtoNames: o.ProtoNames, UseEnumNumbers: o.EnumNumbers,
		EmitDefaultValues: o.Defaults == codec.DefaultsPrint, EmitUnpopulated: o.Defaults == codec.DefaultsNull,
		Resolver: s.types,
	}.Marshal(msg)
	if err != nil {
		return nil, err
	}
	return compact(b), nil
}

// compact takes the white space out that protojson puts in at random; protojson has no other in strings or out.
func compact(b []byte) []byte {
	out := b[:0]
	inString := false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case !inString && c == ' ':
			continue
		case inString && c == '\\':
			out = append(out, c)
			i++
			c = b[i]
		case c == '"':
			inString = !inString
		}
		out = append(out, c)
	}
	return out
}
