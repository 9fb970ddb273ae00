// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// everything is the path that stands for all fields (AIP-134).
const everything = "*"

// applyMask returns a copy of old in which the fields that paths name have the values that they have in update. Fields that
// clients cannot set are left alone, wherever they are named (AIP-161).
func (p *problems) applyMask(old, update *bookstorev1.Book, paths []string) *bookstorev1.Book {
	result := proto.CloneOf(old)
	to, from := result.ProtoReflect(), update.ProtoReflect()
	fields := to.Descriptor().Fields()
	switch {
	case len(paths) == 0:
		// What is set is meant. The other fields cannot be told from forgotten ones.
		from.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			copyField(to, from, field)
			return true
		})
	case len(paths) == 1 && paths[0] == everything:
		for i := range fields.Len() {
			copyField(to, from, fields.Get(i))
		}
	default:
		for _, path := range paths {
			if !copyPath(to, from, strings.Split(path, ".")) {
				p.add("update_mask", "names %q, which is not a field of a book", path)
			}
		}
	}
	return result
}

// copyPath copies the field at path and tells whether there is such a field.
func copyPath(to, from protoreflect.Message, path []string) bool {
	field := to.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if field == nil {
		return false
	}
	if len(path) == 1 {
		copyField(to, from, field)
		return true
	}
	if field.Message() == nil || field.IsMap() || field.IsList() {
		return false
	}
	if !settable(field) {
		return hasPath(field.Message(), path[1:])
	}
	return copyPath(to.Mutable(field).Message(), from.Get(field).Message(), path[1:])
}

// hasPath tells whether message has a field at path.
func hasPath(message protoreflect.MessageDescriptor, path []string) bool {
	field := message.Fields().ByName(protoreflect.Name(path[0]))
	if field == nil || len(path) == 1 {
		return field != nil
	}
	return field.Message() != nil && !field.IsMap() && !field.IsList() && hasPath(field.Message(), path[1:])
}

// copyField copies one field, or clears it where from has none.
func copyField(to, from protoreflect.Message, field protoreflect.FieldDescriptor) {
	if !settable(field) {
		return
	}
	if !from.Has(field) {
		to.Clear(field)
		return
	}
	// from is the request's, which nobody changes after it was decoded.
	to.Set(field, from.Get(field))
}

// settable tells whether clients may set a field.
func settable(field protoreflect.FieldDescriptor) bool {
	if field.Name() == "etag" {
		return false
	}
	behaviors, _ := proto.GetExtension(field.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, behavior := range behaviors {
		if behavior == annotations.FieldBehavior_OUTPUT_ONLY || behavior == annotations.FieldBehavior_IDENTIFIER {
			return false
		}
	}
	return true
}
