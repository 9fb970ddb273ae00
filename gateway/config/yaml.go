// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// YAML returns what the file says, as a file: in the order of the schema, without comments, and with Redacted in the place of what may be
// secret. It is "" without a file.
func (c *Config) YAML() string {
	if c.message == nil {
		return ""
	}
	redacted := map[string]string{}
	for _, s := range c.Settings() {
		if s.Value != s.plain {
			redacted[s.Path] = s.Value
			if s.Written != "" && !strings.Contains(s.Written, "…") {
				redacted[s.Path] = yamlText(s.Written)
			}
		}
	}
	w := &yamlWriter{redacted: redacted}
	w.message(c.message.ProtoReflect(), "", 0)
	return w.b.String()
}

// yamlWriter writes a message as YAML.
type yamlWriter struct {
	b        strings.Builder
	redacted map[string]string // what stands in the place of values, by path
}

// indent is two spaces for each level.
func (w *yamlWriter) indent(depth int) { w.b.WriteString(strings.Repeat("  ", depth)) }

func (w *yamlWriter) message(m protoreflect.Message, path string, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		w.indent(depth)
		w.b.WriteString(string(f.Name()) + ":")
		w.value(m.Get(f), f, name(path, f.Name()), depth)
	}
}

// value writes what stands behind a key, to the end of its line and below it.
func (w *yamlWriter) value(v protoreflect.Value, f protoreflect.FieldDescriptor, path string, depth int) {
	switch {
	case f.IsMap():
		w.b.WriteString("\n")
		for _, k := range keysOf(v.Map()) {
			w.indent(depth + 1)
			w.b.WriteString(yamlText(k) + ":")
			w.single(v.Map().Get(protoreflect.ValueOfString(k).MapKey()), f.MapValue(), entry(path, k), depth+1)
		}
	case f.IsList() && isMessage(f):
		w.b.WriteString("\n")
		for i := range v.List().Len() {
			var inner yamlWriter
			inner.redacted = w.redacted
			inner.message(v.List().Get(i).Message(), item(path, i), depth+2)
			text := inner.b.String()
			w.indent(depth + 1)
			if text == "" {
				w.b.WriteString("- {}\n")
				continue
			}
			w.b.WriteString("- " + strings.TrimPrefix(text, strings.Repeat("  ", depth+2)))
		}
	case f.IsList():
		texts := make([]string, v.List().Len())
		for i := range texts {
			texts[i] = scalarText(v.List().Get(i), f)
		}
		w.scalar("["+strings.Join(texts, ", ")+"]", path)
	default:
		w.single(v, f, path, depth)
	}
}

// single writes one value.
func (w *yamlWriter) single(v protoreflect.Value, f protoreflect.FieldDescriptor, path string, depth int) {
	if !isMessage(f) {
		w.scalar(scalarText(v, f), path)
		return
	}
	before := w.b.Len()
	w.b.WriteString("\n")
	w.message(v.Message(), path, depth+1)
	if w.b.Len() == before+1 {
		text := w.b.String()[:before]
		w.b.Reset()
		w.b.WriteString(text + " {}\n")
	}
}

func (w *yamlWriter) scalar(text, path string) {
	if other, ok := w.redacted[path]; ok {
		text = other
	}
	w.b.WriteString(" " + text + "\n")
}
