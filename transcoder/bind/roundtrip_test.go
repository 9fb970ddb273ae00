// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/bind"
)

// writer makes random messages and writes them as the parameters of a query, slowly and obviously.
type writer struct {
	*rand.Rand
	parameters []string
}

// pick is one of several texts.
func (w *writer) pick(list ...string) string { return list[w.IntN(len(list))] }

// name is one of the names of a field.
func (w *writer) name(fd protoreflect.FieldDescriptor) string {
	if strings.Contains(fd.JSONName(), ".") || w.IntN(2) == 0 {
		return fd.TextName()
	}
	return fd.JSONName()
}

// escape escapes what must be, and now and then what need not be.
func (w *writer) escape(s string) string {
	if w.IntN(3) == 0 {
		return url.QueryEscape(s)
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("%&+;#=", c) >= 0 || w.IntN(8) == 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (w *writer) add(name, value string) {
	w.parameters = append(w.parameters, w.escape(name)+"="+w.escape(value))
}

// message fills a message and writes what is in it, at least one thing.
func (w *writer) message(m protoreflect.Message, prefix string, depth int) {
	before := len(w.parameters)
	fields := m.Descriptor().Fields()
	chosen := map[protoreflect.Name]bool{} // oneofs
	for range 50 {
		for i := range fields.Len() {
			fd := fields.Get(i)
			if w.IntN(fields.Len()) > 3 || m.Has(fd) {
				continue
			}
			if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
				if chosen[oneof.Name()] {
					continue
				}
				chosen[oneof.Name()] = true
			}
			w.field(m, fd, prefix+w.name(fd), depth)
		}
		if len(w.parameters) > before {
			return
		}
		clear(chosen)
	}
}

func (w *writer) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, name string, depth int) {
	switch {
	case fd.IsMap():
		w.entries(m, fd, name)
	case fd.IsList():
		w.list(m, fd, name, depth)
	case fd.Message() != nil && !hasText(fd) && !isJSON(fd):
		if depth > 0 && fd.Message().ParentFile().Package() != "google.protobuf" && fd.Message().ParentFile().Package() != "google.api" {
			inner := m.NewField(fd)
			if w.message(inner.Message(), name+".", depth-1); inner.Message().IsValid() && proto.Size(inner.Message().Interface()) > 0 {
				m.Set(fd, inner)
			}
		}
	default:
		v, text := w.value(fd, m.NewField(fd))
		if m.Set(fd, v); m.Has(fd) {
			w.add(name, text)
		}
	}
}

func (w *writer) entries(m protoreflect.Message, fd protoreflect.FieldDescriptor, name string) {
	if v := fd.MapValue(); v.Message() != nil && !hasText(v) {
		return
	}
	entries := m.Mutable(fd).Map()
	for range 1 + w.IntN(3) {
		k, key := w.value(fd.MapKey(), protoreflect.Value{})
		if entries.Has(k.MapKey()) {
			continue
		}
		v, text := w.value(fd.MapValue(), entries.NewValue())
		entries.Set(k.MapKey(), v)
		w.add(name+"["+key+"]", text)
	}
}

func (w *writer) list(m protoreflect.Message, fd protoreflect.FieldDescriptor, name string, depth int) {
	isMessage := fd.Message() != nil && !hasText(fd)
	if isMessage && (depth == 0 || fd.Message().ParentFile().Package() == "google.protobuf") {
		return
	}
	elements := m.Mutable(fd).List()
	for i := range 1 + w.IntN(3) {
		element := elements.NewElement()
		if !isMessage {
			v, text := w.value(fd, element)
			elements.Append(v)
			w.add(name, text)
			continue
		}
		w.message(element.Message(), fmt.Sprintf("%s[%d].", name, i), depth-1)
		if proto.Size(element.Message().Interface()) == 0 {
			return // nothing could be said of it
		}
		elements.Append(element)
	}
}

// hasText tells whether a message is written as a scalar is.
func hasText(fd protoreflect.FieldDescriptor) bool {
	switch md := fd.Message(); md.FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask":
		return true
	default:
		return md.ParentFile().Path() == "google/protobuf/wrappers.proto"
	}
}

func isJSON(fd protoreflect.FieldDescriptor) bool {
	return !fd.IsList() && fd.Message().ParentFile().Path() == "google/protobuf/struct.proto"
}

// value makes a value and its text. message is an empty one where the value is one.
func (w *writer) value(fd protoreflect.FieldDescriptor, message protoreflect.Value) (protoreflect.Value, string) {
	sign := int64(1 - 2*w.IntN(2))
	switch fd.Kind() {
	case protoreflect.BoolKind:
		b := w.IntN(2) == 0
		return protoreflect.ValueOfBool(b), strconv.FormatBool(b)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n := int32(sign) * int32(w.Uint32()>>w.IntN(32)) //nolint:gosec // random
		return protoreflect.ValueOfInt32(n), strconv.Itoa(int(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n := sign * int64(w.Uint64()>>w.IntN(64)) //nolint:gosec // random
		return protoreflect.ValueOfInt64(n), strconv.FormatInt(n, 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n := w.Uint32() >> w.IntN(32)
		return protoreflect.ValueOfUint32(n), strconv.FormatUint(uint64(n), 10)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n := w.Uint64() >> w.IntN(64)
		return protoreflect.ValueOfUint64(n), strconv.FormatUint(n, 10)
	case protoreflect.FloatKind:
		f := float32(w.float())
		return protoreflect.ValueOfFloat32(f), floatText(float64(f), 32)
	case protoreflect.DoubleKind:
		f := w.float()
		return protoreflect.ValueOfFloat64(f), floatText(f, 64)
	case protoreflect.StringKind:
		s := w.pick("", "a", "null", "0", "a b", "+", "%2F", "a&b=c;d", "é😀", "[0]", "x.y", "]", strings.Repeat("long ", 50), "\x00\x7f", `"`)
		return protoreflect.ValueOfString(s), s
	case protoreflect.BytesKind:
		data := []byte(w.pick("", "a", "\xff\xfe", "\xfb\xff\xfe\x00", strings.Repeat("\xfb\xef", 100)))
		encoding := [...]*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding}[w.IntN(4)]
		return protoreflect.ValueOfBytes(data), encoding.EncodeToString(data)
	case protoreflect.EnumKind:
		v := fd.Enum().Values().Get(w.IntN(fd.Enum().Values().Len()))
		return protoreflect.ValueOfEnum(v.Number()), w.pick(string(v.Name()), strconv.Itoa(int(v.Number())))
	case protoreflect.MessageKind, protoreflect.GroupKind:
	}
	text := w.json(fd.Message())
	if err := (protojson.UnmarshalOptions{Resolver: protoregistry.GlobalTypes}).Unmarshal([]byte(text), message.Message().Interface()); err != nil {
		panic(fmt.Sprint(fd.Message().FullName(), ": ", text, ": ", err))
	}
	if hasText(fd) && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	return message, text
}

// json is a value of a well-known type; strings have no escapes.
func (w *writer) json(md protoreflect.MessageDescriptor) string {
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		return w.pick(`"2024-02-29T23:59:59.5Z"`, `"0001-01-01T00:00:00Z"`, `"2026-01-02T03:04:05.000000001+01:00"`)
	case "google.protobuf.Duration":
		return w.pick(`"0s"`, `"-1.5s"`, `"315576000000s"`)
	case "google.protobuf.FieldMask":
		return w.pick(`""`, `"a"`, `"fooBar.baz,x"`)
	case "google.protobuf.Struct":
		return w.pick(`{}`, `{"a":[1,null,{"b":"c d+e"}]}`)
	case "google.protobuf.ListValue":
		return w.pick(`[]`, `[1,"x"]`)
	case "google.protobuf.Value":
		return w.pick(`null`, `1.5`, `"x"`, `[{}]`)
	case "google.protobuf.StringValue":
		return w.pick(`""`, `"x y"`)
	case "google.protobuf.BytesValue":
		return w.pick(`""`, `"-_8"`, `"+/8="`)
	case "google.protobuf.BoolValue":
		return w.pick(`true`, `false`)
	}
	return w.pick(`0`, `7`, `12`)
}

func (w *writer) float() float64 {
	return [...]float64{0, 1, -1.5, 1e-7, 123456.75, math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 3.25e20, w.Float64()}[w.IntN(10)]
}

func floatText(f float64, bits int) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}

// T59, T60, T62, T63, T65 to T68, T74, T75, T78, T79, T81 to T84, T86, T87: whatever can be said of a message in a query arrives as
// that message, in whatever order it is said.
func TestQueriesAreTheMessagesThatTheyWereMadeOf(t *testing.T) {
	t.Parallel()
	b := newBinder(t, bind.Config{MaxParameters: 10_000, MaxListElements: 3, JSONParameters: true})
	rounds := uint64(400)
	if testing.Short() {
		rounds = 50
	}
	for _, name := range []string{"scalars", "optionals", "repeateds", "maps", "well-known", "shapes", "names"} {
		method := b.find(t, "GET", "/test/v1/messages/"+name).Method
		parameters := 0
		for seed := range rounds {
			w := &writer{Rand: rand.New(rand.NewPCG(seed, 5))}
			want := dynamicpb.NewMessage(method.Input())
			w.message(want, "", 3)
			parameters += len(w.parameters)
			if name != "repeateds" && name != "well-known" { // which have lists of scalars, where the order matters
				w.Shuffle(len(w.parameters), func(i, j int) { w.parameters[i], w.parameters[j] = w.parameters[j], w.parameters[i] })
			}
			query := strings.Join(w.parameters, "&")
			p := b.prepare(t, "GET /test/v1/messages/"+name+"?"+query, "")
			data, err := p.plan.Bind(nil, &p.request)
			if err != nil {
				t.Fatalf("%s, seed %d: %v\n%s\n%s", name, seed, err, query, protojson.Format(want))
			}
			got := dynamicpb.NewMessage(method.Input())
			if err := proto.Unmarshal(data, got); err != nil {
				t.Fatalf("%s, seed %d: %v", name, seed, err)
			}
			if !proto.Equal(got, want) {
				t.Fatalf("%s, seed %d: %s\ngot  %s\nwant %s", name, seed, query, protojson.Format(got), protojson.Format(want))
			}
		}
		if parameters < int(rounds)*2 { //nolint:gosec // small
			t.Errorf("%s: %d parameters in %d queries: the test has lost its force", name, parameters, rounds)
		}
	}
}
