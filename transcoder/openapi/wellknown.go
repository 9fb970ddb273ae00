// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// wellKnown returns the schema of a message whose JSON is not an object of its fields, or nil.
//
// https://protobuf.dev/programming-guides/json/
func (s *schemas) wellKnown(md protoreflect.MessageDescriptor, in dialect) *object {
	name := md.FullName()
	if name.Parent() != "google.protobuf" {
		return nil
	}
	switch name.Name() {
	case "Timestamp":
		return obj("type", "string", "format", "date-time")
	case "Duration":
		return obj("type", "string", "pattern", `^-?[0-9]+(\.[0-9]{1,9})?s$`, "description", "Seconds, with up to nine digits behind the point: `3.5s`.")
	case "FieldMask":
		return obj("type", "string", "description", "Paths of fields with commas between, in the names that JSON has: `title,author.name`.")
	case "Empty":
		return obj("type", "object")
	case "Struct":
		return obj("type", "object", "additionalProperties", true)
	case "ListValue":
		return obj("type", "array", "items", &object{})
	case "Value":
		return obj("description", "Any JSON value.")
	case "Any":
		return s.ref("google.protobuf.Any", fillAny)
	case "BoolValue", "Int32Value", "Int64Value", "UInt32Value", "UInt64Value", "FloatValue", "DoubleValue", "StringValue", "BytesValue":
		if md.Fields().Len() > 0 {
			return nullable(s.value(md.Fields().Get(0), in))
		}
	}
	return nil
}

func fillAny(o *object) {
	o.set("type", "object").
		set("description", "A message of any type: its type, and its fields beside it. A type whose JSON is no object of its fields has it in `value`.").
		set("properties", obj("@type", obj("type", "string", "description", "The type: `type.googleapis.com/package.Message`."))).
		set("required", list{"@type"}).set("additionalProperties", true)
}

// isText tells whether one text is the value of a message.
func isText(md protoreflect.MessageDescriptor) bool {
	switch md.FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask":
		return true
	}
	return isWrapper(md)
}

func isWrapper(md protoreflect.MessageDescriptor) bool {
	return md.FullName().Parent() == "google.protobuf" && md.ParentFile().Path() == "google/protobuf/wrappers.proto"
}

// isFree tells whether a message holds any JSON object, array or value.
func isFree(md protoreflect.MessageDescriptor) bool {
	switch md.FullName() {
	case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		return true
	}
	return false
}

func isAny(md protoreflect.MessageDescriptor) bool { return md.FullName() == "google.protobuf.Any" }

const httpBody protoreflect.FullName = "google.api.HttpBody"

func isRaw(md protoreflect.MessageDescriptor) bool { return md != nil && md.FullName() == httpBody }

// oneLine is a text without line breaks.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func joinLines(lines []string) string { return strings.Join(lines, "\n") }

// sentenceList puts notes behind each other.
func sentenceList(notes []string) string { return strings.Join(notes, " ") }
