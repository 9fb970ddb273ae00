// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// pathPart is one parameter of a path in OpenAPI, which is one segment: a variable of several segments becomes several parameters.
type pathPart struct {
	name string
	// variable is the index of the binding's variable, or -1 for a wildcard that no variable covers.
	variable int
	// whole tells that the part is all of the variable.
	whole bool
	// multi tells that it takes any number of segments.
	multi bool
}

// layout is how a template is written in OpenAPI.
type layout struct {
	path  string // "/v1/shelves/{shelf}:move"
	shape string // with "{}" for each parameter: two paths of one shape are the same to OpenAPI
	parts []pathPart
}

// layOut writes a template as OpenAPI has it. names are those that another template of the same shape has, which have to be kept; nil
// for none.
func layOut(b *httprule.Binding, names []string) layout {
	var path, shape strings.Builder
	l := layout{}
	taken := map[string]bool{}
	for i, segment := range b.Template.Segments() {
		path.WriteByte('/')
		shape.WriteByte('/')
		if segment.Kind == httprule.Literal {
			path.WriteString(literal(segment.Text))
			shape.WriteString(literal(segment.Text))
			continue
		}
		part := pathPart{variable: -1, multi: segment.Kind == httprule.Multi}
		for v := range b.Variables {
			if i >= b.Variables[v].First && i < b.Variables[v].Last {
				part.variable, part.whole = v, b.Variables[v].Last-b.Variables[v].First == 1
			}
		}
		if n := len(l.parts); n < len(names) {
			part.name = names[n]
		} else {
			part.name = distinctName(partName(b, i, part), taken)
		}
		taken[part.name] = true
		l.parts = append(l.parts, part)
		path.WriteString("{" + part.name + "}")
		shape.WriteString("{}")
	}
	if len(b.Template.Segments()) == 0 {
		path.WriteByte('/')
		shape.WriteByte('/')
	}
	if verb := b.Template.Verb(); verb != "" {
		path.WriteString(":" + literal(verb))
		shape.WriteString(":" + literal(verb))
	}
	l.path, l.shape = path.String(), shape.String()
	return l
}

// literal is a literal of a template in a path of OpenAPI, in which braces mean parameters.
func literal(text string) string {
	return strings.NewReplacer("{", "%7B", "}", "%7D").Replace(text)
}

// partName is what a parameter is called: its variable where it is all of it, else the singular of the segment before it.
func partName(b *httprule.Binding, segment int, p pathPart) string {
	if p.whole {
		return b.Variables[p.variable].Name
	}
	if segment > 0 {
		if before := b.Template.Segments()[segment-1]; before.Kind == httprule.Literal {
			if name := singular(before.Text); name != "" {
				return name
			}
		}
	}
	if p.variable >= 0 {
		return b.Variables[p.variable].Name
	}
	return "segment"
}

// singular is what one of a collection is called: shelves, shelf. What cannot be the name of a parameter is "".
func singular(collection string) string {
	for i := range len(collection) {
		if c := collection[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) && c != '_' && c != '-' {
			return ""
		}
	}
	for _, ending := range []struct{ plural, singular string }{
		{"ies", "y"}, {"lves", "lf"}, {"sses", "ss"}, {"xes", "x"}, {"ches", "ch"}, {"shes", "sh"}, {"ss", "ss"}, {"us", "us"}, {"s", ""},
	} {
		if stem, ok := strings.CutSuffix(collection, ending.plural); ok && stem != "" {
			return stem + ending.singular
		}
	}
	return collection
}

func distinctName(name string, taken map[string]bool) string {
	if !taken[name] {
		return name
	}
	for n := 2; ; n++ {
		if again := fmt.Sprintf("%s_%d", name, n); !taken[again] {
			return again
		}
	}
}

// pathParameters are the parameters of a path.
func (o *operation) pathParameters() {
	for _, p := range o.layout.parts {
		parameter := obj("name", p.name, "in", "path", "required", true)
		schema := obj("type", "string")
		var notes []string
		if p.variable >= 0 {
			v := &o.binding.Variables[p.variable]
			field := o.builder.schemas.field(v.Field(), o.dialect)
			text, _ := field.get("description").(string)
			field.remove("description")
			switch {
			case p.whole && !p.multi:
				field.remove("readOnly") // the path has to say it
				field.remove("writeOnly")
				schema = field
				notes = append(notes, text)
			case p.whole:
				notes = append(notes, text)
			default:
				notes = append(notes, fmt.Sprintf("A part of the field `%s`, which is `%s`.", v.Name, o.pattern(v)))
			}
		}
		if p.multi {
			notes = append(notes, "Any number of segments, slashes included: a slash is sent as it is. Many clients encode it as `%2F`, which is no slash to the server.")
			parameter.set("x-multi-segment", true)
		}
		parameter.text("description", sentences(notes...)).set("schema", schema)
		o.parameters = append(o.parameters, parameter)
	}
}

// pattern is a variable as its parameters make it up: "shelves/{shelf}/books/{book}".
func (o *operation) pattern(v *httprule.Variable) string {
	var texts []string
	part := 0
	for i, segment := range o.binding.Template.Segments() {
		text := segment.Text
		if segment.Kind != httprule.Literal {
			text = "{" + o.layout.parts[part].name + "}"
			part++
		}
		if i >= v.First && i < v.Last {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "/")
}
