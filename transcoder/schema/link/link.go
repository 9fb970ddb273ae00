// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package link provides the step from descriptor protos to linked descriptors, for all schema sources: whatever the
// order of the files (T1), with every mistake named, reusing the descriptors of files that did not change.
package link

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// Input is what there is to link.
type Input struct {
	// Protos are the files to link, by import name. Link changes them where something has to be left out.
	Protos map[string]*descriptorpb.FileDescriptorProto
	// Previous is the result of the last link, or nil.
	Previous *Linked
	// Keep names the files to take from Previous as they are. A file that imports a file of Protos, directly or not,
	// must not be kept: its descriptor would point at the old one.
	Keep []string
	// Lenient leaves out a file that breaks a rule of protobuf-go, and what imports it, instead of refusing
	// everything. A source sets it when a compiler has already found the file to be valid.
	Lenient bool
	// Remedy is what to do when an import is missing, as help for the user.
	Remedy string
	// Display returns the path to show for a file, given its import name. Nil shows import names.
	Display func(name string) string
	// Text returns the source text of a file, given its import name, or "". Nil means no text.
	Text func(name string) string
}

// Linked is the result of a link. It is immutable.
type Linked struct {
	// Files are the descriptors by import name: those of Protos and Keep, and the embedded well-known files that
	// they import.
	Files map[string]protoreflect.FileDescriptor
	// Unserved says what was left out.
	Unserved []schema.Diagnostic
	// Relinked is how many descriptors were made new.
	Relinked int

	messageSets map[string][]messageSet        // by import name of their file
	dropped     map[string][]schema.Diagnostic // by import name of the file
}

// Link links the files. The error is a [*schema.LoadError] with everything that is wrong.
//
// An import that is in neither Protos nor Keep is taken from the embedded well-known files, and is missing if it is
// not there (T2, T3).
func Link(in Input) (*Linked, error) {
	if in.Display == nil {
		in.Display = func(name string) string { return name }
	}
	if in.Text == nil {
		in.Text = func(string) string { return "" }
	}
	if in.Previous == nil {
		in.Previous = &Linked{}
	}
	l := &linker{Input: in, registry: new(protoregistry.Files), extensions: make(map[extension]protoreflect.FieldDescriptor), out: &Linked{
		Files:       make(map[string]protoreflect.FileDescriptor, len(in.Protos)+len(in.Keep)),
		messageSets: make(map[string][]messageSet),
		dropped:     make(map[string][]schema.Diagnostic),
	}}
	order, problems := l.order()
	if len(problems) > 0 {
		return nil, schema.NewLoadError(problems...)
	}
	l.keep()
	l.dropMessageSets()
	for _, name := range order {
		l.file(in.Protos[name])
	}
	if len(l.problems) > 0 {
		return nil, schema.NewLoadError(l.problems...)
	}
	for _, name := range slices.Sorted(maps.Keys(l.out.dropped)) {
		l.out.Unserved = append(l.out.Unserved, l.out.dropped[name]...)
	}
	return l.out, nil
}

type linker struct {
	Input
	registry   *protoregistry.Files
	extensions map[extension]protoreflect.FieldDescriptor
	out        *Linked
	problems   []schema.Diagnostic
}

// extension is what no two extensions may share.
type extension struct {
	message protoreflect.FullName
	number  protoreflect.FieldNumber
}

// keep takes over what did not change.
func (l *linker) keep() {
	for _, name := range l.Keep {
		if file := l.Previous.Files[name]; file != nil {
			l.take(file)
		}
		if sets := l.Previous.messageSets[name]; sets != nil {
			l.out.messageSets[name] = sets
		}
		if dropped := l.Previous.dropped[name]; dropped != nil {
			l.out.dropped[name] = dropped
		}
	}
}

// take registers a finished descriptor and its imports, which are finished too.
func (l *linker) take(file protoreflect.FileDescriptor) {
	if l.out.Files[file.Path()] != nil {
		return
	}
	for i := range file.Imports().Len() {
		if imported := file.Imports().Get(i).FileDescriptor; !imported.IsPlaceholder() && l.Protos[imported.Path()] == nil {
			l.take(imported)
		}
	}
	l.register(file)
}

func (l *linker) register(file protoreflect.FileDescriptor) bool {
	if err := l.registry.RegisterFile(file); err != nil {
		l.problems = append(l.problems, l.conflict(file, err))
		return false
	}
	l.out.Files[file.Path()] = file
	l.extend(file.Extensions())
	l.extendNested(file.Messages())
	return true
}

func (l *linker) extendNested(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		l.extend(messages.Get(i).Extensions())
		l.extendNested(messages.Get(i).Messages())
	}
}

// extend takes note of extensions. Two of one number would be told apart by luck.
func (l *linker) extend(extensions protoreflect.ExtensionDescriptors) {
	for i := range extensions.Len() {
		field := extensions.Get(i)
		key := extension{field.ContainingMessage().FullName(), field.Number()}
		other := l.extensions[key]
		if other == nil {
			l.extensions[key] = field
			continue
		}
		l.problems = append(l.problems, schema.Diagnostic{
			Code:    schema.CodeConflict,
			Message: fmt.Sprintf("two extensions of %s have the number %d", key.message, key.number),
			Spans: []schema.Span{
				{Position: l.position(field.ParentFile().Path()), Label: string(field.FullName()), Primary: true},
				{Position: l.position(other.ParentFile().Path()), Label: string(other.FullName())},
			},
		})
	}
}

// file links one file whose imports have been linked, or left out.
func (l *linker) file(proto *descriptorpb.FileDescriptorProto) {
	for _, name := range proto.GetDependency() {
		if l.out.Files[name] != nil {
			continue
		}
		if embedded := wellknown.File(name); embedded != nil && l.Protos[name] == nil {
			l.take(embedded)
			continue
		}
		// The import was left out, or refused: its own problem says why.
		if l.Lenient {
			l.drop(proto, fmt.Sprintf("it imports %s, which is left out", name))
		}
		return
	}
	for _, name := range proto.GetOptionDependency() {
		if embedded := wellknown.File(name); embedded != nil && l.Protos[name] == nil && l.out.Files[name] == nil {
			l.take(embedded)
		}
	}
	file, err := newFile(proto, l.registry)
	switch {
	case err == nil:
		if l.register(file) {
			l.out.Relinked++
		}
	case l.Lenient:
		l.drop(proto, reason(err))
	default:
		l.problems = append(l.problems, schema.Diagnostic{
			Code:    schema.CodeInvalid,
			Message: reason(err),
			Spans:   []schema.Span{{Position: l.position(proto.GetName()), Primary: true}},
		})
	}
}

// newFile links a file. Descriptors may come from a hostile backend: should the protobuf library panic over one, that
// is an error of the descriptor and not the end of the process.
func newFile(proto *descriptorpb.FileDescriptorProto, resolver protodesc.Resolver) (_ protoreflect.FileDescriptor, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not a valid descriptor: %v", p)
		}
	}()
	return protodesc.NewFile(proto, resolver)
}

// reason returns the sentence of an error of protobuf-go, which begins with "proto:" and a space of either kind.
func reason(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

func (l *linker) position(name string) schema.Position {
	return schema.Position{File: l.Display(name)}
}

// drop leaves a whole file out.
func (l *linker) drop(proto *descriptorpb.FileDescriptorProto, why string) {
	d := schema.Diagnostic{
		Level:   schema.Warning,
		Code:    schema.CodeUnserved,
		Message: fmt.Sprintf("%s is left out: %s", l.Display(proto.GetName()), why),
		Spans:   []schema.Span{{Position: l.position(proto.GetName()), Primary: true}},
	}
	var services []string
	for _, service := range proto.GetService() {
		services = append(services, joinName(proto.GetPackage(), service.GetName()))
	}
	if len(services) > 0 {
		d.Notes = append(d.Notes, "not served: "+strings.Join(services, ", "))
	}
	l.out.dropped[proto.GetName()] = append(l.out.dropped[proto.GetName()], d)
}

func joinName(scope, name string) string {
	if scope == "" {
		return name
	}
	return scope + "." + name
}

// conflict explains why a file cannot be registered: another file defines the same full name (T5).
func (l *linker) conflict(file protoreflect.FileDescriptor, err error) schema.Diagnostic {
	d := schema.Diagnostic{
		Code:    schema.CodeConflict,
		Message: reason(err),
		Spans:   []schema.Span{{Position: l.position(file.Path()), Primary: true}},
	}
	name, other := l.clash(file)
	if other == nil {
		return d
	}
	d.Message = fmt.Sprintf("%s is defined in two files", name)
	d.Spans = []schema.Span{
		{Position: l.position(file.Path()), Label: "defined here", Primary: true},
		{Position: l.position(other.Path()), Label: "and here"},
	}
	d.Help = []string{"two files that are the same must have one import name; two that are not need different packages"}
	return d
}

// clash returns the first full name of a file that is taken, and the file that has it.
func (l *linker) clash(file protoreflect.FileDescriptor) (protoreflect.FullName, protoreflect.FileDescriptor) {
	for _, name := range topNames(file) {
		if other, err := l.registry.FindDescriptorByName(name); err == nil && other.ParentFile() != file {
			return name, other.ParentFile()
		}
	}
	return "", nil
}

// topNames returns the full names that a file claims, without those inside messages, sorted.
func topNames(file protoreflect.FileDescriptor) []protoreflect.FullName {
	var names []protoreflect.FullName
	for i := range file.Messages().Len() {
		names = append(names, file.Messages().Get(i).FullName())
	}
	for i := range file.Enums().Len() {
		enum := file.Enums().Get(i)
		names = append(names, enum.FullName())
		for j := range enum.Values().Len() {
			names = append(names, enum.Values().Get(j).FullName())
		}
	}
	for i := range file.Extensions().Len() {
		names = append(names, file.Extensions().Get(i).FullName())
	}
	for i := range file.Services().Len() {
		names = append(names, file.Services().Get(i).FullName())
	}
	slices.SortFunc(names, func(a, b protoreflect.FullName) int { return cmp.Compare(a, b) })
	return names
}
