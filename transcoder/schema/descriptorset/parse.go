// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
)

// Parse returns the schema of one set that is in memory, in any of the forms that a file may have. name is what messages call it. What is zero in limits
// has its value from [DefaultLimits]. What is wrong with the set is a [*schema.LoadError] with all of it.
func Parse(name string, content []byte, limits link.Limits) (*schema.Schema, error) {
	if err := limits.Check(); err != nil {
		return nil, fmt.Errorf("descriptorset: %w", err)
	}
	limits = limits.Or(DefaultLimits())
	files, err := parse(name, content, limits)
	if _, ok := errors.AsType[*schema.LoadError](err); err != nil && !ok {
		err = schema.NewLoadError(problem(schema.CodeUnreadable, name, err))
	}
	if err != nil {
		return nil, err
	}
	return schemaOf(new(link.Store), name, files)
}

func parse(name string, content []byte, limits link.Limits) (map[string]*descriptorpb.FileDescriptorProto, error) {
	content, err := inflate(content, limits.Bytes)
	if err != nil {
		return nil, err
	}
	protos, err := decode(content, link.NewMeter(limits), limits, name)
	if err != nil {
		return nil, err
	}
	files := make(map[string]*descriptorpb.FileDescriptorProto, len(protos))
	for _, file := range protos {
		if other := files[file.GetName()]; other != nil && !equal(other, file) {
			return nil, schema.NewLoadError(conflict(file.GetName(), name, name))
		}
		files[file.GetName()] = file
	}
	return files, nil
}

// inflate returns content, decompressed if it is compressed with gzip, of at most limit bytes.
func inflate(content []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		return content, nil
	}
	unzip, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return readUpTo(unzip, limit)
}
