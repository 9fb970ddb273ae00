// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"math"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// generator makes random messages of the types of a schema.
type generator struct {
	*rand.Rand
	s     *schema
	spare int // fields that may still be set
}

func newGenerator(s *schema, seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 1)), s: s, spare: 60}
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// message fills a new message.
func (g *generator) message(md protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(md)
	if g.wellKnown(m, depth) {
		return m
	}
	fds := md.Fields()
	for i := range fds.Len() {
		if g.IntN(3) != 0 {
			g.field(m, fds.Get(i), depth)
		}
	}
	for _, xt := range g.s.extensions[md.FullName()] {
		if g.IntN(2) == 0 {
			g.field(m, xt.TypeDescriptor(), depth)
		}
	}
	return m
}

func (g *generator) field(m *dynamicpb.Message, fd protoreflect.FieldDescriptor, depth int) {
	if g.spare--; g.spare < 0 || fd.Message() != nil && depth > 4 {
		return
	}
	switch {
	case fd.IsList():
		l := m.Mutable(fd).List()
		for range g.IntN(4) {
			l.Append(g.value(fd, depth))
		}
	case fd.IsMap():
		kv := m.Mutable(fd).Map()
		for range g.IntN(pick(g, 4, 4, 12)) {
			kv.Set(g.value(fd.MapKey(), depth).MapKey(), g.value(fd.MapValue(), depth+1))
		}
	default:
		m.Set(fd, g.value(fd, depth))
	}
}

func (g *generator) value(fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(g.IntN(2) == 0)
	case protoreflect.EnumKind:
		vs := fd.Enum().Values()
		if !fd.Enum().IsClosed() && g.IntN(4) == 0 {
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(g.int64()))
		}
		return protoreflect.ValueOfEnum(vs.Get(g.IntN(vs.Len())).Number())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(g.int64()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(g.int64()))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(g.int64())
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(g.int64()))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(g.float64()))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(g.float64())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(g.text())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(g.text() + string([]byte{byte(g.Uint32()), 0xff})[:g.IntN(3)]))
	default:
		return protoreflect.ValueOfMessage(g.message(fd.Message(), depth+1))
	}
}

func (g *generator) int64() int64 {
	switch g.IntN(6) {
	case 0:
		return 0
	case 1:
		return pick[int64](g, -1, 1, 127, 128, 16383, 16384, math.MaxInt32, math.MinInt32, math.MaxUint32, math.MaxInt64, math.MinInt64)
	case 2:
		return int64(g.Uint64())
	case 3:
		return int64(int32(g.Uint32()))
	default:
		return g.Int64N(400) - 100
	}
}

func (g *generator) float64() float64 {
	switch g.IntN(7) {
	case 0:
		return pick(g, 0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxFloat32)
	case 1:
		return math.Float64frombits(g.Uint64())
	case 2:
		return float64(math.Float32frombits(g.Uint32()))
	case 3:
		v := float64(g.Int64N(1e6)) / pick(g, 1., 10., 100., 1000., 1e4, 1e7)
		if g.IntN(3) == 0 {
			v = math.Nextafter(v, pick(g, math.Inf(1), math.Inf(-1)))
		}
		return v
	case 4:
		return pick(g, 1e21, 1e20, 1e-6, 1e-7, 123456789012345680, 0.1, 1e15, -1e9, 999999999.999)
	default:
		return float64(g.IntN(2000) - 1000)
	}
}

func (g *generator) text() string {
	var b strings.Builder
	for range g.IntN(pick(g, 3, 12, 40)) {
		switch g.IntN(12) {
		case 0:
			b.WriteString(pick(g, `"`, `\`, "\n", "\t", "\x00", "\x1f", "\x7f", "/", "<", "&", "\u2028", "\b", "\f", "\r"))
		case 1:
			b.WriteString(pick(g, "é", "ß", "漢字", "😀", "\ufffd", "\u0080", "\ufeff"))
		default:
			b.WriteByte(byte('a' + g.IntN(26)))
		}
	}
	if g.IntN(40) == 0 {
		return strings.Repeat(b.String(), 30)
	}
	return b.String()
}

// wellKnown fills a message whose content JSON restricts, mostly with what it allows.
func (g *generator) wellKnown(m *dynamicpb.Message, depth int) bool {
	fds := m.Descriptor().Fields()
	set := func(n protoreflect.FieldNumber, v any) { m.Set(fds.ByNumber(n), protoreflect.ValueOf(v)) }
	wild := g.IntN(50) == 0
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		if wild {
			return false
		}
		set(1, pick(g, 0, -62135596800, 253402300799, g.Int64N(4e9), g.Int64N(2.5e11), -g.Int64N(6e10)))
		set(2, pick(g, 0, int32(g.IntN(1e9)), int32(g.IntN(1000)*1e6), int32(g.IntN(1e6)*1e3), 999999999))
	case "google.protobuf.Duration":
		if wild {
			return false
		}
		sign := pick(g, -1, 1)
		set(1, int64(sign)*pick(g, 0, 1, 315576000000, g.Int64N(1e6)))
		set(2, int32(sign)*pick(g, 0, int32(g.IntN(1e9)), int32(g.IntN(1000)*1e6), int32(g.IntN(1e6)*1e3)))
	case "google.protobuf.FieldMask":
		if wild {
			return false
		}
		l := m.Mutable(fds.ByNumber(1)).List()
		for range g.IntN(4) {
			l.Append(protoreflect.ValueOfString(pick(g, "a", "a_b", "foo.bar_baz", "_x", "name", "book.author_name.first")))
		}
	case "google.protobuf.Value":
		if wild {
			return false
		}
		switch g.IntN(6) {
		case 0:
			set(1, protoreflect.EnumNumber(0))
		case 1:
			if v := g.float64(); !math.IsNaN(v) && !math.IsInf(v, 0) {
				set(2, v)
				break
			}
			fallthrough
		case 2:
			set(3, g.text())
		case 3:
			set(4, g.IntN(2) == 0)
		default:
			if depth > 5 {
				set(1, protoreflect.EnumNumber(0))
				break
			}
			n := pick[protoreflect.FieldNumber](g, 5, 6)
			set(n, g.message(fds.ByNumber(n).Message(), depth+1).ProtoReflect())
		}
	case "google.protobuf.Any":
		if wild {
			return false
		}
		if g.IntN(8) == 0 {
			return true
		}
		md := g.s.roots[g.IntN(len(g.s.roots))]
		if md.ParentFile().Package() == "google.protobuf" && md.ParentFile().Path() == "google/protobuf/descriptor.proto" {
			return true
		}
		b, err := proto.MarshalOptions{AllowPartial: true}.Marshal(g.message(md, depth+2))
		if err != nil {
			return true
		}
		set(1, pick(g, "type.googleapis.com/", "x/", "/", "")+string(md.FullName()))
		set(2, b)
	default:
		return false
	}
	return true
}

// rewire writes wire bytes in another way, which mostly means the same: records reordered, repeated, split and joined,
// lists packed and unpacked, unknown fields added; and sometimes breaks them.
func (g *generator) rewire(md protoreflect.MessageDescriptor, b []byte, depth int) []byte {
	var records [][]byte
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return b
		}
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if size < 0 {
			return b
		}
		records = append(records, g.rerecord(md, num, typ, b[n:n+size], depth)...)
		b = b[n+size:]
	}
	switch g.IntN(4) {
	case 0:
		g.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	case 1:
		if len(records) > 1 {
			i, j := g.IntN(len(records)), g.IntN(len(records))
			records[i], records[j] = records[j], records[i]
		}
	}
	if len(records) > 0 && g.IntN(4) == 0 {
		records = append(records, records[g.IntN(len(records))])
	}
	var out []byte
	for _, r := range records {
		out = append(out, r...)
		if g.IntN(20) == 0 {
			out = g.unknown(out)
		}
	}
	return out
}

func (g *generator) unknown(out []byte) []byte {
	num := protowire.Number(pick(g, 777, 19, 99999, 1, 2, 101))
	switch g.IntN(5) {
	case 0:
		return protowire.AppendVarint(protowire.AppendTag(out, num, protowire.VarintType), g.Uint64())
	case 1:
		return protowire.AppendFixed32(protowire.AppendTag(out, num, protowire.Fixed32Type), g.Uint32())
	case 2:
		return protowire.AppendFixed64(protowire.AppendTag(out, num, protowire.Fixed64Type), g.Uint64())
	case 3:
		return protowire.AppendString(protowire.AppendTag(out, num, protowire.BytesType), "unknown")
	default:
		out = protowire.AppendTag(out, num, protowire.StartGroupType)
		out = protowire.AppendVarint(protowire.AppendTag(out, 1, protowire.VarintType), 1)
		return protowire.AppendTag(out, num, protowire.EndGroupType)
	}
}

func (g *generator) rerecord(md protoreflect.MessageDescriptor, num protowire.Number, typ protowire.Type, v []byte, depth int) [][]byte {
	fd := md.Fields().ByNumber(num)
	if fd == nil {
		if xt, err := g.s.types.FindExtensionByNumber(md.FullName(), num); err == nil {
			fd = xt.TypeDescriptor()
		}
	}
	tag := protowire.AppendTag(nil, num, typ)
	if g.IntN(40) == 0 { // a tag that is longer than it needs to be
		tag[len(tag)-1] |= 0x80
		tag = append(tag, 0)
	}
	whole := [][]byte{append(tag, v...)}
	if fd == nil || depth > 6 {
		return whole
	}
	if typ == protowire.BytesType && fd.IsList() && fd.Message() == nil && fd.Kind() != protoreflect.StringKind && fd.Kind() != protoreflect.BytesKind {
		return g.unpack(fd, v, whole)
	}
	if fd.Message() == nil {
		return whole
	}
	var content []byte
	if typ == protowire.BytesType {
		content, _ = protowire.ConsumeBytes(v)
	} else {
		content, _ = protowire.ConsumeGroup(num, v)
	}
	content = g.rewire(fd.Message(), content, depth+1)
	wrap := func(c []byte) []byte {
		out := protowire.AppendTag(nil, num, typ)
		if typ == protowire.BytesType {
			return protowire.AppendBytes(out, c)
		}
		return protowire.AppendTag(append(out, c...), num, protowire.EndGroupType)
	}
	if fd.IsList() || g.IntN(4) != 0 {
		return [][]byte{wrap(content)}
	}
	// Split a singular message, or the entry of a map, between two of its records.
	cut := 0
	for cut < len(content) && g.IntN(2) == 0 {
		n, t, k := protowire.ConsumeTag(content[cut:])
		if k < 0 {
			return whole
		}
		size := protowire.ConsumeFieldValue(n, t, content[cut+k:])
		if size < 0 {
			return whole
		}
		cut += k + size
	}
	return [][]byte{wrap(content[:cut]), wrap(content[cut:])}
}

// unpack gives each element of a packed record in a record of its own, or all in two.
func (g *generator) unpack(fd protoreflect.FieldDescriptor, v []byte, whole [][]byte) [][]byte {
	content, _ := protowire.ConsumeBytes(v)
	typ := protowire.VarintType
	switch fd.Kind() {
	default:
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		typ = protowire.Fixed32Type
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		typ = protowire.Fixed64Type
	}
	if g.IntN(2) == 0 {
		return whole
	}
	var out [][]byte
	for len(content) > 0 {
		n := protowire.ConsumeFieldValue(fd.Number(), typ, content)
		if n < 0 {
			return whole
		}
		if g.IntN(3) == 0 {
			out = append(out, protowire.AppendBytes(protowire.AppendTag(nil, fd.Number(), protowire.BytesType), content[:n]))
		} else {
			out = append(out, append(protowire.AppendTag(nil, fd.Number(), typ), content[:n]...))
		}
		content = content[n:]
	}
	return out
}
