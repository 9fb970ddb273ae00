// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// These tests are inside because the keys of calls are not seen outside, only where the calls go.

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A key is the value that the message has by the rules of protobuf's wire format, whatever else is in it.
func TestKeyOfAField(t *testing.T) {
	t.Parallel()
	inner := func(text string) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte(text))
	}
	scalars, canary := &testv1.Scalars{}, &testv1.CanaryRequest{}
	required := &testv1.Required{}
	for _, row := range []struct {
		reason, field string
		message       proto.Message
		data          []byte
		want          string
	}{
		{"a text", "id", canary, encoded(t, &testv1.CanaryRequest{Id: "b-1", Text: "x"}), "b-1"},
		{"by its name in JSON", "userId", canary, encoded(t, &testv1.CanaryRequest{UserId: "u"}), "u"},
		{"bytes", "data", canary, encoded(t, &testv1.CanaryRequest{Data: []byte{0, 0xff}}), "\x00\xff"},
		{"of a message within", "sleep.seconds", canary, encoded(t, &testv1.CanaryRequest{Sleep: durationpb.New(7 * time.Second)}), "7"},
		{"none in an empty message", "id", canary, nil, ""},
		{"none where another field is", "id", canary, encoded(t, &testv1.CanaryRequest{Text: "x"}), ""},
		{"none where it is empty", "id", canary, protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), nil), ""},
		{"an integer", "int64_value", scalars, encoded(t, &testv1.Scalars{Int64Value: 1 << 40}), "1099511627776"},
		{"a negative one", "int32_value", scalars, encoded(t, &testv1.Scalars{Int32Value: -1}), "18446744073709551615"},
		{"zigzag", "sint64_value", scalars, encoded(t, &testv1.Scalars{Sint64Value: -2}), "3"},
		{"fixed, of four bytes", "fixed32_value", scalars, encoded(t, &testv1.Scalars{Fixed32Value: 9}), "9"},
		{"fixed, of eight bytes", "sfixed64_value", scalars, encoded(t, &testv1.Scalars{Sfixed64Value: 10}), "10"},
		{"a bool", "bool_value", scalars, encoded(t, &testv1.Scalars{BoolValue: true}), "1"},
		{"none where it is zero", "int64_value", scalars, protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), 0), ""},
		{"the last of several", "id", canary, append(inner("a"), inner("b")...), "b"},
		{"messages that occur twice are one", "inner.id", required, append(
			encoded(t, &testv1.Required{Id: proto.String("o"), Count: proto.Int64(1), Inner: &testv1.Required{Id: proto.String("in"), Count: proto.Int64(1)}}),
			protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 5))...,
		), "in"},
		{"of another wire type: another field", "id", canary, protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7), ""},
		{"what is no message has none", "id", canary, append(inner("a"), 0xff), ""},
		{"a length beyond the end", "id", canary, []byte{0x0a, 0x7f, 'a'}, ""},
	} {
		t.Run(row.reason, func(t *testing.T) {
			t.Parallel()
			f, err := newField(row.field, row.message.ProtoReflect().Descriptor())
			if err != nil {
				t.Fatal(err)
			}
			if got := f.of(mem.BufferSlice{mem.SliceBuffer(row.data)}); got != row.want {
				t.Errorf("in one piece: %q, want %q", got, row.want)
			}
			pieces := mem.BufferSlice{}
			for _, b := range row.data {
				pieces = append(pieces, mem.SliceBuffer{b})
			}
			if got := f.of(pieces); got != row.want {
				t.Errorf("in pieces of a byte: %q, want %q", got, row.want)
			}
		})
	}
}

// A field that cannot be a key is refused, with what it is.
func TestFieldsThatAreNoKey(t *testing.T) {
	t.Parallel()
	canary, scalars := (&testv1.CanaryRequest{}).ProtoReflect().Descriptor(), (&testv1.Scalars{}).ProtoReflect().Descriptor()
	for field, want := range map[string]string{
		"nope":        "is not in dragoman.test.v1.CanaryRequest",
		"":            "is not in",
		"sleep.":      "is not in google.protobuf.Duration",
		"numbers":     "is repeated",
		"sleep":       "is a message",
		"id.length":   "goes through id, which is no message",
		"sleep.hours": "is not in google.protobuf.Duration",
	} {
		_, err := newField(field, canary)
		if e, ok := errors.AsType[*FieldError](err); !ok || e.Field != field || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v; want that it %s", field, err, want)
		}
	}
	if _, err := newField("double_value", scalars); err == nil || !strings.Contains(err.Error(), "is a double") {
		t.Errorf("a double: %v", err)
	}
}

func callWith(fields ...wire.Field) *transcoder.Call {
	c := transcoder.NewCall(nil, &transcoder.Request{Header: fields, Remote: netip.MustParseAddrPort("[::ffff:10.0.0.7]:1")}) //nolint:staticcheck // nothing looks at the context
	c.Protocol = "rest"
	return c
}

// Of several entries the first one counts that the call has; the address it always has.
func TestKeyOfTheHead(t *testing.T) {
	t.Parallel()
	keys := LoadBalancing{Policy: Maglev, HashKeys: []HashKey{{Header: "x-tenant"}, {Cookie: "sid"}, {Field: "id"}, {ClientAddress: true}}}
	k, err := keys.NewKeyer((&testv1.CanaryRequest{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	message := &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(encoded(t, &testv1.CanaryRequest{Id: "m"}))}}
	empty := &transcoder.Message{}
	for _, row := range []struct {
		reason string
		call   *transcoder.Call
		m      *transcoder.Message
		want   string
	}{
		{"the first entry", callWith(wire.Field{Name: "cookie", Value: "sid=c"}, wire.Field{Name: "x-tenant", Value: "t"}), message, "t"},
		{"an empty header field is none", callWith(wire.Field{Name: "x-tenant"}, wire.Field{Name: "cookie", Value: "sid=c"}), message, "c"},
		{"the cookie among others", callWith(wire.Field{Name: "cookie", Value: `a=b; sid="c d"; sid=e`}), message, "c d"},
		{"the cookie of the second field", callWith(wire.Field{Name: "cookie", Value: "xsid=b;sidx=c"}, wire.Field{Name: "cookie", Value: "sid=d"}), message, "d"},
		{"the field where the head has none", callWith(), message, "m"},
		{"the address in the end", callWith(), empty, "10.0.0.7"},
	} {
		if got := k.key(row.call, row.m); got != row.want {
			t.Errorf("%s: %q, want %q", row.reason, got, row.want)
		}
	}
}

// A client without the cookie is given one, with a session that no one can guess and that names no server (threat H5); gRPC clients, which
// keep none, are not.
func TestSessionsAreGivenOut(t *testing.T) {
	t.Parallel()
	l := LoadBalancing{Sticky: &Sticky{Key: HashKey{Cookie: "sid"}, SetCookie: true, MaxAge: time.Hour}}
	k, err := l.NewKeyer((&testv1.CanaryRequest{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	c := callWith()
	c.Request.Scheme = "https"
	key, _ := k.head(c, 0)
	if want := "sid=" + key + "; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600; Secure"; c.AnswerFields.Get("set-cookie") != want || len(key) < 20 {
		t.Errorf("set-cookie: %q, want %q", c.AnswerFields.Get("set-cookie"), want)
	}
	if again, _ := k.head(callWith(), 0); again == key {
		t.Error("two clients have one session")
	}
	c = callWith(wire.Field{Name: "cookie", Value: "sid=mine"})
	if key, _ := k.head(c, 0); key != "mine" || len(c.AnswerFields) > 0 {
		t.Errorf("a client with the cookie: key %q, fields %v", key, c.AnswerFields)
	}
	c = callWith()
	c.Protocol = native
	if key, _ := k.head(c, 0); key != "" || len(c.AnswerFields) > 0 {
		t.Errorf("a gRPC client: key %q, fields %v", key, c.AnswerFields)
	}
}

// Who asks for no key gets no Keyer, so that calls take no notice.
//
//nolint:paralleltest // it counts allocations
func TestNoKeyCostsNothing(t *testing.T) {
	if k, err := (&LoadBalancing{}).NewKeyer((&testv1.CanaryRequest{}).ProtoReflect().Descriptor()); k != nil || err != nil {
		t.Errorf("got %v, %v; want none", k, err)
	}
	k, err := (&LoadBalancing{Policy: RingHash, HashKeys: []HashKey{{Header: "x-tenant"}}}).NewKeyer((&testv1.CanaryRequest{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	c := callWith(wire.Field{Name: "x-tenant", Value: "t"})
	if n := testing.AllocsPerRun(100, func() { k.head(c, 0) }); n > 0 {
		t.Errorf("the key of a header field takes %v allocations", n)
	}
}

// FuzzKeyOfAField: whatever a client sends as a message, a key is found that protobuf finds, or none.
func FuzzKeyOfAField(f *testing.F) {
	id, err := newField("id", (&testv1.CanaryRequest{}).ProtoReflect().Descriptor())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x0a\x01a"))
	f.Add([]byte("\x0a\x01a\x0a\x00"))
	f.Add([]byte("\x08\x01\x0b\x0c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := id.of(mem.BufferSlice{mem.SliceBuffer(data)})
		m := &testv1.CanaryRequest{}
		if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err == nil && got != m.GetId() {
			t.Errorf("%q: key %q, field %q", data, got, m.GetId())
		}
	})
}
