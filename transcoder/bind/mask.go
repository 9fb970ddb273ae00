// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// fieldMask is the message that says which fields an update is about.
const fieldMask protoreflect.FullName = "google.protobuf.FieldMask"

// autoMask is the field mask that is filled in from the members of the body: for a PATCH whose body is one message field, of a
// request that has exactly one mask, which neither path nor body sets (T106).
func (p *Plan) autoMask() *codec.Field {
	b := p.binding
	if b.HTTPMethod != http.MethodPatch || b.Body != httprule.BodyField || p.bodyMessage() == nil || p.rawBody != nil {
		return nil
	}
	var mask protoreflect.FieldDescriptor
	fields := b.Method.Input().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || fd.IsList() || fd.IsMap() || fd.Message().FullName() != fieldMask {
			continue
		}
		if mask != nil {
			return nil // which of them is meant is not known
		}
		mask = fd
	}
	if mask == nil || b.Claims([]protoreflect.FieldDescriptor{mask}) != httprule.ClaimNone {
		return nil
	}
	return p.message.Field(mask)
}

// fillMask appends the mask of what the body names, unless the client gave one, which is never added to (T109). An empty
// body names nothing, and backends read an empty mask as "replace all": it is refused (T108).
func (p *Plan) fillMask(s *state, dst, body []byte) ([]byte, error) {
	for i := range s.assigned {
		if chain := s.assigned[i].chain; number(chain[0]) == number(p.mask) {
			return dst, nil
		}
	}
	var paths []string
	if len(body) > 0 && string(body) != "null" {
		var err error
		if paths, err = p.body.Message().MaskPaths(body, &p.config.Decode); err != nil {
			return dst, bodyError(err)
		}
	}
	if len(paths) == 0 {
		if p.config.EmptyMask {
			return dst, nil
		}
		name := string(p.mask.Descriptor().Name())
		e := status.Errorf(codes.InvalidArgument, status.ReasonBadJSON,
			"body: it names no field, and %s is not given: an update of nothing would be read as one of everything", name)
		e.Violations = []status.Violation{{Field: name, Description: "is required when the body names no field"}}
		return dst, e
	}
	s.record = s.record[:0]
	for _, path := range paths {
		s.record = protowire.AppendTag(s.record, 1, protowire.BytesType)
		s.record = protowire.AppendString(s.record, path)
	}
	dst = protowire.AppendTag(dst, p.mask.Descriptor().Number(), protowire.BytesType)
	return protowire.AppendBytes(dst, s.record), nil
}
