// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/filewatch"
)

// Watch implements [schema.Watcher]. It tells of files that are written, appear or go, about a tenth of a second after
// the last of several changes.
func (f *Files) Watch(ctx context.Context, changed func()) error {
	return filewatch.Watch(ctx, filewatch.Config{Scan: f.scan, Loaded: f.loaded, Poll: f.config.Poll}, changed)
}

// note remembers what a load looks at, before it is known whether it succeeds: a load of the same files would have the same
// end.
func (f *Files) note() {
	print := f.scan().Fingerprint
	f.mu.Lock()
	defer f.mu.Unlock()
	f.print = print
}

func (f *Files) loaded() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.print
}

// scan looks at the files without reading them.
func (f *Files) scan() filewatch.State {
	var state filewatch.State
	watch := func(dir string) {
		if absolute, err := filepath.Abs(dir); err == nil {
			state.Dirs = append(state.Dirs, absolute)
			state.Parents = append(state.Parents, filepath.Dir(absolute))
		}
	}
	seen := filewatch.NewFingerprint()
	for _, path := range f.config.Paths {
		watch(filepath.Dir(path))
		info, err := os.Stat(path)
		if err != nil {
			seen.Miss(path)
			continue
		}
		seen.Add(path, info)
		if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
			watch(filepath.Dir(real))
		}
	}
	slices.Sort(state.Dirs)
	slices.Sort(state.Parents)
	state.Dirs, state.Parents = slices.Compact(state.Dirs), slices.Compact(state.Parents)
	state.Fingerprint = seen.Sum()
	return state
}
