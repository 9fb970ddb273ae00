// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// httpBody is the message whose data are the bytes of the HTTP body.
const httpBody protoreflect.FullName = "google.api.HttpBody"

// defaultContentType is what an HttpBody without a usable type is sent as (T124).
const defaultContentType = "application/octet-stream"

// encode appends the body of an answer to dst. It returns the content type if the body is a google.api.HttpBody,
// and "" for JSON.
func (f *framer) encode(dst *[]byte, message []byte, options *codec.EncodeOptions) (contentType string, err error) {
	fd := f.route.binding.ResponseField
	switch {
	case f.route.rawBody:
		if fd != nil {
			message = lastField(message, fd.Number())
		}
		*dst = append(*dst, lastField(message, 2)...)
		return cleanContentType(string(lastField(message, 1))), nil
	case fd != nil:
		*dst, err = f.route.answer.Field(fd).AppendJSON(*dst, message, options)
	default:
		*dst, err = f.route.answer.AppendJSON(*dst, message, options)
	}
	return "", err
}

// lastField returns the payload of the last record of a length-delimited field; nil where there is none.
func lastField(message []byte, number protoreflect.FieldNumber) []byte {
	var found []byte
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return found
		}
		message = message[n:]
		n = protowire.ConsumeFieldValue(num, kind, message)
		if n < 0 {
			return found
		}
		if num == number && kind == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(message)
		}
		message = message[n:]
	}
	return found
}

// cleanContentType replaces what cannot be sent as a content type (T124).
func cleanContentType(t string) string {
	if len(t) > 256 || !strings.Contains(t, "/") {
		return defaultContentType
	}
	for i := range len(t) {
		if t[i] < ' ' || t[i] > '~' {
			return defaultContentType
		}
	}
	return t
}

// toHeader returns the fields of an answer that are sent as header fields, and the options that leave them out of its body. Where
// one has a value that cannot stand in a header, all stay in the body: nothing is lost (T171).
func (f *framer) toHeader(message []byte) (wire.Header, *codec.EncodeOptions) {
	if len(f.route.toHeader) == 0 {
		return nil, &f.route.encode
	}
	fields := make(wire.Header, 0, len(f.route.toHeader))
	for _, r := range f.route.toHeader {
		value, ok := f.text(r.field, message)
		if !ok || !wire.ValidValue(value) {
			return nil, &f.config.Encode
		}
		if value != "" {
			fields.Add(r.header, value)
		}
	}
	return fields, &f.route.encode
}

// text returns the value of a field of the message that the body is, as a text; "" where it has none.
func (f *framer) text(field *codec.Field, message []byte) (string, bool) {
	options := f.config.Encode
	if fd := f.route.binding.ResponseField; fd != nil {
		message = lastField(message, fd.Number())
	}
	out, err := field.AppendJSON(nil, message, &options)
	if err != nil {
		return "", false
	}
	text := string(out)
	if text == "null" {
		return "", true
	}
	if text[0] == '"' {
		err = json.Unmarshal(out, &text)
	}
	return text, err == nil
}

func appendAny(dst []byte, c *codec.Codec, detail *anypb.Any, o *codec.EncodeOptions) ([]byte, bool) {
	data, err := proto.MarshalOptions{}.MarshalAppend(nil, detail)
	if err != nil {
		return dst, false
	}
	out, err := c.Message(detail.ProtoReflect().Descriptor()).AppendJSON(dst, data, o)
	return out, err == nil
}
