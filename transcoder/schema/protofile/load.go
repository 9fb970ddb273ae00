// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// state is what a load that succeeded leaves for the next.
type state struct {
	nodes  map[string]*node
	linked *link.Linked
	schema *schema.Schema
}

// Load implements [schema.Source].
func (s *Source) Load(ctx context.Context) (*schema.Schema, error) {
	r, err := s.readAll(ctx)
	if err != nil {
		return nil, err
	}
	nodes := r.nodes()
	if len(nodes) == 0 && len(r.problems) == 0 {
		r.problems = append(r.problems, schema.Diagnostic{
			Code:    schema.CodeEmpty,
			Message: fmt.Sprintf("there is no .proto file in %s", s.name),
			Spans:   []schema.Span{{Position: schema.Position{File: s.dirs[0].display}, Primary: true}},
		})
	}
	changed := s.changed(nodes)
	if s.good != nil && len(changed) == 0 && len(nodes) == len(s.good.nodes) && len(r.problems) == 0 {
		return s.good.schema, nil
	}
	protos, err := s.compile(ctx, r, nodes, changed)
	if err != nil {
		return nil, err
	}
	linked, err := s.link(ctx, nodes, protos)
	if err != nil {
		return nil, err
	}
	made, err := s.schema(nodes, linked)
	if err != nil {
		return nil, err
	}
	s.good = &state{nodes: nodes, linked: linked, schema: made}
	return made, nil
}

// readAll reads what changed on disk and finds out what the imports mean.
func (s *Source) readAll(ctx context.Context) (*resolver, error) {
	now := time.Now()
	tree, problems := walk(ctx, s.dirs, s.config.MaxFiles)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(problems) > 0 {
		s.note(tree, nil)
		return nil, schema.NewLoadError(problems...)
	}
	r := &resolver{
		source: s, now: now,
		files:   make(map[string]*file, len(tree.files)),
		served:  make(map[string]bool, len(tree.files)),
		names:   make(map[string]*target),
		probes:  make(map[string]bool),
		refused: make(map[string]bool),
	}
	var bytes int64
	for _, at := range tree.files {
		bytes += at.info.Size()
	}
	if bytes > int64(s.config.MaxBytes) {
		s.note(tree, nil)
		return nil, schema.NewLoadError(tooMany("bytes", s.config.MaxBytes, s.dirs))
	}
	for _, at := range tree.files {
		f, err := s.read(at, now)
		if err != nil {
			r.unreadable(at.display, err)
			continue
		}
		r.add(f)
		r.served[f.absolute] = true
	}
	r.resolve()
	s.note(tree, r.probes)
	for absolute := range s.cache {
		if r.files[absolute] == nil {
			delete(s.cache, absolute)
		}
	}
	switch {
	case len(r.files) > s.config.MaxFiles:
		return nil, schema.NewLoadError(tooMany("files", s.config.MaxFiles, s.dirs))
	case r.bytes > s.config.MaxBytes:
		return nil, schema.NewLoadError(tooMany("bytes", s.config.MaxBytes, s.dirs))
	}
	return r, nil
}

// changed returns the names of the files that must be compiled: those that differ from the last good load, and those
// that import them, directly or not.
func (s *Source) changed(nodes map[string]*node) []string {
	if s.good == nil {
		return slices.Sorted(maps.Keys(nodes))
	}
	return link.Changed(s.good.nodes, nodes, func(n *node) []string { return n.imports }, (*node).same)
}

// compile compiles files and puts what it finds together with what is wrong with their imports.
func (s *Source) compile(ctx context.Context, r *resolver, nodes map[string]*node, names []string) (map[string]*descriptorpb.FileDescriptorProto, error) {
	circles := r.cycles(nodes)
	protos, err := s.compiler.Compile(ctx, opener(nodes, r.refused), names...)
	if err == nil && len(r.problems) == 0 {
		return protos, nil
	}
	var found *schema.LoadError
	if err != nil && !errors.As(err, &found) {
		return nil, err
	}
	all := slices.Clone(r.problems)
	if found != nil {
		incomplete := incomplete(nodes, r.refused, circles)
		for _, d := range found.Diagnostics {
			if !follows(d, incomplete) {
				all = append(all, d)
			}
		}
	}
	if len(all) == 0 {
		return nil, err
	}
	return nil, schema.NewLoadError(all...)
}

// opener gives files to the compiler. A missing import is given as an empty file: it has been reported, and what else
// is wrong is wanted too.
func opener(nodes map[string]*node, refused map[string]bool) compile.Opener {
	return func(name string) (compile.File, bool) {
		if n := nodes[name]; n != nil {
			return compile.File{Display: n.display, Text: n.text}, true
		}
		if refused[name] {
			return compile.File{Display: "<" + name + ">", Text: "syntax = \"proto3\";\n"}, true
		}
		text, ok := wellknown.Text(name)
		return compile.File{Display: wellknown.DisplayPrefix + name, Text: text}, ok
	}
}

// incomplete returns the paths of the files that import a missing file or one of a circle, directly or not.
func incomplete(nodes map[string]*node, refused, circles map[string]bool) map[string]bool {
	users := make(map[string][]*node)
	for _, n := range nodes {
		for _, imported := range n.imports {
			users[imported] = append(users[imported], n)
		}
	}
	paths := make(map[string]bool)
	queue := slices.Collect(maps.Keys(refused))
	for name, n := range nodes {
		if circles[n.display] {
			queue = append(queue, name)
		}
	}
	for len(queue) > 0 {
		for _, user := range users[queue[0]] {
			if !paths[user.display] {
				paths[user.display] = true
				queue = append(queue, user.name)
			}
		}
		queue = queue[1:]
	}
	return paths
}

// follows reports whether a diagnostic only follows from another, or says the same: a circle, or a name that cannot be found in a file that does not
// have all its imports, because they are missing or go round in a circle.
func follows(d schema.Diagnostic, incomplete map[string]bool) bool {
	return strings.HasPrefix(d.Message, "detected cyclic import") ||
		incomplete[d.Position().File] && strings.HasPrefix(d.Message, "cannot find `")
}

// link links what was compiled with the descriptors of the last load.
func (s *Source) link(ctx context.Context, nodes map[string]*node, protos map[string]*descriptorpb.FileDescriptorProto) (*link.Linked, error) {
	in := link.Input{
		Protos:  protos,
		Lenient: true,
		Display: func(name string) string { return display(nodes, name) },
		Text:    func(name string) string { return text(nodes, name) },
	}
	if s.good != nil {
		in.Previous = s.good.linked
		for name := range nodes {
			if protos[name] == nil {
				in.Keep = append(in.Keep, name)
			}
		}
	}
	slices.Sort(in.Keep)
	linked, err := link.Link(in)
	var refused *schema.LoadError
	if !errors.As(err, &refused) {
		return linked, err
	}
	// A changed file may clash with one that did not change. Compiled together, the compiler says where.
	again := slices.Collect(maps.Keys(protos))
	for name, n := range nodes {
		involved := func(span schema.Span) bool { return span.File == n.display }
		if protos[name] == nil && slices.ContainsFunc(refused.Diagnostics, func(d schema.Diagnostic) bool {
			return slices.ContainsFunc(d.Spans, involved)
		}) {
			again = append(again, name)
		}
	}
	slices.Sort(again)
	if _, better := s.compiler.Compile(ctx, opener(nodes, nil), again...); better != nil {
		return nil, better
	}
	return nil, err
}

func display(nodes map[string]*node, name string) string {
	if n := nodes[name]; n != nil {
		return n.display
	}
	if wellknown.Has(name) {
		return wellknown.DisplayPrefix + name
	}
	return name
}

func text(nodes map[string]*node, name string) string {
	if n := nodes[name]; n != nil {
		return n.text
	}
	text, _ := wellknown.Text(name)
	return text
}

func (s *Source) schema(nodes map[string]*node, linked *link.Linked) (*schema.Schema, error) {
	var own []protoreflect.FileDescriptor
	for name, n := range nodes {
		if file := linked.Files[name]; n.served && file != nil {
			own = append(own, file)
		}
	}
	slices.SortFunc(own, func(a, b protoreflect.FileDescriptor) int { return cmp.Compare(a.Path(), b.Path()) })
	return schema.New(schema.Config{
		Source:   s.name,
		Files:    own,
		Display:  func(name string) string { return display(nodes, name) },
		Text:     func(name string) string { return text(nodes, name) },
		Unserved: linked.Unserved,
	})
}
