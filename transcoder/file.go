// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// File is a file of which clients may know: a service that can be called is defined in it, or what such a file imports is.
type File struct {
	// Desc describes the file, with all that is in it.
	Desc protoreflect.FileDescriptor
	// Imports are the files that it imports.
	Imports []*File

	schema *schema.Schema
	bytes  func() ([]byte, error)
}

// Bytes returns a google.protobuf.FileDescriptorProto of the file without comments and without what cannot be called. It is not to
// be changed.
func (f *File) Bytes() ([]byte, error) { return f.bytes() }

// Files returns the files of which clients may know, by import name. The map is not to be changed.
func (x *Mux) Files() map[string]*File { return x.files() }

// FileOf returns the file that defines something of which clients may know, by its full name: a service or method that can be
// called, or anything else in one of the Files; else nil.
func (x *Mux) FileOf(name string) *File {
	for _, s := range x.sources() {
		d, err := s.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil || !x.calls(s, d) {
			continue
		}
		if f := x.Files()[d.ParentFile().Path()]; f != nil && f.Desc == d.ParentFile() {
			return f
		}
	}
	return nil
}

// FileOfExtension returns the file of Files that defines the extension of a message with this number, or nil.
func (x *Mux) FileOfExtension(message string, number int32) *File {
	for _, s := range x.sources() {
		if t, err := s.Types().FindExtensionByNumber(protoreflect.FullName(message), protoreflect.FieldNumber(number)); err == nil {
			d := t.TypeDescriptor().ParentFile()
			if f := x.Files()[d.Path()]; f != nil && f.Desc == d {
				return f
			}
		}
	}
	return nil
}

// Extensions returns the numbers of the extensions of a message that Files define, sorted.
func (x *Mux) Extensions(message string) []int32 {
	var numbers []int32
	for _, s := range x.sources() {
		s.Types().RangeExtensionsByMessage(protoreflect.FullName(message), func(t protoreflect.ExtensionType) bool {
			d := t.TypeDescriptor()
			if f := x.Files()[d.ParentFile().Path()]; f != nil && f.Desc == d.ParentFile() {
				numbers = append(numbers, int32(d.Number()))
			}
			return true
		})
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// sources returns the schemas of the services that can be called, those of local services first.
func (x *Mux) sources() []*schema.Schema {
	var all []*schema.Schema
	for _, s := range x.services {
		if !slices.Contains(x.schemas, s) {
			all = []*schema.Schema{s}
		}
	}
	return append(all, x.schemas...)
}

// calls tells whether a descriptor of a schema is no service or method, or one that can be called.
func (x *Mux) calls(s *schema.Schema, d protoreflect.Descriptor) bool {
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		return x.services[string(d.FullName())] == s
	case protoreflect.MethodDescriptor:
		m := x.byPath["/"+string(d.Parent().FullName())+"/"+string(d.Name())]
		return m != nil && m.Schema == s
	default:
		return true
	}
}

// findFiles makes Files. Of two files with one import name the first counts, those of local services before all.
func (x *Mux) findFiles() map[string]*File {
	files := map[string]*File{}
	for _, s := range x.sources() {
		for _, sd := range s.Services() {
			if x.services[string(sd.FullName())] == s {
				x.addFile(files, s, sd.ParentFile())
			}
		}
	}
	return files
}

func (x *Mux) addFile(files map[string]*File, s *schema.Schema, fd protoreflect.FileDescriptor) *File {
	if f := files[fd.Path()]; f != nil {
		return f
	}
	f := &File{Desc: fd, schema: s}
	f.bytes = sync.OnceValues(func() ([]byte, error) { return x.describe(f) })
	files[fd.Path()] = f
	for i := range fd.Imports().Len() {
		if imported := fd.Imports().Get(i).FileDescriptor; !imported.IsPlaceholder() {
			f.Imports = append(f.Imports, x.addFile(files, s, imported))
		}
	}
	return f
}

// describe makes the bytes of a file.
func (x *Mux) describe(f *File) ([]byte, error) {
	p := protodesc.ToFileDescriptorProto(f.Desc)
	p.SourceCodeInfo = nil
	p.Service = slices.DeleteFunc(p.GetService(), func(s *descriptorpb.ServiceDescriptorProto) bool {
		sd := f.Desc.Services().ByName(protoreflect.Name(s.GetName()))
		s.Method = slices.DeleteFunc(s.GetMethod(), func(m *descriptorpb.MethodDescriptorProto) bool {
			return !x.calls(f.schema, sd.Methods().ByName(protoreflect.Name(m.GetName())))
		})
		return !x.calls(f.schema, sd)
	})
	return proto.MarshalOptions{Deterministic: true}.Marshal(p)
}
