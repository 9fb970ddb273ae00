// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/filewatch"
)

// File is a file that a provider reads, and reads again when it changes.
type File struct {
	// Path is where it is.
	Path string
	// Most is how many bytes it may have.
	Most int64
}

// Read returns what is in the file.
func (f File) Read() ([]byte, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, f.Most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > f.Most {
		return nil, fmt.Errorf("%s has more than %d bytes", f.Path, f.Most)
	}
	return data, nil
}

// Watch calls changed after each change of the file, until ctx ends; at first if the file was changed since it had the State loaded.
func (f File) Watch(ctx context.Context, loaded string, changed func()) {
	first := loaded
	_ = filewatch.Watch(ctx, filewatch.Config{ // its error is that of ctx: what cannot be watched it looks at every so often
		Scan: func() filewatch.State { return filewatch.State{Dirs: f.dirs(), Fingerprint: f.State()} },
		Loaded: func() string {
			was := first
			first = ""
			return was
		},
	}, changed)
}

// State tells one state of the file from others, without reading it. It is never empty.
func (f File) State() string {
	seen := filewatch.NewFingerprint()
	if info, err := os.Stat(f.Path); err == nil {
		seen.Add(f.Path, info)
	} else {
		seen.Miss(f.Path)
	}
	return seen.Sum()
}

// dirs are the folders in which the file can change: its own, and where it really is.
func (f File) dirs() []string {
	var dirs []string
	if absolute, err := filepath.Abs(f.Path); err == nil {
		dirs = append(dirs, filepath.Dir(absolute))
	}
	if really, err := filepath.EvalSymlinks(f.Path); err == nil && really != f.Path {
		if absolute, err := filepath.Abs(really); err == nil {
			dirs = append(dirs, filepath.Dir(absolute))
		}
	}
	return dirs
}
