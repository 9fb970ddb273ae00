// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package schema provides linked descriptors, immutable, and Source, where they come from.
//
// A [Schema] answers what a gateway asks of the user's protobuf files: which services and methods there are, what
// their messages look like, where in which file a thing was written, and what had to be left out. It never looks at
// the registries of generated code: two schemas may define the same names differently, and both may differ from what
// is linked into the program.
//
// A [Source] loads a schema. The sources are packages below this one:
//
//   - protofile: folders of .proto files, compiled here
//   - descriptorset: files that protoc or buf wrote
//   - reflection: what a running backend says about itself
//
// They share, in the order of the work: wellknown (the imports that everybody uses, embedded), compile (text to
// descriptor protos, all mistakes at once), link (descriptor protos to descriptors, reusing those of the last load) and
// filewatch. sourcetest is the contract that every source passes.
//
// Whatever is wrong is a [Diagnostic]: a sentence, the places it is about, what to do. The route table uses the same
// type, and [Render] prints them all alike.
package schema
