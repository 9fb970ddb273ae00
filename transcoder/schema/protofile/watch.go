// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/filewatch"
)

// Watch implements [schema.Watcher]. It tells of files that are saved, appear or go, in the served folders and among
// their imports, about a tenth of a second after the last of several changes.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	return filewatch.Watch(ctx, filewatch.Config{
		Scan:   func() filewatch.State { return s.scan(ctx) },
		Loaded: s.loaded,
		Poll:   s.config.Poll,
	}, changed)
}

// scan looks at what the last load looked at, without reading files.
func (s *Source) scan(ctx context.Context) filewatch.State {
	tree, _ := walk(ctx, s.dirs, s.config.MaxFiles)
	s.mu.Lock()
	probes := s.probes
	s.mu.Unlock()
	state := filewatch.State{Dirs: tree.dirs, Fingerprint: fingerprint(tree, probes)}
	for _, dir := range s.dirs {
		state.Parents = append(state.Parents, filepath.Dir(dir.disk))
	}
	for _, probe := range probes {
		state.Dirs = append(state.Dirs, filepath.Dir(probe))
	}
	slices.Sort(state.Dirs)
	state.Dirs = slices.Compact(state.Dirs)
	return state
}

// note remembers what a load looked at, before it is known whether it succeeds: a load of the same files would have the
// same end.
func (s *Source) note(tree tree, probes map[string]bool) {
	sorted := slices.Sorted(maps.Keys(probes))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes = sorted
	s.print = fingerprint(tree, sorted)
}

func (s *Source) loaded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.print
}

// fingerprint differs when a file differs in name, size or time, or is another one. Files found by links count with their target.
func fingerprint(tree tree, probes []string) string {
	seen := filewatch.NewFingerprint()
	for _, at := range tree.files {
		seen.Add(at.absolute, at.info)
	}
	for _, probe := range probes {
		if info, err := os.Stat(probe); err == nil {
			seen.Add(probe, info)
		}
	}
	return seen.Sum()
}
