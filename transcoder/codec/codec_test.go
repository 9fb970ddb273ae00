// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/apipb"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		types codec.Types
		cfg   codec.Config
		want  string // part of the error
	}{
		{"no types", nil, codec.Config{}, "types is nil"},
		{"negative depth", protoregistry.GlobalTypes, codec.Config{MaxDepth: -1}, "max depth is -1; it must be between 1 and 10000"},
		{"too much depth", protoregistry.GlobalTypes, codec.Config{MaxDepth: 10001}, "max depth is 10001"},
		{"defaults", protoregistry.GlobalTypes, codec.Config{}, ""},
		{"least depth", protoregistry.GlobalTypes, codec.Config{MaxDepth: 1}, ""},
	} {
		_, err := codec.New(c.types, c.cfg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestGlobalTypes: types that are linked into the program serve as well as types that were loaded.
func TestGlobalTypes(t *testing.T) {
	t.Parallel()
	c, err := codec.New(protoregistry.GlobalTypes, codec.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m := c.Message((&apipb.Api{}).ProtoReflect().Descriptor())
	const in = `{"name":"a","methods":[{"name":"m","requestTypeUrl":"x/y"}],"options":[{"name":"o","value":{"@type":"x/google.protobuf.Duration","value":"1s"}}]}`
	wire, err := m.AppendWire(nil, []byte(in), nil)
	if err != nil {
		t.Fatal(err)
	}
	var api apipb.Api
	if err := proto.Unmarshal(wire, &api); err != nil || api.GetMethods()[0].GetRequestTypeUrl() != "x/y" {
		t.Errorf("got %v, %v", &api, err)
	}
	got, err := m.AppendJSON(nil, wire, omit)
	if want := `{"name":"a","methods":[{"name":"m","requestTypeUrl":"x/y"}],"options":[{"name":"o","value":{"@type":"x/google.protobuf.Duration","value":"1s"}}]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// TestUnusableTypes: what cannot be converted is told by every use, and does not hinder what is beside it.
func TestUnusableTypes(t *testing.T) {
	t.Parallel()
	sources := map[string]string{
		"set.proto": `
			syntax = "proto2";
			package a;
			message Set { option message_set_wire_format = true; extensions 4 to max; }
			message Holder { optional Set set = 1; optional string name = 2; }`,
		"google/protobuf/timestamp.proto": `
			syntax = "proto3";
			package google.protobuf;
			message Timestamp { string text = 1; }`,
	}
	s := newSchema(t, link(t, sources))
	for _, name := range []string{"a.Set", "google.protobuf.Timestamp"} {
		m := s.message(t, name)
		var e *codec.Error
		if !errors.As(m.Err(), &e) || e.Kind != codec.KindSchema || !strings.Contains(e.Message, name) {
			t.Errorf("%s: got %v, want kind %v", name, m.Err(), codec.KindSchema)
		}
		if _, err := m.AppendWire(nil, []byte(`{}`), nil); !errors.As(err, &e) || e.Kind != codec.KindSchema {
			t.Errorf("%s: JSON to wire: got %v", name, err)
		}
		if _, err := m.AppendJSON(nil, nil, nil); !errors.As(err, &e) || e.Kind != codec.KindSchema {
			t.Errorf("%s: wire to JSON: got %v", name, err)
		}
		if _, err := m.MaskPaths([]byte(`{}`), nil); name == "a.Set" && err == nil {
			t.Errorf("%s: mask: got no error", name)
		}
		if _, err := m.MissingRequired(nil); !errors.As(err, &e) || e.Kind != codec.KindSchema {
			t.Errorf("%s: required: got %v", name, err)
		}
	}
	holder := s.message(t, "a.Holder")
	if holder.Err() != nil {
		t.Error(holder.Err())
	}
	wire, err := holder.AppendWire(nil, []byte(`{"name":"a"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := holder.AppendJSON(nil, wire, omit); err != nil || string(got) != `{"name":"a"}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := holder.AppendWire(nil, []byte(`{"set":{}}`), nil); err == nil {
		t.Error("a message set was written")
	}
}

// TestNameClash: where the JSON name of one field is the proto name of another, the JSON name counts, in any order.
func TestNameClash(t *testing.T) {
	t.Parallel()
	s := newSchema(t, compileFiles(t, map[string]string{"a.proto": `
		syntax = "proto2";
		package a;
		message M {
			optional string a = 1 [json_name = "b"];
			optional string b = 2 [json_name = "c"];
			optional string c = 3 [json_name = "a"];
		}`}))
	md := s.find(t, "a.M")
	for _, in := range []string{`{"a":"3","b":"1","c":"2"}`, `{"c":"2","b":"1","a":"3"}`, `{"b":"1"}`, `{"b":"1","b":"2"}`} {
		compareWire(t, &call{s: s, md: md, in: []byte(in)})
	}
}

// TestManyOneofs: more oneofs than fit into one word.
func TestManyOneofs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`syntax = "proto3"; package a; message M {`)
	for i := range 70 {
		fmt.Fprintf(&b, "oneof o%d { int32 l%d = %d; string r%d = %d; }\n", i, i, 2*i+1, i, 2*i+2)
	}
	b.WriteString("}")
	s := newSchema(t, compileFiles(t, map[string]string{"a.proto": b.String()}))
	md := s.find(t, "a.M")
	for seed := range uint64(20) {
		compareRandom(t, s, md, seed)
	}
	for _, in := range []string{`{"l69":1,"r69":""}`, `{"l0":1,"r69":"","l68":0}`, `{"r0":"","l0":1}`} {
		compareWire(t, &call{s: s, md: md, in: []byte(in)})
	}
}

// TestConcurrent: one codec serves any number of goroutines, which compile, find extensions and convert at once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() {
			for seed := range uint64(10) {
				for k := range s.roots {
					md := s.roots[(k+int(i)*7)%len(s.roots)]
					g := newGenerator(s, seed)
					wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(g.message(md, 0))
					if err != nil {
						continue
					}
					compareJSON(t, &call{s: s, md: md, in: g.rewire(md, wire, 0)}, options(int(seed)))
				}
			}
		})
	}
	wg.Wait()
}

// TestNewExtensionsWhileReading: extensions that are met for the first time in the midst of a message do not upset its order.
func TestNewExtensionsWhileReading(t *testing.T) {
	t.Parallel()
	s := corpusSchema(t)
	names := []string{"zebra", "apple", "numbers", "far"}
	for first := range names {
		fresh, err := codec.New(s.types, codec.Config{})
		if err != nil {
			t.Fatal(err)
		}
		m := fresh.Message(s.find(t, carrierName))
		texts := []string{`[codec.two.zebra]: 1`, `[codec.two.apple]: "a"`, `[codec.two.numbers]: 5`, `[codec.two.far]: 7`}
		if _, err := m.AppendJSON(nil, fromText(t, s, carrierName, texts[first]), nil); err != nil {
			t.Fatal(err)
		}
		wire := fromText(t, s, carrierName, strings.Join(texts, " "))
		const want = `{"[codec.two.apple]":"a","[codec.two.far]":7,"[codec.two.numbers]":["5"],"[codec.two.zebra]":1}`
		if got, err := m.AppendJSON(nil, wire, nil); err != nil || string(got) != want {
			t.Errorf("%s first: got %s, %v, want %s", names[first], got, err, want)
		}
	}
}
