// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// structName is the message that holds any JSON object.
const structName protoreflect.FullName = "google.protobuf.Struct"

// capture is where parameters go that name no field.
type capture struct {
	chain  []step
	object bool // it is a google.protobuf.Struct and no map
}

// compileCapture finds the field of Config.CaptureField. A request without it has none, and neither has one that sets the
// field by its path or body: unknown parameters are refused there.
func (p *Plan) compileCapture() (*capture, error) {
	if p.config.UnknownQuery != CaptureUnknown {
		return nil, nil
	}
	f := p.message.FieldByName(p.config.CaptureField)
	if f == nil {
		return nil, nil
	}
	fd := f.Descriptor()
	isMap := fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind && fd.MapValue().Kind() == protoreflect.StringKind
	object := !fd.IsMap() && !fd.IsList() && fd.Message() != nil && fd.Message().FullName() == structName
	if !isMap && !object {
		return nil, fmt.Errorf("capture_field is %q; %s must be a map<string, string> or a %s", p.config.CaptureField, fd.FullName(), structName)
	}
	if p.binding.Claims([]protoreflect.FieldDescriptor{fd}) != httprule.ClaimNone {
		return nil, nil
	}
	return &capture{chain: plain([]*codec.Field{f}), object: object}, nil
}

// bindUnknown does with a parameter that names no field what the configuration says (T57).
func (p *Plan) bindUnknown(s *state, dst []byte, name, value string) ([]byte, error) {
	switch {
	case p.config.UnknownQuery == IgnoreUnknown:
		return dst, nil
	case p.capture == nil:
		return dst, queryError(name, "%s %.64q is not a field of %s", s.what, name, p.binding.Method.Input().FullName())
	}
	if s.captured == none { // a Struct may be assigned once
		at, err := s.tree.assign(p.capture.chain, name, fromQuery)
		if err != nil {
			return dst, err
		}
		s.captured = at
	}
	if err := s.tree.assignKey(s.captured, name, name); err != nil {
		return dst, err
	}
	var err error
	if s.record, err = p.capture.appendEntry(s.record[:0], name, value, &p.config.Decode); err != nil {
		return dst, textError(err, s.what, name, status.ReasonBadQuery)
	}
	return append(dst, s.record...), nil
}

// appendEntry appends one entry of the map, or a Struct with one field, which is a string.
func (c *capture) appendEntry(dst []byte, key, value string, o *codec.DecodeOptions) ([]byte, error) {
	f := leaf(c.chain)
	if !c.object {
		return f.AppendMapEntry(dst, key, value, o)
	}
	if !utf8.ValidString(key) || !utf8.ValidString(value) {
		return dst, &codec.Error{Kind: codec.KindUTF8, Offset: -1, Message: "it is not UTF-8"}
	}
	const (
		fieldsField = 1 // of Struct
		keyField    = 1 // of an entry
		valueField  = 2
		stringField = 3 // of Value
	)
	text := protowire.SizeTag(stringField) + protowire.SizeBytes(len(value))
	entry := protowire.SizeTag(keyField) + protowire.SizeBytes(len(key)) + protowire.SizeTag(valueField) + protowire.SizeBytes(text)
	dst, at := open(dst, f)
	dst = protowire.AppendTag(dst, fieldsField, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(entry)) //nolint:gosec // a length
	dst = protowire.AppendTag(dst, keyField, protowire.BytesType)
	dst = protowire.AppendString(dst, key)
	dst = protowire.AppendTag(dst, valueField, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(text)) //nolint:gosec // a length
	dst = protowire.AppendTag(dst, stringField, protowire.BytesType)
	return closed(protowire.AppendString(dst, value), at, f), nil
}
