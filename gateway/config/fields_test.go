// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// These tests are inside because the schema's message is: they hold the schema and what is made of it together.

// outcome is what a message leads to.
type outcome struct {
	cfg      *Config
	problems string
}

func outcomeOf(m *configv1.Config) outcome {
	c := newCollector(newText("test.yaml", ""))
	check(c, m)
	o := outcome{cfg: compile(c, m, "dir")}
	var p *Problems
	if errors.As(c.err(), &p) {
		o.problems = p.Error()
	}
	return o
}

var compiled = cmp.Options{
	cmp.FilterPath(func(p cmp.Path) bool { // asked for every value: the text of the whole path takes longer than all else
		f, ok := p.Last().(cmp.StructField)
		return ok && (f.Name() == "text" || f.Name() == "places" || f.Name() == "message" || f.Name() == "flat" || f.Name() == "Warnings")
	}, cmp.Ignore()),
	cmp.AllowUnexported(Config{}, Glob{}, MethodGlob{}),
}

// Every field is compiled: set alone, it changes what the gateway gets. A field that is forgotten in compile fails here.
func TestEveryFieldIsCompiled(t *testing.T) {
	t.Parallel()
	fields := 0
	eachField(&configv1.Config{}, func(path string, without, with proto.Message) {
		fields++
		before, after := outcomeOf(without.(*configv1.Config)), outcomeOf(with.(*configv1.Config)) //nolint:errcheck // clones of a Config
		if !cmp.Equal(before.cfg, after.cfg, compiled) {
			return
		}
		// The version selects the rules and is no setting.
		if path == ".version" && before.problems != after.problems {
			return
		}
		t.Errorf("%s: set or not, the configuration is the same", path)
	})
	if fields < 60 {
		t.Errorf("only %d fields were tried", fields)
	}
}

// eachField calls try for every field below root that holds a value, with clones of root in which all that the field
// stands in is there, without and with the field.
func eachField(root proto.Message, try func(path string, without, with proto.Message)) {
	var walk func(path string, d protoreflect.MessageDescriptor, at func(root protoreflect.Message) protoreflect.Message)
	walk = func(path string, d protoreflect.MessageDescriptor, at func(protoreflect.Message) protoreflect.Message) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			below := path + "." + string(f.Name())
			inside := func(root protoreflect.Message) protoreflect.Message { return enter(at(root), f) }
			switch {
			case f.IsMap() && f.MapValue().Message() != nil:
				walk(below, f.MapValue().Message(), inside)
			case f.Message() != nil && f.Message().FullName() != durationName && !f.IsMap():
				walk(below, f.Message(), inside)
			default:
				without, with := proto.Clone(root), proto.Clone(root)
				at(without.ProtoReflect()).Clear(f)
				set(at(with.ProtoReflect()), f)
				try(below, without, with)
			}
		}
	}
	walk("", root.ProtoReflect().Descriptor(), func(m protoreflect.Message) protoreflect.Message { return m })
}

// enter returns the message in a field, a new one with what nothing else in it works without.
func enter(m protoreflect.Message, f protoreflect.FieldDescriptor) protoreflect.Message {
	var inner protoreflect.Message
	switch {
	case f.IsMap():
		value := m.Mutable(f).Map().Mutable(protoreflect.ValueOfString("x").MapKey())
		inner = value.Message()
	case f.IsList():
		inner = m.Mutable(f).List().AppendMutable().Message()
	default:
		inner = m.Mutable(f).Message()
	}
	if e, ok := inner.Interface().(*configv1.Endpoint); ok {
		e.Address = "10.0.0.1:1"
	}
	if s, ok := inner.Interface().(*configv1.Subset); ok {
		s.Size = proto.Uint32(2)
	}
	return inner
}

// set gives a field a value that is not its default.
func set(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	if f.IsMap() {
		m.Mutable(f).Map().Set(protoreflect.ValueOfString("x-own").MapKey(), protoreflect.ValueOfString("own"))
		return
	}
	rules := fieldRules(f)
	texts := rules.GetString()
	if f.IsList() {
		texts = rules.GetRepeated().GetItems().GetString()
	}
	var v protoreflect.Value
	switch f.Kind() {
	case protoreflect.StringKind:
		s := "a.b:1"
		switch in := texts.GetIn(); {
		case len(in) > 0:
			s = in[len(in)-1]
		case strings.Contains(texts.GetPattern(), "KiB"):
			s = "64KiB"
		case strings.Contains(texts.GetPattern(), "[smhd]"):
			s = "7/s"
		case f.Name() == "key" && f.Parent().Name() == "LimitRule":
			s = "method"
		case f.Name() == "allow" && f.Parent().Name() == "AuthorizationRule":
			s = "true"
		case f.FullName() == "dragoman.config.v1.Redaction.unless":
			s = "auth.authenticated"
		case f.Name() == "output":
			s = "./file"
		case f.Name() == "sample_percent":
			s = "0.5"
		case f.Name() == "otlp_endpoint":
			s = "http://collector:4317"
		case f.Name() == "allow_origins":
			s = "https://a.example"
		case f.Name() == "trusted_proxies", f.FullName() == "dragoman.config.v1.ProxyProtocol.from":
			s = "10.0.0.0/8"
		case f.Name() == "expose" || f.Name() == "hide" || f.Name() == "match":
			s = "a.**"
		}
		v = protoreflect.ValueOfString(s)
	case protoreflect.BoolKind:
		v = protoreflect.ValueOfBool(!f.HasOptionalKeyword()) // those that are optional are true by default
	case protoreflect.Uint32Kind:
		v = protoreflect.ValueOfUint32(7)
	default:
		v = protoreflect.ValueOfMessage(durationpb.New(7e9).ProtoReflect())
	}
	if f.IsList() {
		m.Mutable(f).List().Append(v)
		return
	}
	m.Set(f, v)
}

// What the schema refuses is said in words: a new pattern needs a sentence.
func TestEveryPatternHasASentence(t *testing.T) {
	t.Parallel()
	patterns := 0
	eachRule(func(field string, rules *validate.FieldRules) {
		all := []string{
			rules.GetString().GetPattern(), rules.GetRepeated().GetItems().GetString().GetPattern(), rules.GetMap().GetKeys().GetString().GetPattern(),
		}
		for _, p := range all {
			if p == "" {
				continue
			}
			patterns++
			if strings.HasPrefix(patternSentence(p), "must match") {
				t.Errorf("%s: nothing says in words what %s wants", field, p)
			}
		}
	})
	if patterns < 8 {
		t.Errorf("only %d patterns were found", patterns)
	}
}

// Every bound is said in words, and an explicit zero is never taken for a default.
func TestEveryNumberAndDurationHasBothBounds(t *testing.T) {
	t.Parallel()
	eachRule(func(field string, rules *validate.FieldRules) {
		name := field[strings.LastIndexByte(field, '.')+1:]
		if r := rules.GetDuration(); r != nil && (!r.HasLte() || !r.HasGt() && !r.HasGte()) {
			t.Errorf("%s: a duration needs gt or gte, and lte", field)
		} else if r != nil && r.GetGte().AsDuration() == 0 && !r.HasGt() && name != "delay" {
			t.Errorf("%s: zero is allowed, which the owner takes for its default", field)
		}
		meant := field == "dragoman.config.v1.SplitRule.weight" // where 0 is no default, but what was meant
		if r := rules.GetUint32(); r != nil && (!r.HasLte() || r.GetGte() == 0 && !meant) {
			t.Errorf("%s: a number needs gte, not 0, and lte", field)
		}
	})
	eachMessage(func(d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			if f.IsList() && f.Kind() == protoreflect.Uint32Kind {
				if r := fieldRules(f).GetRepeated().GetItems().GetUint32(); !r.HasLte() || r.GetGte() == 0 {
					t.Errorf("%s: its numbers need gte, not 0, and lte", f.FullName())
				}
				continue
			}
			isDuration := f.Message() != nil && f.Message().FullName() == durationName
			if (isDuration || f.Kind() == protoreflect.Uint32Kind) && fieldRules(f) == nil {
				t.Errorf("%s has no bounds", f.FullName())
			}
			if f.Kind() == protoreflect.Uint32Kind && !f.HasPresence() {
				t.Errorf("%s is not optional: an explicit 0 would be taken for the default", f.FullName())
			}
		}
	})
}

func eachRule(do func(field string, rules *validate.FieldRules)) {
	eachMessage(func(d protoreflect.MessageDescriptor) {
		for i := range d.Fields().Len() {
			if rules := fieldRules(d.Fields().Get(i)); rules != nil {
				do(string(d.Fields().Get(i).FullName()), rules)
			}
		}
	})
}

// eachMessage calls do for every message of the schema.
func eachMessage(do func(protoreflect.MessageDescriptor)) {
	seen := map[protoreflect.FullName]bool{}
	var walk func(d protoreflect.MessageDescriptor)
	walk = func(d protoreflect.MessageDescriptor) {
		if d == nil || seen[d.FullName()] || d.FullName() == durationName {
			return
		}
		seen[d.FullName()] = true
		if !d.IsMapEntry() {
			do(d)
		}
		for i := range d.Fields().Len() {
			walk(d.Fields().Get(i).Message())
		}
	}
	walk((&configv1.Config{}).ProtoReflect().Descriptor())
}

// Every value of a policy can be said at every place: it has a row in the table by which policies are put over each other.
func TestEveryPolicyFieldHasARow(t *testing.T) {
	t.Parallel()
	rows := map[string]bool{}
	for _, v := range policyValues {
		rows[v.name] = true
	}
	eachField(&configv1.Policy{}, func(path string, _, _ proto.Message) {
		for name := path[1:]; !rows[name]; name = parent(name) {
			if name == "" {
				t.Errorf("%s: no row takes it from one policy to the other", path[1:])
				break
			}
		}
	})
}
