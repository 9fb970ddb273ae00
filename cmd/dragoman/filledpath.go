// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// plausible is what is written for a segment of a path that may be anything.
const plausible = "42"

// filledPath is a path that the template of a binding matches, with a value for each variable that its field takes; it is false where a
// variable is no text and has several segments.
func filledPath(b *httprule.Binding) (string, bool) {
	var path strings.Builder
	for i, s := range b.Template.Segments() {
		text := s.Text
		if s.Kind != httprule.Literal {
			text = plausible
		}
		for j := range b.Variables {
			v := &b.Variables[j]
			if i < v.First || i >= v.Last {
				continue
			}
			switch {
			case v.MultiSegment && v.Field().Kind() != protoreflect.StringKind:
				return "", false
			case !v.MultiSegment && s.Kind != httprule.Literal:
				text = plausibleValue(v.Field())
			}
		}
		path.WriteString("/" + text)
	}
	if verb := b.Template.Verb(); verb != "" {
		path.WriteString(":" + verb)
	}
	return path.String(), true
}

// plausibleValue is a value of a field as paths have it. No message is a variable of a path.
func plausibleValue(field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return "true"
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		return string(values.Get(values.Len() - 1).Name()) // the first is often the one for nothing
	case protoreflect.BytesKind:
		return "NDI" // 42 in base64
	default: // numbers and texts
		return plausible
	}
}
