// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/api/visibility"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Numbers of the options that documents are made from.
//
// https://github.com/googleapis/googleapis/blob/master/google/api/field_behavior.proto
// https://github.com/googleapis/googleapis/blob/master/google/api/visibility.proto
// https://github.com/bufbuild/protovalidate/blob/v1.2.0/proto/protovalidate/buf/validate/validate.proto
// https://github.com/grpc-ecosystem/grpc-gateway/blob/v2.32.0/protoc-gen-openapiv2/options/annotations.proto
const (
	behaviorOption   = 1052
	visibilityOption = 72295727
	validateOption   = 1159
	openapiOption    = 1042
)

// option reads a message-typed option into m. An option that cannot be read counts as not there: what is broken in a schema is told
// when it is loaded.
func option(d protoreflect.Descriptor, number protowire.Number, m proto.Message) bool {
	values, err := schema.OptionBytes(d.Options(), number)
	if err != nil || len(values) == 0 {
		return false
	}
	return proto.UnmarshalOptions{AllowPartial: true, DiscardUnknown: true}.Unmarshal(bytes.Join(values, nil), m) == nil
}

// behavior tells whether a field has one of these behaviours.
func behavior(fd protoreflect.FieldDescriptor, any ...annotations.FieldBehavior) bool {
	values, err := schema.OptionBytes(fd.Options(), behaviorOption)
	if err != nil {
		return false
	}
	for _, v := range values { // one number each, or several that are packed
		for len(v) > 0 {
			n, size := protowire.ConsumeVarint(v)
			if size < 0 {
				break
			}
			if slices.Contains(any, annotations.FieldBehavior(n)) { //nolint:gosec // an enum
				return true
			}
			v = v[size:]
		}
	}
	return false
}

// rules are the buf.validate rules of a field, or nil.
func rules(fd protoreflect.FieldDescriptor) *validate.FieldRules {
	r := &validate.FieldRules{}
	if !option(fd, validateOption, r) || r.GetIgnore() == validate.Ignore_IGNORE_ALWAYS {
		return nil
	}
	return r
}

// shown tells whether an element is for readers of the document: it has no label, or one of those that are asked for.
func (b *builder) shown(d protoreflect.Descriptor) bool {
	rule := &visibility.VisibilityRule{}
	if !option(d, visibilityOption, rule) || rule.GetRestriction() == "" {
		return true
	}
	for label := range strings.SplitSeq(rule.GetRestriction(), ",") {
		if slices.Contains(b.cfg.Info.Visibility, strings.TrimSpace(label)) {
			return true
		}
	}
	return false
}

// shownField tells whether a field is for readers: itself, and what it holds.
func (b *builder) shownField(fd protoreflect.FieldDescriptor) bool {
	if !b.shown(fd) {
		return false
	}
	value := fd
	if fd.IsMap() {
		value = fd.MapValue()
	}
	if md := value.Message(); md != nil {
		return b.shown(md)
	}
	return value.Enum() == nil || b.shown(value.Enum())
}

// Options of protoc-gen-openapiv2, which users have in their protos; nil where there are none.

func swaggerOf(f protoreflect.FileDescriptor) *options.Swagger {
	if m := (&options.Swagger{}); option(f, openapiOption, m) {
		return m
	}
	return nil
}

func operationOf(d protoreflect.MethodDescriptor) *options.Operation {
	if m := (&options.Operation{}); option(d, openapiOption, m) {
		return m
	}
	return nil
}

func schemaOf(d protoreflect.MessageDescriptor) *options.Schema {
	if m := (&options.Schema{}); option(d, openapiOption, m) {
		return m
	}
	return nil
}

func tagOf(d protoreflect.ServiceDescriptor) *options.Tag {
	if m := (&options.Tag{}); option(d, openapiOption, m) {
		return m
	}
	return nil
}

func fieldOf(d protoreflect.FieldDescriptor) *options.JSONSchema {
	if m := (&options.JSONSchema{}); option(d, openapiOption, m) {
		return m
	}
	return nil
}

func enumOf(d protoreflect.EnumDescriptor) *options.EnumSchema {
	if m := (&options.EnumSchema{}); option(d, openapiOption, m) {
		return m
	}
	return nil
}
