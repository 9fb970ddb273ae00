// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// FuzzWireToJSON reads any bytes as a message of any type of the corpus and compares the JSON with that of protojson.
func FuzzWireToJSON(f *testing.F) {
	s := corpusSchema(f)
	for i, md := range s.roots {
		for seed := range uint64(2) {
			g := newGenerator(s, seed)
			wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(g.message(md, 0))
			if err == nil {
				f.Add(uint8(i), uint8(seed), g.rewire(md, wire, 0))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which, bits uint8, wire []byte) {
		md := s.roots[int(which)%len(s.roots)]
		compareJSON(t, &call{s: s, md: md, in: wire}, options(int(bits)))
	})
}

// FuzzJSONToWire reads any text as JSON of a message of any type of the corpus and compares the message with that of
// protojson.
func FuzzJSONToWire(f *testing.F) {
	s := corpusSchema(f)
	for i, md := range s.roots {
		for seed := range uint64(2) {
			g := newGenerator(s, seed)
			text, err := s.oracleJSON(g.message(md, 0), options(0))
			if err == nil {
				f.Add(uint8(i), seed == 0, g.rejson(md, text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, discard bool, text []byte) {
		md := s.roots[int(which)%len(s.roots)]
		compareWire(t, &call{s: s, md: md, in: text, discard: discard})
	})
}

// FuzzSchema makes random message types, and random messages of them, and compares both ways.
func FuzzSchema(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, schemaSeed, seed uint64) { compareRandomSchema(t, schemaSeed, seed) })
}

func TestRandomSchemas(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		compareRandomSchema(t, seed, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func compareRandomSchema(t *testing.T, schemaSeed, seed uint64) {
	t.Helper()
	file := randomFile(rand.New(rand.NewPCG(schemaSeed, 2)))
	set := &descriptorpb.FileDescriptorSet{}
	for _, d := range []proto.Message{
		&anypb.Any{}, &durationpb.Duration{}, &emptypb.Empty{}, &fieldmaskpb.FieldMask{}, &structpb.Struct{},
		&timestamppb.Timestamp{}, &wrapperspb.BoolValue{},
	} {
		fd := protodesc.ToFileDescriptorProto(d.ProtoReflect().Descriptor().ParentFile())
		set.File = append(set.File, fd)
		file.Dependency = append(file.Dependency, fd.GetName())
	}
	set.File = append(set.File, file)
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatalf("seed %d made an invalid schema: %v", schemaSeed, err)
	}
	s := newSchema(t, files)
	for i, md := range s.roots {
		if md.ParentFile().Path() == file.GetName() {
			compareRandom(t, s, md, seed+uint64(i))
		}
	}
}

var randomImports = []string{
	".google.protobuf.Any", ".google.protobuf.Duration", ".google.protobuf.Empty", ".google.protobuf.FieldMask",
	".google.protobuf.Struct", ".google.protobuf.Value", ".google.protobuf.ListValue", ".google.protobuf.Timestamp",
	".google.protobuf.Int64Value", ".google.protobuf.StringValue", ".google.protobuf.DoubleValue",
}

// randomFile makes a file of a few messages whose fields are of every kind, in a random order of numbers.
func randomFile(r *rand.Rand) *descriptorpb.FileDescriptorProto {
	b := &fileBuilder{Rand: r, syntax: []string{"proto2", "proto3", "editions"}[r.IntN(3)]}
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("random.proto"), Package: proto.String("random"), Syntax: &b.syntax}
	if b.syntax == "editions" {
		file.Edition = descriptorpb.Edition_EDITION_2023.Enum()
	}
	b.messages = 1 + r.IntN(4)
	for i := range 2 {
		e := &descriptorpb.EnumDescriptorProto{Name: proto.String(fmt.Sprintf("Enum%d", i))}
		for j := range 1 + r.IntN(5) {
			n := int32(j)
			if j > 0 && r.IntN(3) == 0 {
				n = int32(j)*1000 - 2500
			}
			e.Value = append(e.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(fmt.Sprintf("ENUM%d_V%d", i, j)), Number: &n})
		}
		if b.syntax == "editions" && i == 1 {
			e.Options = &descriptorpb.EnumOptions{Features: &descriptorpb.FeatureSet{EnumType: descriptorpb.FeatureSet_CLOSED.Enum()}}
		}
		file.EnumType = append(file.EnumType, e)
	}
	for i := range b.messages {
		file.MessageType = append(file.MessageType, b.message(i))
	}
	return file
}

type fileBuilder struct {
	*rand.Rand
	syntax   string
	messages int
}

func (b *fileBuilder) message(index int) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(fmt.Sprintf("M%d", index))}
	numbers := b.Perm(120)
	count := b.IntN(pickInt(b.Rand, 6, 20, 80))
	var members []*descriptorpb.FieldDescriptorProto // of the oneof
	for i := range count {
		f := &descriptorpb.FieldDescriptorProto{
			Name:   proto.String(fmt.Sprintf("f_%d_%s", i, []string{"a", "b_c", "dE", "_x"}[b.IntN(4)])),
			Number: proto.Int32(int32(numbers[i] + 1)),
			Label:  descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
		if b.IntN(30) == 0 {
			f.Number = proto.Int32(int32(1e8 + numbers[i]))
		}
		b.kind(f)
		switch b.IntN(6) {
		case 0, 1:
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			b.packed(f)
		case 2:
			b.mapping(m, f)
		case 3:
			f.OneofIndex = proto.Int32(0)
			members = append(members, f)
			continue
		default:
			b.presence(f)
		}
		m.Field = append(m.Field, f)
	}
	if len(members) > 0 {
		m.OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: proto.String("choice")}}
		at := b.IntN(len(m.Field) + 1)
		m.Field = append(m.Field[:at:at], append(members, m.Field[at:]...)...)
	}
	if b.syntax == "proto3" {
		for _, f := range m.Field {
			if f.OneofIndex == nil && f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL && b.IntN(3) == 0 {
				f.Proto3Optional = proto.Bool(true)
				f.OneofIndex = proto.Int32(int32(len(m.OneofDecl)))
				m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String("_" + f.GetName())})
			}
		}
	}
	return m
}

func pickInt(r *rand.Rand, from ...int) int { return from[r.IntN(len(from))] }

func (b *fileBuilder) kind(f *descriptorpb.FieldDescriptorProto) {
	t := descriptorpb.FieldDescriptorProto_Type(1 + b.IntN(18))
	switch t {
	default:
	case descriptorpb.FieldDescriptorProto_TYPE_GROUP:
		t = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		fallthrough
	case descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
		if b.IntN(2) == 0 {
			f.TypeName = proto.String(fmt.Sprintf(".random.M%d", b.IntN(b.messages)))
		} else {
			f.TypeName = proto.String(randomImports[b.IntN(len(randomImports))])
		}
		if b.syntax == "editions" && b.IntN(2) == 0 {
			f.Options = &descriptorpb.FieldOptions{Features: &descriptorpb.FeatureSet{MessageEncoding: descriptorpb.FeatureSet_DELIMITED.Enum()}}
		}
	case descriptorpb.FieldDescriptorProto_TYPE_ENUM:
		f.TypeName = proto.String(fmt.Sprintf(".random.Enum%d", b.IntN(2)))
	}
	f.Type = &t
}

func (b *fileBuilder) scalar(f *descriptorpb.FieldDescriptorProto) bool {
	return f.GetType() != descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
}

func (b *fileBuilder) packed(f *descriptorpb.FieldDescriptorProto) {
	if t := f.GetType(); !b.scalar(f) || t == descriptorpb.FieldDescriptorProto_TYPE_STRING || t == descriptorpb.FieldDescriptorProto_TYPE_BYTES {
		return
	}
	switch {
	case b.IntN(2) == 0:
	case b.syntax == "editions":
		f.Options = &descriptorpb.FieldOptions{Features: &descriptorpb.FeatureSet{RepeatedFieldEncoding: descriptorpb.FeatureSet_EXPANDED.Enum()}}
	default:
		f.Options = &descriptorpb.FieldOptions{Packed: proto.Bool(b.syntax == "proto2")}
	}
}

func (b *fileBuilder) presence(f *descriptorpb.FieldDescriptorProto) {
	switch {
	case b.IntN(3) != 0:
	case b.syntax == "proto2":
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REQUIRED.Enum()
	case b.syntax == "editions" && b.scalar(f) && f.GetTypeName() != ".random.Enum1":
		f.Options = &descriptorpb.FieldOptions{Features: &descriptorpb.FeatureSet{FieldPresence: descriptorpb.FeatureSet_IMPLICIT.Enum()}}
	}
}

// mapping turns a field into a map of its kind.
func (b *fileBuilder) mapping(m *descriptorpb.DescriptorProto, f *descriptorpb.FieldDescriptorProto) {
	name := fmt.Sprintf("Map%dEntry", f.GetNumber())
	f.Name = proto.String(fmt.Sprintf("map%d", f.GetNumber()))
	keys := []descriptorpb.FieldDescriptorProto_Type{3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 18}
	value := proto.CloneOf(f)
	value.Name, value.Number, value.Options = proto.String("value"), proto.Int32(2), nil
	m.NestedType = append(m.NestedType, &descriptorpb.DescriptorProto{
		Name: &name, Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
		Field: []*descriptorpb.FieldDescriptorProto{
			{Name: proto.String("key"), Number: proto.Int32(1), Type: keys[b.IntN(len(keys))].Enum(), Label: f.Label},
			value,
		},
	})
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	f.TypeName = proto.String(".random." + m.GetName() + "." + name)
	f.Options = nil
}
