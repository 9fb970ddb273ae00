// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/reload"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// shownFiles is how many changed files a reload names.
const shownFiles = 3

// filesOf sums up the files of what is in force. What compilers make of two files is the same when they differ in comments alone.
func filesOf(e *reload.Event) map[string][sha256.Size]byte {
	sums := map[string][sha256.Size]byte{}
	for _, s := range e.Snapshot.Schemas() {
		for _, f := range s.Files() {
			if text, err := (proto.MarshalOptions{Deterministic: true}).Marshal(protodesc.ToFileDescriptorProto(f)); err == nil {
				sums[s.Locate(f).File] = sha256.Sum256(text)
			}
		}
	}
	return sums
}

// changed says what a reload that took effect is about: the files that are new, other ones or gone, and where there are none, the sources.
func (s *screen) changed(e *reload.Event) []string {
	if e.Snapshot == nil {
		return e.Sources
	}
	before, after := s.files, filesOf(e)
	s.files = after
	var names []string
	for name, sum := range after {
		if old, known := before[name]; !known || old != sum {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, stays := after[name]; !stays {
			names = append(names, name)
		}
	}
	if len(names) == 0 || before == nil {
		return e.Sources
	}
	slices.Sort(names)
	if more := len(names) - shownFiles; more > 0 {
		return append(names[:shownFiles], fmt.Sprintf("%d more", more))
	}
	return names
}

// builtIn are the folders of files that schemas import and that nobody had to bring along: those of this program. google/protobuf, which
// every compiler has, is not told of.
func builtIn(schemas []*schema.Schema) []string {
	var groups []string
	for _, s := range schemas {
		seen := map[string]bool{}
		var visit func(protoreflect.FileDescriptor)
		visit = func(f protoreflect.FileDescriptor) {
			if seen[f.Path()] {
				return
			}
			seen[f.Path()] = true
			if group := path.Dir(f.Path()); strings.HasPrefix(s.Locate(f).File, wellknown.DisplayPrefix) && group != "google/protobuf" {
				groups = append(groups, group)
			}
			for i := range f.Imports().Len() {
				visit(f.Imports().Get(i).FileDescriptor)
			}
		}
		for _, f := range s.Files() {
			visit(f)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}
