// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// Load implements [schema.Source].
func (s *Source) Load(ctx context.Context) (*schema.Schema, error) {
	s.note()
	files, err := s.readAll(ctx)
	if err != nil {
		return nil, err
	}
	made, err := schemaOf(&s.store, s.name, files)
	if err != nil {
		return nil, err
	}
	if made != nil {
		s.good = made
	}
	return s.good, nil
}

// schemaOf returns the schema of files; nil where the store has the same ones already.
func schemaOf(store *link.Store, name string, files map[string]*descriptorpb.FileDescriptorProto) (*schema.Schema, error) {
	names := slices.Collect(maps.Keys(files))
	linked, changed, err := store.Update(files, remedy)
	if err != nil || !changed {
		return nil, err
	}
	config := schema.Config{Source: name, Unserved: linked.Unserved, Hide: schema.IsInfrastructure}
	for _, file := range names {
		if !wellknown.Has(file) {
			config.Files = append(config.Files, linked.Files[file])
		}
	}
	return schema.New(config)
}

// remedy is what to do about a missing import.
const remedy = "write the descriptor set with all imports: protoc --include_imports, or buf build"

// readAll reads all sets and merges them.
func (s *Source) readAll(ctx context.Context) (map[string]*descriptorpb.FileDescriptorProto, error) {
	paths, problems := match(s.config.Paths)
	meter := link.NewMeter(s.config.Limits)
	files := make(map[string]*descriptorpb.FileDescriptorProto)
	origins := make(map[string]string)
	for _, path := range paths {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		protos, err := s.readSet(path, meter)
		var refused *schema.LoadError
		switch {
		case errors.As(err, &refused):
			problems = append(problems, refused.Diagnostics...)
		case err != nil:
			problems = append(problems, problem(schema.CodeUnreadable, path, err))
		}
		for _, file := range protos {
			name := file.GetName()
			switch other := files[name]; {
			case other == nil:
				files[name], origins[name] = file, path
			case !equal(other, file):
				problems = append(problems, conflict(name, origins[name], path))
			case other.SourceCodeInfo == nil:
				files[name], origins[name] = file, path
			}
		}
	}
	if len(problems) > 0 {
		return nil, schema.NewLoadError(problems...)
	}
	return files, nil
}

func (s *Source) readSet(path string, meter *link.Meter) ([]*descriptorpb.FileDescriptorProto, error) {
	content, err := readFile(path, s.config.Limits.Bytes)
	if err != nil {
		return nil, err
	}
	return decode(content, meter, s.config.Limits, path)
}

// equal reports whether two files are the same but for their positions. The same file from two sets is one, with the
// positions of the set that has them (T5).
func equal(a, b *descriptorpb.FileDescriptorProto) bool {
	infos := [2]*descriptorpb.SourceCodeInfo{a.SourceCodeInfo, b.SourceCodeInfo}
	a.SourceCodeInfo, b.SourceCodeInfo = nil, nil
	same := proto.Equal(a, b)
	a.SourceCodeInfo, b.SourceCodeInfo = infos[0], infos[1]
	return same
}

// conflict says which two sets cannot both be had.
func conflict(name, one, other string) schema.Diagnostic {
	return schema.Diagnostic{
		Code:    schema.CodeConflict,
		Message: fmt.Sprintf("two different files have the import name %q", name),
		Spans: []schema.Span{
			{Position: schema.Position{File: one}, Label: "has one", Primary: true},
			{Position: schema.Position{File: other}, Label: "has the other"},
		},
		Help: []string{"write both sets from the same sources, or serve them as two schemas"},
	}
}
