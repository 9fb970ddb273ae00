// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package descriptorset

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/filewatch"
)

// Watch implements [schema.Watcher]. It tells of sets that are written, appear or go, about a tenth of a second after
// the last of several changes.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	return filewatch.Watch(ctx, filewatch.Config{Scan: s.scan, Loaded: s.loaded, Poll: s.config.Poll}, changed)
}

// note remembers what a load looks at.
func (s *Source) note() {
	print := s.scan().Fingerprint
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print = print
}

func (s *Source) loaded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.print
}

// scan looks at the files without reading them.
func (s *Source) scan() filewatch.State {
	var state filewatch.State
	watch := func(dir string) {
		if absolute, err := filepath.Abs(dir); err == nil {
			state.Dirs = append(state.Dirs, absolute)
			state.Parents = append(state.Parents, filepath.Dir(absolute))
		}
	}
	for _, path := range s.config.Paths {
		if dir := filepath.Dir(path); !strings.ContainsAny(dir, `*?[\`) {
			watch(dir)
		}
	}
	seen := filewatch.NewFingerprint()
	files, _ := match(s.config.Paths)
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		seen.Add(file, info)
		watch(filepath.Dir(file))
		if real, err := filepath.EvalSymlinks(file); err == nil && real != file {
			watch(filepath.Dir(real))
		}
	}
	slices.Sort(state.Dirs)
	state.Dirs = slices.Compact(state.Dirs)
	slices.Sort(state.Parents)
	state.Parents = slices.Compact(state.Parents)
	state.Fingerprint = seen.Sum()
	return state
}
