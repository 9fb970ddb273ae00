// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// exception is one deliberate difference from protojson.
type exception struct {
	name, reason string
	// message and example are an input that makes the difference; wire bytes if wire is set. discard as in call.
	message, example string
	discard          bool
	// stricter tells that the codec refuses what protojson takes; else it takes what protojson refuses.
	stricter bool
	// wire tells that it is about reading wire bytes; else it is about reading JSON.
	wire bool
	// applies tells whether it can be the cause of a difference for this input. err is the codec's error, if it is stricter.
	applies func(c *call, err *codec.Error) bool
}

// call is one conversion, by both.
type call struct {
	s       *schema
	md      protoreflect.MessageDescriptor
	in      []byte
	discard bool
}

func kindIs(kinds ...codec.Kind) func(*call, *codec.Error) bool {
	return func(_ *call, err *codec.Error) bool {
		for _, k := range kinds {
			if err.Kind == k {
				return true
			}
		}
		return false
	}
}

func matches(pattern string, kinds ...codec.Kind) func(*call, *codec.Error) bool {
	re := regexp.MustCompile(pattern)
	is := kindIs(kinds...)
	return func(c *call, err *codec.Error) bool { return re.Match(c.in) && is(c, err) }
}

// exceptions are all deliberate differences from protojson in what is accepted. What is accepted by both must mean the
// same, and give the same bytes of JSON, without exception.
var exceptions = []exception{
	{
		name: "depth", message: treeName, example: strings.Repeat(`{"left":`, 100) + `{}` + strings.Repeat("}", 100), stricter: true, applies: kindIs(codec.KindDepth),
		reason: "E1, T102: a message that C++ and Java backends refuse is not forwarded; protojson counts messages only, up to 10,000",
	},
	{
		name: "depth of wire bytes", message: treeName, example: strings.Repeat("\x9b\x38", 101) + strings.Repeat("\x9c\x38", 101), stricter: true, wire: true, applies: kindIs(codec.KindDepth),
		reason: "E1, T102",
	},
	{
		name: "incomplete exponent", message: scalarsName, example: `{"fInt32":1e}`, stricter: true, applies: matches(`[0-9][eE][-+]?([^-+0-9]|$)`, codec.KindSyntax, codec.KindType, codec.KindRange, codec.KindEnum),
		reason: "T93: RFC 8259 wants digits after e; protojson reads 1e as the integer 1",
	},
	{
		name: "time that is not RFC 3339", message: knownName, example: `{"timestamp":"2020-01-01T1:00:00Z"}`, stricter: true,
		applies: matches(`T[0-9]:|T[0-9][0-9]:[0-9][0-9]:[0-9][0-9],|[-+]24:|[-+][0-9][0-9]:60|,`, codec.KindValue),
		reason:  "T83: protojson takes what time.Parse lets through: one-digit hours, a decimal comma, offsets of 24:00 and 00:60",
	},
	{
		name: "duration without digits", message: knownName, example: `{"duration":".s"}`, stricter: true, applies: matches(`"[-+]?\.s"|\\u`, codec.KindValue),
		reason: "T84: protojson takes .s as zero",
	},
	{
		name: "line breaks in base64", message: scalarsName, example: `{"fBytes":"YWJj\nZGVm"}`, stricter: true, applies: matches(`\\[nru]`, codec.KindBase64),
		reason: "T81: nothing is skipped in base64; the standard library passes over CR and LF",
	},
	{
		name: "map keys in one spelling", message: mapsName, example: `{"fInt32":{"007":1}}`, stricter: true, applies: matches(`"[-+]?0[0-9]*"|"\+[0-9]+"|\\u`, codec.KindValue),
		reason: "T74: one key, one spelling; protojson takes +1, 007 and -0",
	},
	{
		name: "numbers of closed enums", message: oldName, example: `{"closed":77}`, stricter: true, applies: func(_ *call, err *codec.Error) bool {
			return err.Kind == codec.KindEnum && strings.Contains(err.Message, "is not a value of")
		},
		reason: "T79: other languages put an unknown number of a closed enum aside, so the value would be lost",
	},
	{
		name: "unknown enum names under DiscardUnknown", message: scalarsName, example: `{"fKind":"KIND_DRAMA"}`, discard: true, stricter: true, applies: func(c *call, err *codec.Error) bool {
			return c.discard && err.Kind == codec.KindEnum
		},
		reason: "T97: only unknown names of fields are ignored, not values",
	},
	{
		name: "Any without type under DiscardUnknown", message: knownName, example: `{"any":{"a":1}}`, discard: true, stricter: true, applies: func(c *call, err *codec.Error) bool {
			return c.discard && err.Kind == codec.KindAnyType
		},
		reason: "T97: it would lose what the Any holds",
	},
	{
		name: "byte order mark", message: scalarsName, example: "\xef\xbb\xbf{}", applies: func(c *call, _ *codec.Error) bool { return bytes.HasPrefix(c.in, []byte("\xef\xbb\xbf")) },
		reason: "T105",
	},
	{
		name: "null for lists of Value and NullValue", message: knownName, example: `{"values":null}`, applies: func(c *call, _ *codec.Error) bool {
			return bytes.Contains(c.in, []byte("null"))
		},
		reason: "T98: null unsets a list; protojson takes the list for the value that it holds",
	},
	{
		name: "overwritten values are not looked at", message: treeName, example: "\x0a\x01\xff\x0a\x00", wire: true, applies: func(c *call, _ *codec.Error) bool {
			return overwrites(c.s, c.md, c.in, 0)
		},
		reason: "T120 is about what is printed; a record that a later one replaces is skipped, not parsed",
	},
}

// excused gives the exception that allows a difference; nil if none does.
func excused(c *call, wire, stricter bool, err error) *exception {
	var e *codec.Error
	if stricter && !errors.As(err, &e) {
		return nil
	}
	for i, x := range exceptions {
		if x.wire == wire && x.stricter == stricter && x.applies(c, e) {
			return &exceptions[i]
		}
	}
	return nil
}

// overwrites tells whether wire bytes hold more than one record of something that can have one only.
func overwrites(s *schema, md protoreflect.MessageDescriptor, b []byte, depth int) bool {
	if depth > 200 {
		return true
	}
	seen := map[any]bool{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if size < 0 {
			return false
		}
		v := b[n : n+size]
		b = b[n+size:]
		fd := md.Fields().ByNumber(num)
		if fd == nil {
			if xt, err := s.types.FindExtensionByNumber(md.FullName(), num); err == nil {
				fd = xt.TypeDescriptor()
			}
		}
		if fd == nil {
			continue
		}
		var content []byte
		switch typ {
		default:
		case protowire.BytesType:
			content, _ = protowire.ConsumeBytes(v)
		case protowire.StartGroupType:
			content, _ = protowire.ConsumeGroup(num, v)
		}
		var key any
		switch {
		case fd.IsMap():
			key = fmt.Sprintf("%d/%x", num, mapKey(content))
		case fd.IsList():
		case fd.ContainingOneof() != nil:
			key = fd.ContainingOneof().FullName()
		default:
			key = num
		}
		if key != nil && seen[key] {
			return true
		}
		if key != nil {
			seen[key] = true
		}
		if fd.Message() != nil && overwrites(s, fd.Message(), content, depth+1) {
			return true
		}
		if md.FullName() == "google.protobuf.Any" && num == 2 {
			return true // what it holds cannot be told apart here
		}
	}
	return false
}

func mapKey(entry []byte) []byte {
	num, typ, n := protowire.ConsumeTag(entry)
	if n < 0 || num != 1 {
		return nil
	}
	size := protowire.ConsumeFieldValue(num, typ, entry[n:])
	if size < 0 {
		return nil
	}
	return entry[n : n+size]
}

// compareJSON converts wire bytes to JSON by both and compares.
func compareJSON(t *testing.T, c *call, o *codec.EncodeOptions) {
	t.Helper()
	o.RefuseUnknownAny = true
	m := c.s.codec.Message(c.md)
	got, err := m.AppendJSON([]byte("kept"), c.in, o)
	if !bytes.HasPrefix(got, []byte("kept")) || err != nil && len(got) != len("kept") {
		t.Fatalf("%s: output %q does not start with what was there, or goes on after an error", c.md.FullName(), got)
	}
	got = got[len("kept"):]
	checkError(t, err, true)
	var want []byte
	msg, wantErr := c.s.parse(c.md, c.in)
	if wantErr == nil {
		want, wantErr = c.s.oracleJSON(msg, o)
	}
	switch {
	case errors.Is(wantErr, errPanic):
	case err == nil && wantErr == nil:
		if !bytes.Equal(got, want) {
			t.Errorf("%s: wire %x, options %+v\n got %s\nwant %s", c.md.FullName(), c.in, o, got, want)
		}
	case err == nil && excused(c, true, false, nil) == nil:
		t.Errorf("%s: wire %x: got %s, want error %v", c.md.FullName(), c.in, got, wantErr)
	case err != nil && wantErr == nil && excused(c, true, true, err) == nil:
		t.Errorf("%s: wire %x: got error %v, want %s", c.md.FullName(), c.in, err, want)
	}
}

// compareWire converts JSON to wire bytes by both and compares.
func compareWire(t *testing.T, c *call) {
	t.Helper()
	m := c.s.codec.Message(c.md)
	wire, err := m.AppendWire([]byte("kept"), c.in, &codec.DecodeOptions{DiscardUnknown: c.discard})
	if !bytes.HasPrefix(wire, []byte("kept")) || err != nil && len(wire) != len("kept") {
		t.Fatalf("%s: output %q does not start with what was there, or goes on after an error", c.md.FullName(), wire)
	}
	wire = wire[len("kept"):]
	checkError(t, err, false)
	want, wantErr := c.s.oracleWire(c.md, c.in, c.discard)
	switch {
	case err != nil && wantErr == nil:
		if excused(c, false, true, err) == nil {
			t.Errorf("%s: JSON %q: got error %v, want %v", c.md.FullName(), c.in, err, want)
		}
		return
	case err != nil:
		return
	case wantErr != nil:
		if excused(c, false, false, nil) == nil {
			t.Errorf("%s: JSON %q: got %x, want error %v", c.md.FullName(), c.in, wire, wantErr)
		}
		return
	}
	got, err := c.s.parse(c.md, wire)
	if err != nil {
		t.Fatalf("%s: JSON %q: wrote malformed %x: %v", c.md.FullName(), c.in, wire, err)
	}
	o := &codec.EncodeOptions{Defaults: codec.DefaultsOmit, RefuseUnknownAny: true}
	gotJSON, gotErr := m.AppendJSON(nil, wire, o)
	wantJSON, wantErr := c.s.oracleJSON(want, o)
	if !bytes.Equal(gotJSON, wantJSON) || (gotErr == nil) != (wantErr == nil) && excused(&call{c.s, c.md, wire, false}, true, gotErr != nil, gotErr) == nil {
		t.Errorf("%s: JSON %q: came back as\n     %s, %v\nwant %s, %v", c.md.FullName(), c.in, gotJSON, gotErr, wantJSON, wantErr)
	}
	c.s.normalise(got)
	c.s.normalise(want)
	if !proto.Equal(got, want) {
		t.Errorf("%s: JSON %q:\n got %v\nwant %v", c.md.FullName(), c.in, got, want)
	}
}

// checkError tells whether an error is fit for a client.
func checkError(t *testing.T, err error, wire bool) {
	t.Helper()
	if err == nil {
		return
	}
	var e *codec.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is a %T", err, err)
	}
	if e.Wire != wire || e.Kind == 0 || e.Message == "" || wire != (e.Offset < 0) {
		t.Errorf("error %+v is not complete", e)
	}
	if len(e.Message) > 512 || strings.Contains(e.Message, "strconv") {
		t.Errorf("error %q is not fit for a client", e.Message)
	}
}

// normalise writes what each Any holds in one way.
func (s *schema) normalise(m protoreflect.ProtoMessage) {
	s.normaliseMessage(m.ProtoReflect())
}

func (s *schema) normaliseMessage(m protoreflect.Message) {
	m.SetUnknown(nil)
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		fds := m.Descriptor().Fields()
		mt, err := s.types.FindMessageByURL(m.Get(fds.ByNumber(1)).String())
		if err != nil {
			return
		}
		in := dynamicpb.NewMessage(mt.Descriptor())
		if (proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal(m.Get(fds.ByNumber(2)).Bytes(), in) != nil {
			return
		}
		s.normaliseMessage(in)
		b, _ := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(in)
		m.Set(fds.ByNumber(2), protoreflect.ValueOfBytes(b))
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					s.normaliseMessage(v.Message())
					return true
				})
			}
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				s.normaliseMessage(v.List().Get(i).Message())
			}
		default:
			s.normaliseMessage(v.Message())
		}
		return true
	})
}

// options gives every combination of the options that protojson has too.
func options(bits int) *codec.EncodeOptions {
	return &codec.EncodeOptions{
		Defaults:   []codec.Defaults{codec.DefaultsPrint, codec.DefaultsOmit, codec.DefaultsNull}[bits%3],
		ProtoNames: bits&4 != 0, EnumNumbers: bits&8 != 0,
	}
}

// compareRandom compares both directions on one random message of one type.
func compareRandom(t *testing.T, s *schema, md protoreflect.MessageDescriptor, seed uint64) {
	t.Helper()
	g := newGenerator(s, seed)
	msg := g.message(md, 0)
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(msg)
	if err != nil {
		return
	}
	o := options(g.IntN(16))
	compareJSON(t, &call{s: s, md: md, in: wire}, o)
	again := g.rewire(md, wire, 0)
	if g.IntN(10) == 0 && len(again) > 0 {
		again[g.IntN(len(again))] = byte(g.Uint32())
	}
	compareJSON(t, &call{s: s, md: md, in: again}, o)
	text, err := s.oracleJSON(msg, o)
	if err != nil {
		return
	}
	compareWire(t, &call{s: s, md: md, in: text})
	compareWire(t, &call{s: s, md: md, in: g.rejson(md, text), discard: g.IntN(2) == 0})
}

func TestRandomMessages(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	n := uint64(150)
	if testing.Short() || race.Enabled {
		n = 30
	}
	for _, md := range s.roots {
		t.Run(string(md.FullName()), func(t *testing.T) {
			t.Parallel()
			for seed := range n {
				compareRandom(t, s, md, seed)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// TestExceptions: each deliberate difference is one, and is told by the exception that names it.
func TestExceptions(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	for _, x := range exceptions {
		c := &call{s: s, md: s.find(t, x.message), in: []byte(x.example), discard: x.discard}
		var err, oracle error
		if x.wire {
			_, err = s.codec.Message(c.md).AppendJSON(nil, c.in, nil)
			_, oracle = s.parse(c.md, c.in)
		} else {
			_, err = s.codec.Message(c.md).AppendWire(nil, c.in, &codec.DecodeOptions{DiscardUnknown: x.discard})
			_, oracle = s.oracleWire(c.md, c.in, x.discard)
		}
		if (err != nil) != x.stricter || (oracle != nil) == x.stricter {
			t.Errorf("%s: the codec says %v, protojson says %v", x.name, err, oracle)
			continue
		}
		var e *codec.Error
		errors.As(err, &e)
		if !x.applies(c, e) || x.reason == "" {
			t.Errorf("%s: does not apply to its own example", x.name)
		}
	}
}
