// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Field numbers of descriptor.proto that the path to a descriptor is made of.
// https://github.com/protocolbuffers/protobuf/blob/v33.0/src/google/protobuf/descriptor.proto
const (
	fileMessages, fileEnums, fileServices, fileExtensions                                   = 4, 5, 6, 7
	messageFields, messageMessages, messageEnums, messageExtensions, messageOneofs, members = 2, 3, 4, 6, 8, 2
)

// tabWidth is how far tabs go in the columns of descriptors that were compiled here.
const tabWidth = 4

// Locate returns where a descriptor was written. path is appended to the descriptor's own: the options of a method
// are {4}, the HTTP rule in them {4, 72295728}, its "get" {4, 72295728, 2}. When the file does not know the place so
// precisely, the longest beginning of the path that it knows is taken. The file is always set; the line is zero when
// the descriptors carry no positions, as those from reflection.
func (s *Schema) Locate(d protoreflect.Descriptor, path ...int32) Position {
	file := d.ParentFile()
	if file == nil {
		return Position{}
	}
	position := Position{File: s.display(file.Path())}
	own, ok := descriptorPath(d)
	if !ok || file.SourceLocations().Len() == 0 {
		return position
	}
	full := append(own, path...)
	for n := len(full); n > 0; n-- {
		location := file.SourceLocations().ByPath(full[:n])
		if len(location.Path) == 0 {
			continue
		}
		position.Line = location.StartLine + 1
		position.Column = s.column(file.Path(), position.Line, location.StartColumn)
		return position
	}
	return position
}

// Line returns a source line, without its end, of the file that is shown under this path or has this import name. It
// is empty when there is no text or no such line. Lines begin with 1.
func (s *Schema) Line(file string, line int) string {
	if name, ok := s.names[file]; ok {
		file = name
	}
	return lineOf(s.text(file), line)
}

func lineOf(text string, line int) string {
	for ; line > 1; line-- {
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			return ""
		}
		text = text[end+1:]
	}
	text, _, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(text, "\r")
}

// column turns a column of a descriptor, which counts the cells of a terminal from 0, into one that counts characters
// from 1. Without the text it can only be taken as it is.
func (s *Schema) column(name string, line, cells int) int {
	column, at := 1, 0
	for _, r := range lineOf(s.text(name), line) {
		if at >= cells {
			return column
		}
		column++
		at++
		if r == '\t' {
			at += (tabWidth - at%tabWidth) % tabWidth
		}
	}
	return column + cells - at
}

// descriptorPath returns the path of a descriptor in its file, and whether it has one.
func descriptorPath(d protoreflect.Descriptor) (protoreflect.SourcePath, bool) {
	parent := d.Parent()
	if _, ok := d.(protoreflect.FileDescriptor); ok {
		return nil, true
	}
	if parent == nil {
		return nil, false
	}
	path, ok := descriptorPath(parent)
	if !ok {
		return nil, false
	}
	_, top := parent.(protoreflect.FileDescriptor)
	var field int32
	switch d := d.(type) {
	case protoreflect.MessageDescriptor:
		field = pick(top, fileMessages, messageMessages)
	case protoreflect.EnumDescriptor:
		field = pick(top, fileEnums, messageEnums)
	case protoreflect.FieldDescriptor:
		field = messageFields
		if d.IsExtension() {
			field = pick(top, fileExtensions, messageExtensions)
		}
	case protoreflect.OneofDescriptor:
		field = messageOneofs
	case protoreflect.ServiceDescriptor:
		field = fileServices
	default: // methods of a service, values of an enum
		field = members
	}
	return append(path, field, int32(d.Index())), true
}

func pick(first bool, a, b int32) int32 {
	if first {
		return a
	}
	return b
}
