// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package descriptorset provides schemas from files that hold a FileDescriptorSet, as protoc, buf and grpcurl write
// them: binary or JSON, plain or compressed with gzip.
package descriptorset

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/link"
)

// DefaultLimits bound a load where Config does not. The files are the operator's own, so they are generous.
func DefaultLimits() link.Limits {
	return link.Limits{Files: 50_000, Bytes: 256 << 20, Messages: 500_000, Elements: 10_000_000}
}

// Config says where the files are. Paths is required.
type Config struct {
	// Paths are files, or patterns in the syntax of [filepath.Match]. All sets together are one schema: a file of a
	// set may import one of another, and a file that is in several sets must be the same in each (T5).
	Paths []string
	// Limits bound what a load reads; what is zero has its value from [DefaultLimits]. A JSON file may have an eighth
	// of the bytes.
	Limits link.Limits
	// Poll makes Watch look for changes every so often, for file systems that send no events. Zero waits for events,
	// and polls every two seconds where the system refuses them.
	Poll time.Duration
}

// Source loads a schema from descriptor sets. It implements [schema.Source] and [schema.Watcher].
type Source struct {
	name   string
	config Config

	// Only Load uses what follows.
	store link.Store
	good  *schema.Schema // of the last load that succeeded

	mu    sync.Mutex
	print string // fingerprint of what was loaded last; guarded by mu
}

var (
	_ schema.Source  = (*Source)(nil)
	_ schema.Watcher = (*Source)(nil)
)

// New returns a source for these files. It does not look at the disk.
func New(config Config) (*Source, error) {
	var errs []error
	if len(config.Paths) == 0 {
		errs = append(errs, errors.New("descriptorset: paths is empty; it must name a file or a pattern"))
	}
	for i, path := range config.Paths {
		if _, err := filepath.Match(path, ""); err != nil || path == "" {
			errs = append(errs, fmt.Errorf("descriptorset: paths[%d] is %q; it must be a file or a pattern such as descriptors/*.binpb", i, path))
		}
	}
	if err := config.Limits.Check(); err != nil {
		errs = append(errs, fmt.Errorf("descriptorset: %w", err))
	}
	if config.Poll < 0 {
		errs = append(errs, fmt.Errorf("descriptorset: poll is %v; it must be 0, for events, or more", config.Poll))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	config.Limits = config.Limits.Or(DefaultLimits())
	return &Source{name: strings.Join(config.Paths, ", "), config: config}, nil
}

// Name returns the paths.
func (s *Source) Name() string { return s.name }
