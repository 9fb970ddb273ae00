// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package protofile provides schemas from folders of .proto files, compiled in the process, as they are written: with
// the import paths that protoc has, with everybody's imports built in, and with what is missing named.
package protofile

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compile"
)

const (
	// DefaultMaxFiles is the most .proto files of a load, unless Config says otherwise.
	DefaultMaxFiles = 50_000
	// DefaultMaxBytes is the most bytes of .proto files of a load, unless Config says otherwise.
	DefaultMaxBytes = 256 << 20
)

// Config says where the files are. Dirs is required.
type Config struct {
	// Dirs are folders whose .proto files, those in folders below included, are all served. Names that begin with a
	// dot are passed over; symbolic links are followed.
	//
	// The import name of a file is what the import paths make of its place, as with protoc. Where none of them covers
	// a folder, the folder itself is an import path.
	Dirs []string
	// ImportPaths are where imports are looked for, in this order, before Dirs and the built-in files. Each is a
	// folder, or "virtual=folder": then the import name virtual/x.proto stands for folder/x.proto. Files that are
	// only imported are not served.
	ImportPaths []string
	// MaxFiles bounds how many files a load reads, imports included. Zero is [DefaultMaxFiles].
	MaxFiles int
	// MaxBytes bounds how many bytes they hold together. Zero is [DefaultMaxBytes].
	MaxBytes int
	// Poll makes Watch look for changes every so often, for file systems that send no events. Zero waits for events,
	// and polls every two seconds where the system refuses them.
	Poll time.Duration
}

// Source loads a schema from folders of .proto files. It implements [schema.Source] and [schema.Watcher].
//
// A Load after the first reads only files that changed, and compiles and links only those and the files that import
// them.
type Source struct {
	name     string
	dirs     []mapping // where files are served from; they are the last import paths too
	imports  []mapping // import paths, in order
	config   Config
	compiler compile.Compiler

	// Only Load uses what follows.
	cache map[string]*file // by absolute path
	good  *state           // of the last load that succeeded

	// mu guards what Load leaves for Watch.
	mu     sync.Mutex
	probes []string // absolute paths outside of dirs that imports were looked for at
	print  string   // fingerprint of what was loaded last; "" before that
}

var (
	_ schema.Source  = (*Source)(nil)
	_ schema.Watcher = (*Source)(nil)
)

// New returns a source for these folders. It does not look at the disk.
func New(config Config) (*Source, error) {
	s := &Source{
		name:     strings.Join(config.Dirs, ", "),
		config:   config,
		compiler: compile.New(),
		cache:    make(map[string]*file),
	}
	var errs []error
	if len(config.Dirs) == 0 {
		errs = append(errs, errors.New("protofile: dirs is empty; it must name a folder of .proto files"))
	}
	for i, dir := range config.Dirs {
		m, err := newMapping("", dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("protofile: dirs[%d]: %w", i, err))
		}
		s.dirs = append(s.dirs, m)
	}
	for i, text := range config.ImportPaths {
		virtual, disk, found := strings.Cut(text, "=")
		if !found {
			virtual, disk = "", text
		}
		m, err := newMapping(virtual, disk)
		if err != nil {
			errs = append(errs, fmt.Errorf("protofile: import_paths[%d]: %q: %w", i, text, err))
		}
		s.imports = append(s.imports, m)
	}
	for _, bound := range []struct {
		name  string
		value *int
		usual int
	}{{"max_files", &s.config.MaxFiles, DefaultMaxFiles}, {"max_bytes", &s.config.MaxBytes, DefaultMaxBytes}} {
		if *bound.value < 0 {
			errs = append(errs, fmt.Errorf("protofile: %s is %d; it must be 0, for %d, or more", bound.name, *bound.value, bound.usual))
		}
		if *bound.value == 0 {
			*bound.value = bound.usual
		}
	}
	if config.Poll < 0 {
		errs = append(errs, fmt.Errorf("protofile: poll is %v; it must be 0, for events, or more", config.Poll))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Name returns the folders.
func (s *Source) Name() string { return s.name }

// mapping is an import path: names below virtual stand for files below disk.
type mapping struct {
	virtual string // without slashes at its ends; "" is the root
	disk    string // absolute and clean
	display string // as the user wrote it, clean
}

func newMapping(virtual, disk string) (mapping, error) {
	if disk == "" {
		return mapping{}, errors.New("the folder is empty")
	}
	absolute, err := filepath.Abs(disk)
	if err != nil {
		return mapping{}, err
	}
	virtual = strings.Trim(path.Clean("/"+filepath.ToSlash(virtual)), "/")
	return mapping{virtual: virtual, disk: absolute, display: filepath.ToSlash(filepath.Clean(disk))}, nil
}

// find returns the absolute path that an import name has under the mapping.
func (m mapping) find(name string) (string, bool) {
	rest := name
	if m.virtual != "" {
		var ok bool
		if rest, ok = strings.CutPrefix(name, m.virtual+"/"); !ok {
			return "", false
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(rest)) {
		return "", false // an import does not leave its import path
	}
	return filepath.Join(m.disk, filepath.FromSlash(rest)), true
}

// nameOf returns the import name that the mapping gives to a file.
func (m mapping) nameOf(absolute string) (string, bool) {
	rest, ok := strings.CutPrefix(absolute, strings.TrimSuffix(m.disk, string(os.PathSeparator))+string(os.PathSeparator))
	if !ok {
		return "", false
	}
	return path.Join(m.virtual, filepath.ToSlash(rest)), true
}

// displayOf returns the path to show for a file below the mapping.
func (m mapping) displayOf(absolute string) string {
	rest, err := filepath.Rel(m.disk, absolute)
	if err != nil {
		return filepath.ToSlash(absolute)
	}
	return path.Join(m.display, filepath.ToSlash(rest))
}

// String returns the mapping as a user would write it.
func (m mapping) String() string {
	if m.virtual == "" {
		return m.display
	}
	return m.virtual + "=" + m.display
}
