// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"crypto/sha256"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Store links one load after another, and only what changed between them. It is for sources that get descriptors; one
// that compiles knows earlier what changed. The zero value is ready. One goroutine uses it at a time.
type Store struct {
	files  map[string]stored
	linked *Linked
}

// stored is what is kept of a file to know it again.
type stored struct {
	sum     [sha256.Size]byte
	imports []string
}

// Update links these files, by import name. It returns the result and whether anything differs from the last. An error
// leaves the store as it was. Update takes the protos: the caller must not use them any more.
func (s *Store) Update(protos map[string]*descriptorpb.FileDescriptorProto, remedy string) (*Linked, bool, error) {
	files := make(map[string]stored, len(protos))
	for name, file := range protos {
		wire, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(file)
		if err != nil {
			return nil, false, err
		}
		files[name] = stored{
			sum: sha256.Sum256(wire), imports: slices.Concat(file.GetDependency(), file.GetOptionDependency()),
		}
	}
	changed := Changed(s.files, files, func(f stored) []string { return f.imports },
		func(was, is stored) bool { return was.sum == is.sum })
	if s.linked != nil && len(changed) == 0 && len(files) == len(s.files) {
		return s.linked, false, nil
	}
	in := Input{Previous: s.linked, Remedy: remedy, Protos: make(map[string]*descriptorpb.FileDescriptorProto, len(changed))}
	for _, name := range changed {
		in.Protos[name] = protos[name]
	}
	for name := range files {
		if in.Protos[name] == nil {
			in.Keep = append(in.Keep, name)
		}
	}
	slices.Sort(in.Keep)
	linked, err := Link(in)
	if err != nil {
		return nil, false, err
	}
	s.files, s.linked = files, linked
	return linked, true, nil
}
