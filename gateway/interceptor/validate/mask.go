// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Names of update masks (AIP-134).
const (
	maskType = "google.protobuf.FieldMask"
	maskName = "update_mask"
)

// mask is the field of a request that says which fields of a resource it is about.
type mask struct{ field, paths protoreflect.FieldDescriptor }

// maskOf returns the mask of a request: its one field of that type, or of several the one with the usual name; nil where there is none.
func maskOf(d protoreflect.MessageDescriptor) *mask {
	var only protoreflect.FieldDescriptor
	n := 0
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		if fd.Message() == nil || fd.Message().FullName() != maskType || fd.Cardinality() == protoreflect.Repeated {
			continue
		}
		if n++; n == 1 || fd.Name() == maskName {
			only = fd
		}
	}
	if only == nil || n > 1 && only.Name() != maskName {
		return nil
	}
	return &mask{field: only, paths: only.Message().Fields().ByName("paths")}
}

// masked is which fields of resources a request is about; nil is all.
type masked struct{ paths []string }

// of returns what the mask of a request names. One without a mask is about the fields that it has (AIP-134).
func (k *mask) of(m protoreflect.Message) *masked {
	if k == nil || k.paths == nil {
		return nil
	}
	names := &masked{}
	if !m.Has(k.field) {
		return names
	}
	list := m.Get(k.field).Message().Get(k.paths).List()
	for i := range list.Len() {
		names.paths = append(names.paths, list.Get(i).String())
	}
	return names
}

// names tells whether a request is about a field of the message at a step. It is about all fields of its own; what lies deeper is a resource's.
func (k *masked) names(at *step, name string) bool {
	if k == nil || at == nil {
		return true
	}
	if len(k.paths) == 0 {
		return false
	}
	_, path, _ := strings.Cut(at.path(name, false), ".") // from the resource on
	for _, p := range k.paths {
		if p == "*" || p == path || strings.HasPrefix(path, p+".") {
			return true
		}
	}
	return false
}
