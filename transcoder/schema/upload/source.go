// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package upload provides a schema that is sent to the gateway as a descriptor set, and that a file keeps for the next start.
package upload

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/descriptorset"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
)

// MaxSize is how many bytes an upload may have as it is sent: with what is around it, it fits into a message of the admin API.
const MaxSize = 3 << 20

// Limits bound what an upload may be in the end: who sends it is not at the machine, and compressed it may be a bomb.
func Limits() link.Limits {
	return link.Limits{Files: 20_000, Bytes: 64 << 20, Messages: 200_000, Elements: 4_000_000}
}

// Source is a schema that was sent. Put gives it another one, which Load returns from then on, and which Keep makes the one of the next start. It
// implements [schema.Source]; before the first upload it has nothing.
type Source struct {
	name, file string

	mu     sync.Mutex
	put    []byte // what was put and not kept; nil for nothing; guarded by mu
	loaded loaded // last; guarded by mu
}

// loaded is what a content was loaded into.
type loaded struct {
	sum    [sha256.Size]byte
	schema *schema.Schema // nil before the first Load
}

var _ schema.Source = (*Source)(nil)

// New returns a source that is kept in a file. It does not look at the disk.
func New(name, file string) (*Source, error) {
	if name == "" || file == "" {
		return nil, fmt.Errorf("upload: the name is %q and the file %q; neither may be empty", name, file)
	}
	return &Source{name: name, file: file}, nil
}

// Name returns the name.
func (s *Source) Name() string { return s.name }

// Load implements [schema.Source].
func (s *Source) Load(ctx context.Context) (*schema.Schema, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	content, err := s.contentLocked()
	if err != nil {
		return nil, schema.NewLoadError(schema.Diagnostic{Code: schema.CodeUnreadable, Message: fmt.Sprintf("what was uploaded to %s cannot be read: %v", s.name, err)})
	}
	sum := sha256.Sum256(content)
	if s.loaded.schema != nil && s.loaded.sum == sum {
		return s.loaded.schema, nil
	}
	var made *schema.Schema
	if len(content) == 0 {
		made, err = schema.New(schema.Config{Source: s.name})
	} else {
		made, err = descriptorset.Parse(s.name, content, Limits())
	}
	if err != nil {
		return nil, err
	}
	s.loaded = loaded{sum: sum, schema: made}
	return made, nil
}

// contentLocked is what was put or, if nothing was, what is kept; nothing before the first upload.
func (s *Source) contentLocked() ([]byte, error) {
	if s.put != nil {
		return s.put, nil
	}
	info, err := os.Stat(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > MaxSize:
		return nil, fmt.Errorf("%s has %d bytes; it must be a file of 1 to %d", s.file, info.Size(), MaxSize)
	}
	return os.ReadFile(s.file)
}

// Check says what is wrong with the size of an upload.
func Check(content []byte) error {
	if len(content) == 0 || len(content) > MaxSize {
		return fmt.Errorf("the descriptor set has %d bytes; it must have 1 to %d, and may be compressed with gzip", len(content), MaxSize)
	}
	return nil
}

// Put has Load return this content. It is written beside the file already, so that Keep needs no room. undo takes it back, unless it is kept.
func (s *Source) Put(content []byte) (undo func(), err error) {
	if err := Check(content); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := write(s.beside(), content); err != nil {
		return nil, fmt.Errorf("the upload cannot be kept: %w", err)
	}
	before := s.loaded
	s.put = content
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.put, s.loaded = nil, before
		_ = os.Remove(s.beside()) // nobody reads it, and the next one is written over it
	}, nil
}

// Keep makes what was put that of the next start.
func (s *Source) Keep() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(s.beside(), s.file); err != nil {
		return fmt.Errorf("the upload cannot be kept: %w", err)
	}
	s.put = nil
	return nil
}

func (s *Source) beside() string { return s.file + ".new" }

// write writes a file that is on the disk when it returns.
func write(path string, content []byte) (err error) {
	const folderMode, fileMode = 0o750, 0o640
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}
