// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package compile provides the step from .proto text to descriptor protos, with all mistakes of all files at once.
package compile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/bufbuild/protocompile/experimental/fdp"
	"github.com/bufbuild/protocompile/experimental/incremental"
	"github.com/bufbuild/protocompile/experimental/incremental/queries"
	"github.com/bufbuild/protocompile/experimental/ir"
	"github.com/bufbuild/protocompile/experimental/report"
	"github.com/bufbuild/protocompile/experimental/source"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// File is the text of a .proto file.
type File struct {
	// Display is the path to show to people. No two files of a compilation have the same.
	Display string
	// Text is what the file holds.
	Text string
}

// Opener returns the file with an import name, and whether there is one. google/protobuf/descriptor.proto must be
// there. It is called from several goroutines at once and gives the same answer every time.
type Opener func(name string) (File, bool)

// Compiler compiles .proto files.
type Compiler interface {
	// Compile returns the descriptor protos of the named files, with source positions, those inside of the options of
	// methods included. Their imports are read too, but not returned. Options are left as they are on the wire, whatever
	// extensions the program happens to know.
	//
	// When the files have mistakes, the error is a [*schema.LoadError] with all of them. When ctx ends, it is the
	// cause of that. Compile may be called from several goroutines at once.
	Compile(ctx context.Context, open Opener, names ...string) (map[string]*descriptorpb.FileDescriptorProto, error)
}

// New returns a compiler for proto2, proto3 and the editions 2023 and 2024.
//
// It is the compiler that buf uses. Each call begins anew: what is worth keeping from load to load are the finished
// descriptors, which take a fraction of the memory that the compiler's own caches take and serve the same purpose,
// since a caller names only files that changed and those that depend on them.
func New() Compiler { return compiler{} }

type compiler struct{}

func (compiler) Compile(ctx context.Context, open Opener, names ...string) (map[string]*descriptorpb.FileDescriptorProto, error) {
	if len(names) == 0 {
		return nil, nil
	}
	opener := &opener{open: open, texts: make(map[string]string)}
	executor := incremental.New(incremental.WithReportOptions(report.Options{SuppressWarnings: true}))
	results, found, err := incremental.Run(ctx, executor, queries.Link{
		Opener: opener, Session: new(ir.Session), Workspace: source.NewWorkspace(names...),
	})
	if err != nil {
		return nil, failure(err)
	}
	diagnostics := convert(found, opener.texts)
	if results[0].Fatal != nil && len(diagnostics) == 0 {
		diagnostics = append(diagnostics, schema.Diagnostic{Message: results[0].Fatal.Error()})
	}
	if len(diagnostics) > 0 {
		return nil, schema.NewLoadError(diagnostics...)
	}
	return generate(ctx, results[0].Value)
}

// failure explains why the compiler did not come to an end. A panic in it, over input that its authors did not think
// of, must not end the process.
func failure(err error) error {
	var panicked *incremental.ErrPanic
	if !errors.As(err, &panicked) {
		return err
	}
	d := schema.Diagnostic{
		Code:    schema.CodeInvalid,
		Message: fmt.Sprintf("the compiler broke over this input: %v", panicked.Panic),
		Help:    []string{"please report it, with the file"},
	}
	if query, ok := panicked.Query.Underlying().(queries.IR); ok {
		d.Spans = []schema.Span{{Position: schema.Position{File: query.Path}, Primary: true}}
	}
	return schema.NewLoadError(d)
}

// generate makes descriptor protos. They go through their wire form, because the compiler leaves options there.
func generate(ctx context.Context, files []*ir.File) (map[string]*descriptorpb.FileDescriptorProto, error) {
	protos := make(map[string]*descriptorpb.FileDescriptorProto, len(files))
	for _, file := range files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		proto, err := generateFile(file)
		if err != nil {
			return nil, schema.NewLoadError(schema.Diagnostic{
				Code: schema.CodeInvalid, Message: fmt.Sprintf("the compiler broke over this file: %v", err),
				Spans: []schema.Span{{Position: schema.Position{File: file.Path()}, Primary: true}},
			})
		}
		protos[file.Path()] = proto
	}
	return protos, nil
}

func generateFile(file *ir.File) (_ *descriptorpb.FileDescriptorProto, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	wire, err := fdp.DescriptorProtoBytes(file, fdp.IncludeSourceCodeInfo(true))
	if err != nil {
		return nil, err
	}
	made := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}).Unmarshal(wire, made); err != nil {
		return nil, err
	}
	// The compiler adds notes of its own for linters.
	made.GetSourceCodeInfo().ProtoReflect().SetUnknown(nil)
	prune(made.GetSourceCodeInfo())
	locateOptions(file, made.GetSourceCodeInfo())
	return made, nil
}

// opener gives files to the compiler and remembers their texts for diagnostics.
type opener struct {
	open Opener

	mu    sync.Mutex
	texts map[string]string // by display path; guarded by mu
}

// Open implements [source.Opener].
func (o *opener) Open(name string) (*source.File, error) {
	file, ok := o.open(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts[file.Display] = file.Text
	return source.NewFile(file.Display, file.Text), nil
}
