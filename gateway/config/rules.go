// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// check reports what breaks the rules that stand in the schema.
func check(c *collector, m *configv1.Config) {
	err := protovalidate.Validate(m)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
	case errors.As(err, &invalid):
		for _, v := range invalid.Violations {
			violation(c, m.ProtoReflect(), v)
		}
	default: // a rule of the schema itself is wrong, which a test of this package notices first
		c.at(place{}, "", "", "the rules of the configuration cannot be checked: %v", err)
	}
}

// violation says what is wrong and what would be right.
func violation(c *collector, root protoreflect.Message, v *protovalidate.Violation) {
	path := protovalidate.FieldPathString(v.Proto.GetField())
	switch id := v.Proto.GetRuleId(); {
	case id == "message.oneof":
		exclusive(c, path, v.Proto.GetMessage())
	case id == "required" && v.FieldDescriptor == nil:
		noneOf(c, parent(path), fieldNames(groupAt(root, v.Proto.GetField()).Fields()))
	case id == "required":
		state := "is missing"
		if _, ok := c.places[path]; ok {
			state = "is empty"
		}
		c.missing(parent(path), path, "", "%s", state)
	case id == "repeated.min_items":
		c.missing(parent(path), path, "", "is empty; it must have at least one entry")
	case id == "string.pattern":
		c.on(path, "", "%s", patternSentence(v.RuleValue.String()))
	case id == "string.in":
		c.on(path, choiceHint(c, path, v), "%s", v.Proto.GetMessage())
	case strings.HasPrefix(id, "uint32."), strings.HasPrefix(id, "duration."):
		c.on(path, "", "%s", boundsSentence(v.FieldDescriptor, v.Proto.GetMessage()))
	default:
		c.on(path, "", "%s", v.Proto.GetMessage())
	}
}

// exclusive words the rule that of some fields exactly one is set.
func exclusive(c *collector, path, message string) {
	list, ok := strings.CutPrefix(message, "only one of ")
	if !ok {
		list, _ = strings.CutPrefix(message, "one of ")
		noneOf(c, path, strings.Split(strings.TrimSuffix(list, " must be set"), ", "))
		return
	}
	// The mistake is where the second one is.
	var first, last string
	for field := range strings.SplitSeq(strings.TrimSuffix(list, " can be set"), ", ") {
		at := name(path, protoreflect.Name(field))
		if _, ok := c.places[at]; !ok {
			continue
		}
		if first == "" || c.places[at].before(c.places[first]) {
			first = at
		}
		if last == "" || c.places[last].before(c.places[at]) {
			last = at
		}
	}
	p := c.place(first)
	c.on(last, "keep one of them", "excludes %s, which is set in line %d, column %d", first[len(path)+1:], p.line, p.column)
}

// noneOf reports that a message has none of some fields, unless one is there and was refused.
func noneOf(c *collector, path string, fields []string) {
	for _, f := range fields {
		if c.isRefused(name(path, protoreflect.Name(f))) {
			return
		}
	}
	c.missing(path, path, "", "has none of %s; it must have one of them", strings.Join(fields, ", "))
}

// groupAt returns the oneof at the end of a field path.
func groupAt(m protoreflect.Message, path *validate.FieldPath) protoreflect.OneofDescriptor {
	d := m.Descriptor()
	elements := path.GetElements()
	for _, e := range elements[:len(elements)-1] {
		f := d.Fields().ByName(protoreflect.Name(e.GetFieldName()))
		if d = f.Message(); f.IsMap() {
			d = f.MapValue().Message()
		}
	}
	return d.Oneofs().ByName(protoreflect.Name(elements[len(elements)-1].GetFieldName()))
}

// patternSentence says in words what a pattern of the schema wants. A test holds that it knows all of them.
func patternSentence(pattern string) string {
	for _, s := range patternSentences {
		if strings.Contains(pattern, s.part) {
			return s.sentence
		}
	}
	return "must match " + pattern
}

var patternSentences = []struct{ part, sentence string }{
	{"trace_id", "must be the URL of a page, http:// or https://, with {trace_id} once behind its host, such as https://jaeger.acme.example/trace/{trace_id}"},
	{"{1,253}", "must be the address of a collector, such as http://collector:4317"},
	{"{1,4})?", "must be a percentage of 0 to 100, such as 5 or 0.1"},
	{"{0,200}", "must be a path, such as /metrics"},
	{"{1,100}", `must be the name of a field, in lower case: letters, digits, "_", "." and "-", at most 100`},
	{"KiB", "must be a size such as 4MiB: a whole number with one of the units B, KiB, MiB, GiB, kB, MB"},
	{"{0,99}[*]?", `must be the name of a header field, in lower case, with * at its end for all that begin so`},
	{"{0,99}", "must be the name of a header field, in lower case"},
	{".+:[0-9]", "must be host:port, such as redis:6379"},
	{"[smhd]", "must be a number, a slash and one of s, m, h and d, such as 100/s"},
	{"{0,63}", `must be letters, digits, "_", "-" and ".", beginning with a letter or a digit, at most 64`},
	{"{0,127}", `must be letters, digits, "_", "-" and ".", beginning with a letter or a digit, at most 128`},
	{"{1,256}", `must be letters, digits and "_-./:*", at most 256`},
	{"{1,128}", "must be the name of a cookie"},
	{"{0,255}/", "must be the full name of a method, such as /acme.users.v1.UserService/Ping"},
	{"{0,255}", "must be the name of a method, without its service"},
	{"{0,61}", `must be lower-case letters, digits and "-", beginning and ending with a letter or a digit, at most 63`},
	{"^([*][.])?[A-Za-z_]", "must be the name of a field, such as password, or the full name of a field of a message behind a dot, such as .acme.users.v1.User.phone"},
	{"^[.]?[A-Za-z_]", "must be a path of fields, such as owner.email, or the full name of a field behind a dot, such as .acme.users.v1.User.email"},
	{"{1,64}", `must be letters, digits, "_", "-" and ".", at most 64`},
}

// choiceHint is the hint for a word that is none of the choices, which are the value of the rule.
func choiceHint(c *collector, path string, v *protovalidate.Violation) string {
	list, isList := v.RuleValue.Interface().(protoreflect.List)
	word, isText := v.FieldValue.Interface().(string)
	if !isList || !isText || c.place(path).raw != "" { // a hint could show what a variable holds
		return ""
	}
	choices := make([]string, list.Len())
	for i := range choices {
		choices[i] = list.Get(i).String()
	}
	if best := closest(word, choices); best != "" {
		return "did you mean " + best + "?"
	}
	return ""
}

// boundsSentence says between which bounds a number or a duration must be, with the units that people write.
func boundsSentence(f protoreflect.FieldDescriptor, otherwise string) string {
	rules := fieldRules(f)
	if r := rules.GetUint32(); r.HasGte() && r.HasLte() {
		return fmt.Sprintf("must be %d to %d", r.GetGte(), r.GetLte())
	}
	switch r := rules.GetDuration(); {
	case r.HasGt() && r.HasLte():
		return fmt.Sprintf("must be more than %s and at most %s", formatDuration(r.GetGt().AsDuration()), formatDuration(r.GetLte().AsDuration()))
	case r.HasGte() && r.HasLte():
		return fmt.Sprintf("must be %s to %s", formatDuration(r.GetGte().AsDuration()), formatDuration(r.GetLte().AsDuration()))
	}
	return otherwise
}

// formatDuration writes a duration without the units of which there are none: 24h, not 24h0m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// fieldRules returns the rules that stand at a field; nil when there are none.
func fieldRules(f protoreflect.FieldDescriptor) *validate.FieldRules {
	if f == nil {
		return nil
	}
	rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}
