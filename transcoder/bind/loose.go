// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// appendEntry appends a record for an entry of a map, as appendText does for other fields. It puts the key into the form that
// tells it from others.
func (p *Plan) appendEntry(dst []byte, f *codec.Field, key *string, value string) ([]byte, error) {
	fd := f.Descriptor()
	if err := p.checkNamed(fd.MapValue(), value); err != nil {
		return dst, err
	}
	out, err := f.AppendMapEntry(dst, *key, value, &p.config.Decode)
	if err == nil || !p.config.LenientScalars {
		return out, err
	}
	strictKey := *key
	if k, ok := lenient(fd.MapKey(), strictKey); ok {
		strictKey = k
	}
	again, errAgain := f.AppendMapEntry(dst, strictKey, value, &p.config.Decode)
	if v, ok := lenient(fd.MapValue(), value); ok && errAgain != nil {
		again, errAgain = f.AppendMapEntry(dst, strictKey, v, &p.config.Decode)
	}
	if errAgain != nil {
		return out, err
	}
	*key = strictKey
	return again, nil
}

// checkNamed refuses the number of an enum that none of its values has, where the configuration wants one (T79).
func (p *Plan) checkNamed(fd protoreflect.FieldDescriptor, text string) error {
	if !p.config.NamedEnumNumbers || fd.Kind() != protoreflect.EnumKind {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || fd.Enum().Values().ByNumber(protoreflect.EnumNumber(n)) != nil {
		return nil // whether it is a name is for the codec to say
	}
	return &codec.Error{
		Kind: codec.KindEnum, Path: fd.JSONName(), Offset: -1, Message: fmt.Sprintf("%d is not a value of %s", n, fd.Enum().FullName()),
	}
}

// opens tells whether names in the query lead into a message whose value is one text. Where such a text has rules beyond those of its
// fields, it is not opened: an Any, a Struct and a FieldMask.
func (p *Plan) opens(m *codec.Message) bool {
	if !p.config.WellKnownPaths {
		return false
	}
	switch name := m.Descriptor().FullName(); name {
	case "google.protobuf.Timestamp", "google.protobuf.Duration":
		return true
	default:
		return m.Descriptor().ParentFile().Path() == "google/protobuf/wrappers.proto"
	}
}

// isMask tells whether a field is a field mask, or a list of them.
func isMask(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && fd.Message().FullName() == fieldMask
}

// appendLiteralMask appends the record of a field mask whose paths are as they were given (T85), if they are text at all (T39).
func appendLiteralMask(dst []byte, fd protoreflect.FieldDescriptor, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return dst, &codec.Error{Kind: codec.KindUTF8, Path: fd.JSONName(), Offset: -1, Message: "it is not UTF-8"}
	}
	var paths []byte
	for path := range strings.SplitSeq(text, ",") {
		paths = protowire.AppendTag(paths, 1, protowire.BytesType)
		paths = protowire.AppendString(paths, path)
	}
	dst = protowire.AppendTag(dst, fd.Number(), protowire.BytesType)
	return protowire.AppendBytes(dst, paths), nil
}
