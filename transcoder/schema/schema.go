// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Config is what a [Schema] is made from. Sources fill it.
type Config struct {
	// Source is the name of the source, as [Source].Name gives it.
	Source string
	// Files are the user's own files, linked. Their imports need not be listed: they are taken along and are not the
	// user's own. Two files, imports included, must not have one name or define one full name.
	Files []protoreflect.FileDescriptor
	// Hide reports services that are not exposed although their file is the user's own. Nil hides none.
	Hide func(service protoreflect.FullName) bool
	// Display returns the path to show for a file, given its import name. Nil shows import names. It is called from
	// any goroutine, for as long as the schema lives.
	Display func(name string) string
	// Text returns the source text of a file, given its import name, or an empty string when there is none. Nil means
	// that there is no text at all. It is called from any goroutine, for as long as the schema lives.
	Text func(name string) string
	// Unserved says what the source had to leave out.
	Unserved []Diagnostic
}

// Schema is linked descriptors and where they come from. It is immutable; all methods may be called from any
// goroutine. Nobody may change a slice that a method returns.
type Schema struct {
	source   string
	files    []protoreflect.FileDescriptor // own files, by path
	services []protoreflect.ServiceDescriptor
	methods  map[string]protoreflect.MethodDescriptor // by "/package.Service/Method"
	linked   *protoregistry.Files                     // own files and all that they import
	types    *Types
	display  func(name string) string
	text     func(name string) string
	names    map[string]string // import names of own files, by the path that is shown
	unserved []Diagnostic
	stats    Stats
}

// Stats counts what is the user's own in a schema.
type Stats struct {
	// Files is the number of files.
	Files int
	// Services is the number of services that are exposed.
	Services int
	// Methods is the number of methods of those services.
	Methods int
	// Messages is the number of message types, nested ones included, map entries not.
	Messages int
}

// New returns the schema of these files. The error says which name two files claim; a source that links with package
// link never sees one.
func New(config Config) (*Schema, error) {
	s := &Schema{
		source:   config.Source,
		files:    slices.Clone(config.Files),
		methods:  make(map[string]protoreflect.MethodDescriptor),
		linked:   new(protoregistry.Files),
		display:  config.Display,
		text:     config.Text,
		names:    make(map[string]string, len(config.Files)),
		unserved: slices.Clone(config.Unserved),
	}
	if s.display == nil {
		s.display = func(name string) string { return name }
	}
	if s.text == nil {
		s.text = func(string) string { return "" }
	}
	slices.SortFunc(s.files, func(a, b protoreflect.FileDescriptor) int { return cmp.Compare(a.Path(), b.Path()) })
	for _, file := range s.files {
		if err := s.register(file); err != nil {
			return nil, err
		}
		s.names[s.display(file.Path())] = file.Path()
		s.count(file, config.Hide)
	}
	slices.SortFunc(s.services, func(a, b protoreflect.ServiceDescriptor) int {
		return cmp.Compare(a.FullName(), b.FullName())
	})
	s.types = newTypes(s.linked)
	return s, nil
}

// register takes a file and its imports into the registry, imports first.
func (s *Schema) register(file protoreflect.FileDescriptor) error {
	if known, err := s.linked.FindFileByPath(file.Path()); err == nil {
		if known != file {
			return fmt.Errorf("schema %s: two files have the import name %s", s.source, file.Path())
		}
		return nil
	}
	for i := range file.Imports().Len() {
		imported := file.Imports().Get(i).FileDescriptor
		if imported.IsPlaceholder() {
			continue
		}
		if err := s.register(imported); err != nil {
			return err
		}
	}
	if err := s.linked.RegisterFile(file); err != nil {
		return fmt.Errorf("schema %s: %s: %w", s.source, file.Path(), err)
	}
	return nil
}

// count takes in what a file of the user offers.
func (s *Schema) count(file protoreflect.FileDescriptor, hide func(protoreflect.FullName) bool) {
	s.stats.Files++
	s.stats.Messages += countMessages(file.Messages())
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		if hide != nil && hide(service.FullName()) {
			continue
		}
		s.services = append(s.services, service)
		s.stats.Services++
		for j := range service.Methods().Len() {
			method := service.Methods().Get(j)
			s.methods[fmt.Sprintf("/%s/%s", service.FullName(), method.Name())] = method
			s.stats.Methods++
		}
	}
}

func countMessages(messages protoreflect.MessageDescriptors) int {
	var n int
	for i := range messages.Len() {
		if message := messages.Get(i); !message.IsMapEntry() {
			n += 1 + countMessages(message.Messages())
		}
	}
	return n
}

// Source returns the name of the source.
func (s *Schema) Source() string { return s.source }

// Files returns the user's own files, sorted by import name.
func (s *Schema) Files() []protoreflect.FileDescriptor { return s.files }

// Services returns the services that are exposed, sorted by full name: those of the user's own files, without what
// the source hides (T6: reflection and health, where a backend is asked by reflection).
func (s *Schema) Services() []protoreflect.ServiceDescriptor { return s.services }

// FindMethod returns the method with this full method name, "/package.Service/Method", of a service that is exposed,
// or nil.
func (s *Schema) FindMethod(fullMethod string) protoreflect.MethodDescriptor {
	return s.methods[fullMethod]
}

// FindDescriptorByName returns what has this full name, in the user's own files or in what they import. The error is
// [protoregistry.NotFound].
func (s *Schema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return s.linked.FindDescriptorByName(name)
}

// FindFileByPath returns the file with this import name, the user's own or imported. The error is
// [protoregistry.NotFound]. With it a schema is a [google.golang.org/protobuf/reflect/protodesc.Resolver].
func (s *Schema) FindFileByPath(name string) (protoreflect.FileDescriptor, error) {
	return s.linked.FindFileByPath(name)
}

// Types returns the resolver of message and extension types.
func (s *Schema) Types() *Types { return s.types }

// Unserved returns what loaded but cannot be served, one diagnostic for each thing, by name. The rest works.
func (s *Schema) Unserved() []Diagnostic { return s.unserved }

// Stats counts what is the user's own.
func (s *Schema) Stats() Stats { return s.stats }

// IsInfrastructure reports whether a service belongs to the machinery of gRPC and not to an API: reflection and
// health. A source that gets the services of a whole server hides them (T6).
func IsInfrastructure(service protoreflect.FullName) bool {
	return strings.HasPrefix(string(service), "grpc.reflection.") || strings.HasPrefix(string(service), "grpc.health.")
}
