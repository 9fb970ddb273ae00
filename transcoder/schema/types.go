// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// Types resolves message and extension types of one schema, and those of the embedded well-known files, which come
// last. All its messages are dynamic. It may be the resolver of proto.UnmarshalOptions and of protojson's options.
// It never looks at the types of generated code. All methods may be called from any goroutine.
type Types struct {
	own registry
}

var (
	_ protoregistry.MessageTypeResolver   = (*Types)(nil)
	_ protoregistry.ExtensionTypeResolver = (*Types)(nil)
	_                                     = protojson.UnmarshalOptions{Resolver: (*Types)(nil)}
)

// embedded is shared by all schemas: its files never change.
var embedded = sync.OnceValue(func() *registry { return &registry{files: wellknown.Files()} }) //nolint:gochecknoglobals // made once

func newTypes(files *protoregistry.Files) *Types {
	return &Types{own: registry{files: files}}
}

// FindMessageByName returns the type of the message with this full name, or [protoregistry.NotFound].
func (t *Types) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	message, ok := t.find(name).(protoreflect.MessageDescriptor)
	if !ok {
		return nil, protoregistry.NotFound
	}
	return dynamicpb.NewMessageType(message), nil
}

// FindMessageByURL returns the type of the message that a type URL, as in google.protobuf.Any, ends with, or
// [protoregistry.NotFound].
func (t *Types) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return t.FindMessageByName(protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:]))
}

// FindEnumByName returns the type of the enum with this full name, or [protoregistry.NotFound].
func (t *Types) FindEnumByName(name protoreflect.FullName) (protoreflect.EnumType, error) {
	enum, ok := t.find(name).(protoreflect.EnumDescriptor)
	if !ok {
		return nil, protoregistry.NotFound
	}
	return dynamicpb.NewEnumType(enum), nil
}

// FindExtensionByName returns the type of the extension with this full name, or [protoregistry.NotFound].
func (t *Types) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	field, ok := t.find(name).(protoreflect.FieldDescriptor)
	if !ok || !field.IsExtension() {
		return nil, protoregistry.NotFound
	}
	return dynamicpb.NewExtensionType(field), nil
}

// FindExtensionByNumber returns the type of the extension of a message with this number, or [protoregistry.NotFound].
func (t *Types) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	for _, r := range t.registries() {
		if extension := r.extensions()[message][number]; extension != nil {
			return extension, nil
		}
	}
	return nil, protoregistry.NotFound
}

// RangeExtensionsByMessage calls f for each extension of a message, in no order, until f returns false.
func (t *Types) RangeExtensionsByMessage(message protoreflect.FullName, f func(protoreflect.ExtensionType) bool) {
	own := t.own.extensions()[message]
	for _, extension := range own {
		if !f(extension) {
			return
		}
	}
	for number, extension := range embedded().extensions()[message] {
		if own[number] == nil && !f(extension) {
			return
		}
	}
}

func (t *Types) find(name protoreflect.FullName) protoreflect.Descriptor {
	for _, r := range t.registries() {
		if d, err := r.files.FindDescriptorByName(name); err == nil {
			return d
		}
	}
	return nil
}

func (t *Types) registries() [2]*registry { return [2]*registry{&t.own, embedded()} }

// registry is files with the extensions that they define.
type registry struct {
	files *protoregistry.Files
	once  sync.Once
	// byMessage is made when first asked for: most schemas extend nothing but options.
	byMessage map[protoreflect.FullName]map[protoreflect.FieldNumber]protoreflect.ExtensionType
}

func (r *registry) extensions() map[protoreflect.FullName]map[protoreflect.FieldNumber]protoreflect.ExtensionType {
	r.once.Do(func() {
		r.byMessage = make(map[protoreflect.FullName]map[protoreflect.FieldNumber]protoreflect.ExtensionType)
		r.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
			r.add(file.Extensions())
			r.addNested(file.Messages())
			return true
		})
	})
	return r.byMessage
}

func (r *registry) addNested(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		r.add(messages.Get(i).Extensions())
		r.addNested(messages.Get(i).Messages())
	}
}

func (r *registry) add(extensions protoreflect.ExtensionDescriptors) {
	for i := range extensions.Len() {
		extension := extensions.Get(i)
		message := extension.ContainingMessage().FullName()
		if r.byMessage[message] == nil {
			r.byMessage[message] = make(map[protoreflect.FieldNumber]protoreflect.ExtensionType)
		}
		r.byMessage[message][extension.Number()] = dynamicpb.NewExtensionType(extension)
	}
}
