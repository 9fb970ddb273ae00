// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Schema is the JSON Schema of the file, for editors. A test writes it from the comments and the rules of the schema in proto.
//
//go:embed schema.json
var Schema string

// Effective returns the values of the file, and in their places those that are built in where the file says nothing: of every message that the
// file has, and of those that it could have at the top. What is built in is told as the reference tells it, which may be a sentence.
func (c *Config) Effective() []Setting {
	if c.message == nil {
		return nil
	}
	set := map[string]Setting{}
	for _, s := range c.Settings() {
		set[s.Path] = s
	}
	e := &effective{set: set, told: map[string]bool{}}
	e.message(c.message.ProtoReflect(), "", "")
	for _, s := range c.Settings() { // what is in lists and maps of single values
		if !e.told[s.Path] {
			e.list = append(e.list, s)
		}
	}
	return e.list
}

type effective struct {
	set  map[string]Setting
	told map[string]bool
	list []Setting
}

func (e *effective) message(m protoreflect.Message, path, field string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		at, of := name(path, f.Name()), name(field, f.Name())
		switch {
		case f.IsMap() && isMessage(f.MapValue()):
			for _, s := range settingsBelow(m, f, at) {
				e.message(s.message, s.path, of+"[]")
			}
		case f.IsList() && isMessage(f):
			for j := range m.Get(f).List().Len() {
				e.message(m.Get(f).List().Get(j).Message(), item(at, j), of+"[]")
			}
		case isMessage(f) && !f.IsMap():
			if m.Has(f) || path == "" && f.ContainingOneof() == nil {
				e.message(m.Get(f).Message(), at, of)
			}
			if s, ok := e.set[at]; ok { // {}
				e.add(s)
			}
		default:
			if s, ok := e.set[at]; ok {
				e.add(s)
				continue
			}
			if d := defaultOf(f); d != "" && !m.Has(f) {
				e.add(Setting{Path: at, Value: d, Origin: FromDefault, Effect: effectOf(of), plain: d, field: of})
			}
		}
	}
}

func (e *effective) add(s Setting) {
	if !e.told[s.Path] {
		e.told[s.Path] = true
		e.list = append(e.list, s)
	}
}

// below is a message in a map, and its path.
type below struct {
	path    string
	message protoreflect.Message
}

// settingsBelow returns the messages of a map, in the order of their keys.
func settingsBelow(m protoreflect.Message, f protoreflect.FieldDescriptor, path string) []below {
	var all []below
	for _, k := range keysOf(m.Get(f).Map()) {
		all = append(all, below{entry(path, k), m.Get(f).Map().Get(protoreflect.ValueOfString(k).MapKey()).Message()})
	}
	return all
}

// defaults are what the reference says of fields that are not set, by message and field.
//
//nolint:gochecknoglobals // a table, made when it is first asked for
var defaults = sync.OnceValue(func() map[string]string {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Description string `json:"description"`
			} `json:"properties"`
		} `json:"$defs"`
	}
	found := map[string]string{}
	if err := json.Unmarshal([]byte(Schema), &schema); err != nil {
		return found // a test holds that it can be read
	}
	for message, d := range schema.Defs {
		for field, p := range d.Properties {
			if text := defaultIn(p.Description); text != "" {
				found[message+"."+field] = text
			}
		}
	}
	return found
})

// defaultLine is how comments tell what a field is when it is not set.
var defaultLine = regexp.MustCompile(`(?s)(?:^|\n)Default: (.*?)(?:\n\n|$)`)

// defaultIn returns the default that a comment tells, up to the end of its first sentence.
func defaultIn(comment string) string {
	found := defaultLine.FindStringSubmatch(comment)
	if found == nil {
		return ""
	}
	text := strings.Join(strings.Fields(found[1]), " ")
	if end := strings.Index(text, ". "); end >= 0 {
		text = text[:end]
	}
	return strings.TrimSuffix(text, ".")
}

// defaultOf returns what a field is when it is not set; "" where the reference does not say.
func defaultOf(f protoreflect.FieldDescriptor) string {
	message := strings.TrimPrefix(string(f.Parent().FullName()), "dragoman.config.v1.")
	return defaults()[message+"."+string(f.Name())]
}
