// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
)

// jsonShare is how much smaller than a binary set one in JSON must be: it cannot be counted before it is decoded.
const jsonShare = 8

// match returns the files that the paths name, sorted, each once.
func match(paths []string) ([]string, []schema.Diagnostic) {
	var files []string
	var problems []schema.Diagnostic
	for _, path := range paths {
		if !strings.ContainsAny(path, `*?[\`) {
			files = append(files, filepath.Clean(path))
			continue
		}
		found, err := filepath.Glob(path)
		if err == nil && len(found) == 0 {
			err = errors.New("no file matches")
		}
		if err != nil {
			problems = append(problems, problem(schema.CodeEmpty, path, err))
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files), problems
}

func problem(code, file string, err error) schema.Diagnostic {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err // the path is shown anyway
	}
	return schema.Diagnostic{
		Code:    code,
		Message: fmt.Sprintf("cannot read %s: %v", file, err),
		Spans:   []schema.Span{{Position: schema.Position{File: file}, Primary: true}},
	}
}

// errMoving: the file is being written. The end of the writing is a change that Watch reports.
var errMoving = errors.New("it changed while it was read")

// readFile reads a file, decompressed, of at most limit bytes.
func readFile(path string, limit int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	content, err := readUpTo(file, limit)
	if err != nil {
		return nil, err
	}
	after, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if int64(len(content)) != after.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, errMoving
	}
	return inflate(content, limit)
}

func readUpTo(r io.Reader, limit int) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(content) > limit {
		return nil, fmt.Errorf("it has more than %d bytes, which is the limit", limit)
	}
	return content, nil
}

// decode returns the files of a set.
func decode(content []byte, meter *link.Meter, limits link.Limits, origin string) ([]*descriptorpb.FileDescriptorProto, error) {
	if isJSON(content) {
		var err error
		if content, err = fromJSON(content, limits.Bytes/jsonShare); err != nil {
			return nil, schema.NewLoadError(problem(schema.CodeUnreadable, origin, err))
		}
	}
	if err := meter.Set(content, origin); err != nil {
		return nil, err
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := plain.Unmarshal(content, set); err != nil {
		return nil, schema.NewLoadError(problem(schema.CodeInvalid, origin, fmt.Errorf("it is not a FileDescriptorSet: %v", reason(err))))
	}
	if len(set.File) == 0 {
		return nil, schema.NewLoadError(problem(schema.CodeEmpty, origin, errors.New("it holds no file")))
	}
	return set.File, nil
}

// plain leaves all options as they are on the wire: which extensions this program knows must not matter.
var plain = proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)} //nolint:gochecknoglobals // a constant

// reason returns the sentence of an error of protobuf-go, which begins with "proto:" and a space of either kind.
func reason(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
}

// isJSON reports whether content is JSON. A binary set begins with the tag of its first file, which is a line break, and then its length, which is
// a brace where that file has 123 bytes.
func isJSON(content []byte) bool {
	trimmed := bytes.TrimLeft(content, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' && (content[0] != '\n' || json.Valid(content))
}

// fromJSON turns a set from JSON into its binary form. In JSON the names of extensions are written out, and some may
// be defined in the set itself: it is read once without them to learn what they are.
func fromJSON(content []byte, limit int) ([]byte, error) {
	if len(content) > limit {
		return nil, fmt.Errorf("as JSON it has more than %d bytes, which is the limit", limit)
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true, AllowPartial: true}).Unmarshal(content, set); err != nil {
		return nil, fmt.Errorf("it is not a FileDescriptorSet: %v", reason(err))
	}
	protos := make(map[string]*descriptorpb.FileDescriptorProto, len(set.File))
	for _, file := range set.File {
		protos[file.GetName()] = file
	}
	linked, err := link.Link(link.Input{Protos: protos, Lenient: true})
	if err != nil {
		return nil, err
	}
	config := schema.Config{}
	for _, file := range linked.Files {
		config.Files = append(config.Files, file)
	}
	types, err := schema.New(config)
	if err != nil {
		return nil, err
	}
	full := new(descriptorpb.FileDescriptorSet)
	options := protojson.UnmarshalOptions{DiscardUnknown: true, AllowPartial: true, Resolver: types.Types()}
	if err := options.Unmarshal(content, full); err != nil {
		return nil, fmt.Errorf("it is not a FileDescriptorSet: %v", reason(err))
	}
	// Always in one order, or the same set would look changed each time.
	return proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(full)
}
