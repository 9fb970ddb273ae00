// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"os"
	"path/filepath"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/filewatch"
)

// WatchFiles calls changed after each change of some files, until ctx ends: whether they are written in place, renamed into place, or are behind a
// symbolic link that is swapped. files is asked at each look, and may name others each time. changed is
// called at first, too, when no later change can be missed any more.
func WatchFiles(ctx context.Context, files func() []string, changed func()) error {
	return filewatch.Watch(ctx, filewatch.Config{
		Scan: func() filewatch.State { return scan(files()) },
		// Who calls has read the files before, and does not know which state of them that was: they are to be read once more.
		Loaded: func() string { return "unknown" },
	}, changed)
}

func scan(files []string) filewatch.State {
	var state filewatch.State
	seen := filewatch.NewFingerprint()
	for _, path := range files {
		state.Dirs = append(state.Dirs, foldersOf(path)...)
		if info, err := os.Stat(path); err == nil {
			seen.Add(path, info)
		} else {
			seen.Miss(path)
		}
	}
	state.Fingerprint = seen.Sum()
	return state
}

// foldersOf returns the folders in which a file can change: its own, and where it really is.
func foldersOf(path string) []string {
	var folders []string
	for _, find := range []func(string) (string, error){filepath.Abs, filepath.EvalSymlinks} {
		if found, err := find(path); err == nil {
			if absolute, err := filepath.Abs(found); err == nil {
				folders = append(folders, filepath.Dir(absolute))
			}
		}
	}
	return folders
}
