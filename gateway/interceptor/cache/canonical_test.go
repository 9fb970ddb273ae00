// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

var (
	bindDesc   = (&testv1.BindRequest{}).ProtoReflect().Descriptor()
	proto2Desc = (&testv1.Proto2{}).ProtoReflect().Descriptor()
	bindShape  = shapes{}.of(bindDesc)
)

// formOf returns the form of a message; nil where there is none.
func formOf(s *shape, message []byte) []byte {
	k := &canonicalizer{}
	form, ok := k.canonical(s, message)
	if !ok {
		return nil
	}
	return append([]byte{}, form...)
}

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sample is a request with a bit of everything.
func sample() *testv1.BindRequest {
	return &testv1.BindRequest{
		Id: "a", Count: 5, Tags: []string{"x", "y", ""}, Thing: &testv1.Thing{Name: "things/1"}, Things: []*testv1.Thing{{Name: "b"}, {}},
		Labels: map[string]string{"b": "2", "a": "1", "": "0"}, Choice: &testv1.BindRequest_Text{Text: ""},
	}
}

// shuffled writes the fields of a message in another order, of which those with several values keep theirs.
func shuffled(r *rand.Rand, d protoreflect.MessageDescriptor, data []byte) []byte {
	groups := map[protowire.Number][]byte{}
	var order []protowire.Number
	for len(data) > 0 {
		number, t, n := protowire.ConsumeTag(data)
		size := n + protowire.ConsumeFieldValue(number, t, data[n:])
		record := data[:size]
		if fd := d.Fields().ByNumber(number); fd != nil && fd.Message() != nil && t == protowire.BytesType && !fd.IsMap() {
			inner, _ := protowire.ConsumeBytes(data[n:])
			record = protowire.AppendBytes(protowire.AppendTag(nil, number, t), shuffled(r, fd.Message(), inner))
		}
		rank := number
		if fd := d.Fields().ByNumber(number); fd != nil && fd.ContainingOneof() != nil {
			rank = fd.ContainingOneof().Fields().Get(0).Number()
		}
		if groups[rank] == nil {
			order = append(order, rank)
		}
		groups[rank] = append(groups[rank], record...)
		data = data[size:]
	}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var out []byte
	for _, rank := range order {
		out = append(out, groups[rank]...)
	}
	return out
}

// Whoever writes a request, in whatever order: it has one form.
func TestAMessageHasOneForm(t *testing.T) {
	t.Parallel()
	data := encoded(t, sample())
	want := formOf(bindShape, data)
	if want == nil {
		t.Fatal("the sample has no form")
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range 200 {
		other, err := proto.MarshalOptions{}.Marshal(sample()) // with maps in any order
		if err != nil {
			t.Fatal(err)
		}
		other = shuffled(r, bindDesc, other)
		if got := formOf(bindShape, other); !bytes.Equal(got, want) {
			t.Fatalf("%x has the form %x; want %x", other, got, want)
		}
	}
	if again := formOf(bindShape, want); !bytes.Equal(again, want) {
		t.Errorf("the form of the form is %x; want %x", again, want)
	}
	zero := protowire.AppendVarint(protowire.AppendTag(nil, bindDesc.Fields().ByName("count").Number(), protowire.VarintType), 0)
	if got := formOf(bindShape, append(zero, encoded(t, &testv1.BindRequest{Id: "a"})...)); !bytes.Equal(got, formOf(bindShape, encoded(t, &testv1.BindRequest{Id: "a"}))) {
		t.Errorf("a zero that says nothing makes the form %x", got)
	}
}

// What may mean something else in another order, or to a backend that knows more, has no form: its bytes are its key.
func TestWhatIsNotCertainHasNoForm(t *testing.T) {
	t.Parallel()
	number := func(name protoreflect.Name) protowire.Number { return bindDesc.Fields().ByName(name).Number() }
	text := func(n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), s)
	}
	entry := func(key, value string) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number("labels"), protowire.BytesType), append(text(1, key), text(2, value)...))
	}
	for _, tt := range []struct {
		name    string
		message []byte
	}{
		{"an unknown field", append(text(number("id"), "a"), text(536870911, "x")...)},
		{"a known field of another type on the wire", protowire.AppendVarint(protowire.AppendTag(nil, number("id"), protowire.VarintType), 1)},
		{"a field twice", append(text(number("id"), "a"), text(number("id"), "b")...)},
		{"a message in two parts", append(text(number("thing"), ""), text(number("thing"), "")...)},
		{"a map with a key twice", append(entry("a", "1"), entry("a", "2")...)},
		{"a map with a key twice, once left out", append(entry("", "1"), protowire.AppendBytes(protowire.AppendTag(nil, number("labels"), protowire.BytesType), text(2, "2"))...)},
		{"cut short", text(number("id"), "abc")[:3]},
		{"an end of a group", protowire.AppendTag(nil, 1, protowire.EndGroupType)},
		{"too large", text(number("id"), string(make([]byte, maxCanonical)))},
	} {
		if form := formOf(bindShape, tt.message); form != nil {
			t.Errorf("%s: %x has the form %x", tt.name, tt.message, form)
		}
	}
}

// The last of a oneof counts: the order of its members is part of what a request means.
func TestMembersOfAOneofStayInOrder(t *testing.T) {
	t.Parallel()
	one := bindDesc.Fields().ByName("text").ContainingOneof().Fields()
	if one.Len() < 2 {
		t.Fatal("the oneof has one member")
	}
	a := encoded(t, &testv1.BindRequest{Choice: &testv1.BindRequest_Text{Text: "a"}})
	for i := range one.Len() {
		if one.Get(i).Name() == "text" || one.Get(i).Kind() != protoreflect.StringKind {
			continue
		}
		b := protowire.AppendString(protowire.AppendTag(nil, one.Get(i).Number(), protowire.BytesType), "b")
		ab, ba := append(append([]byte{}, a...), b...), append(append([]byte{}, b...), a...)
		if x, y := formOf(bindShape, ab), formOf(bindShape, ba); x != nil && bytes.Equal(x, y) {
			t.Errorf("%x and %x have one form", ab, ba)
		}
	}
}

// Whatever stands on the wire: its form means the same, and forms are equal only where messages are.
func FuzzCanonical(f *testing.F) {
	f.Add(encoded(f, sample()), uint64(1))
	f.Add([]byte{}, uint64(2))
	f.Add(encoded(f, &testv1.BindRequest{Labels: map[string]string{"a": "b", "c": ""}}), uint64(3))
	f.Add(append(encoded(f, sample()), 0xf8, 0x01, 0x80, 0x00), uint64(4))
	kinds := []protoreflect.MessageDescriptor{bindDesc, proto2Desc, (&testv1.Maps{}).ProtoReflect().Descriptor(), (&testv1.Scalars{}).ProtoReflect().Descriptor()}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		d := kinds[seed%uint64(len(kinds))]
		s := shapes{}.of(d)
		form := formOf(s, data)
		if form == nil {
			return
		}
		want, got := dynamicpb.NewMessage(d), dynamicpb.NewMessage(d)
		errWant := proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(data, want)
		errGot := proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(form, got)
		if (errWant == nil) != (errGot == nil) {
			t.Fatalf("%x: %v; its form %x: %v", data, errWant, form, errGot)
		}
		if errWant != nil {
			return
		}
		again := func(m proto.Message) []byte {
			out, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if !bytes.Equal(again(want), again(got)) {
			t.Fatalf("%x: the form %x means something else", data, form)
		}
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
		if other := formOf(s, shuffled(r, d, data)); !bytes.Equal(other, form) {
			t.Fatalf("%x: in another order the form is %x; want %x", data, other, form)
		}
		if twice := formOf(s, form); !bytes.Equal(twice, form) {
			t.Fatalf("%x: the form of the form %x is %x", data, form, twice)
		}
	})
}
