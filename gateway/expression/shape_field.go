// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"unsafe"

	"cel.dev/cel-go/common/ast"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// field returns the field of the request that a part is, of a kind and with one value; nil for all else. Only of proto3 it is plain what
// every implementation reads.
func (s *shaper) field(e ast.Expr, kind protoreflect.Kind) protoreflect.FieldDescriptor {
	if s.request == nil || e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() || s.request.ParentFile().Syntax() != protoreflect.Proto3 {
		return nil
	}
	of := e.AsSelect().Operand()
	if of.Kind() != ast.IdentKind || of.AsIdent() != requestName {
		return nil
	}
	fd := s.request.Fields().ByName(protoreflect.Name(e.AsSelect().FieldName()))
	if fd == nil || fd.Kind() != kind || fd.Cardinality() == protoreflect.Repeated || fd.ContainingOneof() != nil {
		return nil
	}
	return fd
}

// textField returns a field of the request that is a text.
func (s *shaper) textField(e ast.Expr) text {
	fd := s.field(e, protoreflect.StringKind)
	if fd == nil {
		return nil
	}
	number := fd.Number()
	return func(_ *transcoder.Call, message []byte, read bool) (string, truth) {
		if !read {
			return "", failed
		}
		var value []byte
		last(message, number, protowire.BytesType, func(field []byte) { value, _ = protowire.ConsumeBytes(field) })
		// The text ends with the evaluation: nothing keeps it, and the message is not changed meanwhile.
		return unsafe.String(unsafe.SliceData(value), len(value)), yes
	}
}

// boolField returns a field of the request that is true or false.
func (s *shaper) boolField(e ast.Expr) condition {
	fd := s.field(e, protoreflect.BoolKind)
	if fd == nil {
		return nil
	}
	number := fd.Number()
	return func(_ *transcoder.Call, message []byte, read bool) truth {
		if !read {
			return failed
		}
		value := uint64(0)
		last(message, number, protowire.VarintType, func(field []byte) { value, _ = protowire.ConsumeVarint(field) })
		return truthOf(value != 0)
	}
}

// last shows the values of a field on the wire, of which the last one counts. The message has been checked.
func last(message []byte, number protowire.Number, kind protowire.Type, show func(field []byte)) {
	for len(message) > 0 {
		n, k, size := protowire.ConsumeTag(message)
		message = message[size:]
		length := protowire.ConsumeFieldValue(n, k, message)
		if n == number && k == kind {
			show(message)
		}
		message = message[length:]
	}
}
