// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// wellKnown is a message whose JSON is not an object of its fields.
type wellKnown struct {
	form form
	// fields are the kinds of the fields numbered from 1, as they must be: a schema may bring its own copy of
	// google/protobuf, and the conversions below rely on it.
	fields []protoreflect.Kind
	shape  shape // of the first field
}

var wellKnowns = map[protoreflect.FullName]wellKnown{
	"google.protobuf.Empty":       {form: formEmpty},
	"google.protobuf.Any":         {form: formAny, fields: []protoreflect.Kind{protoreflect.StringKind, protoreflect.BytesKind}},
	"google.protobuf.Timestamp":   {form: formTimestamp, fields: []protoreflect.Kind{protoreflect.Int64Kind, protoreflect.Int32Kind}},
	"google.protobuf.Duration":    {form: formDuration, fields: []protoreflect.Kind{protoreflect.Int64Kind, protoreflect.Int32Kind}},
	"google.protobuf.FieldMask":   {form: formFieldMask, fields: []protoreflect.Kind{protoreflect.StringKind}, shape: list},
	"google.protobuf.Struct":      {form: formStruct, fields: []protoreflect.Kind{protoreflect.MessageKind}, shape: mapping},
	"google.protobuf.ListValue":   {form: formList, fields: []protoreflect.Kind{protoreflect.MessageKind}, shape: list},
	"google.protobuf.BoolValue":   {form: formWrapper, fields: []protoreflect.Kind{protoreflect.BoolKind}},
	"google.protobuf.Int32Value":  {form: formWrapper, fields: []protoreflect.Kind{protoreflect.Int32Kind}},
	"google.protobuf.Int64Value":  {form: formWrapper, fields: []protoreflect.Kind{protoreflect.Int64Kind}},
	"google.protobuf.UInt32Value": {form: formWrapper, fields: []protoreflect.Kind{protoreflect.Uint32Kind}},
	"google.protobuf.UInt64Value": {form: formWrapper, fields: []protoreflect.Kind{protoreflect.Uint64Kind}},
	"google.protobuf.FloatValue":  {form: formWrapper, fields: []protoreflect.Kind{protoreflect.FloatKind}},
	"google.protobuf.DoubleValue": {form: formWrapper, fields: []protoreflect.Kind{protoreflect.DoubleKind}},
	"google.protobuf.StringValue": {form: formWrapper, fields: []protoreflect.Kind{protoreflect.StringKind}},
	"google.protobuf.BytesValue":  {form: formWrapper, fields: []protoreflect.Kind{protoreflect.BytesKind}},
	"google.protobuf.Value": {form: formValue, fields: []protoreflect.Kind{
		protoreflect.EnumKind, protoreflect.DoubleKind, protoreflect.StringKind, protoreflect.BoolKind,
		protoreflect.MessageKind, protoreflect.MessageKind,
	}},
}

// formOf tells the form of a message, and refuses one that has the name of a well-known type and not its fields.
func formOf(md protoreflect.MessageDescriptor) (form, *Error) {
	w, ok := wellKnowns[md.FullName()]
	if !ok {
		return formPlain, nil
	}
	fds := md.Fields()
	good := fds.Len() == len(w.fields)
	for i := 0; good && i < len(w.fields); i++ {
		fd := fds.Get(i)
		good = fd.Number() == protoreflect.FieldNumber(i+1) && fd.Kind() == w.fields[i] &&
			fd.IsMap() == (w.shape == mapping) && fd.IsList() == (w.shape == list)
	}
	if !good {
		return formPlain, schemaError(md.FullName(), "does not have the fields that this name stands for")
	}
	return w.form, nil
}

// builtin gives the descriptor of a well-known type for a schema that does not have it.
func builtin(name protoreflect.FullName) protoreflect.MessageDescriptor {
	if _, ok := wellKnowns[name]; !ok {
		return nil
	}
	for _, file := range [...]protoreflect.FileDescriptor{
		anypb.File_google_protobuf_any_proto, durationpb.File_google_protobuf_duration_proto,
		emptypb.File_google_protobuf_empty_proto, fieldmaskpb.File_google_protobuf_field_mask_proto,
		structpb.File_google_protobuf_struct_proto, timestamppb.File_google_protobuf_timestamp_proto,
		wrapperspb.File_google_protobuf_wrappers_proto,
	} {
		if md := file.Messages().ByName(name.Name()); md != nil {
			return md
		}
	}
	return nil
}
