// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// file is a .proto file that was read.
type file struct {
	absolute string
	display  string
	text     string
	head     head
	info     fs.FileInfo
	// unsure: the file was so new when it was read that it may change again without a new time. It is read again.
	unsure bool
}

// settled is how old a file must be for its time to tell whether it changed. File systems count in steps of up to two
// seconds.
const settled = 2 * time.Second

// maxFolders bounds a walk that was begun at the root of a disk by mistake.
const maxFolders = 100_000

// tree is what a walk over the folders found: the places of files, without their content.
type tree struct {
	files []found
	dirs  []string // all folders, links resolved too
}

type found struct {
	absolute string
	display  string
	info     fs.FileInfo
}

// walk looks at all folders. It collects what cannot be read instead of stopping there.
func walk(ctx context.Context, dirs []mapping, maxFiles int) (tree, []schema.Diagnostic) {
	w := &walker{ctx: ctx, visited: make(map[string]bool), seen: make(map[string]bool), left: maxFiles}
	for _, dir := range dirs {
		w.dirs = append(w.dirs, dir.disk)
		switch info, err := os.Stat(dir.disk); {
		case err != nil:
			w.problem(dir.display, err)
		case !info.IsDir():
			w.problem(dir.display, errors.New("it is not a folder"))
		default:
			w.folder(dir, dir.disk)
		}
		// Folders that links point at come after those that really are there, so that a file which can be reached
		// both ways has the name of its real place.
		for len(w.links) > 0 {
			link := w.links[0]
			w.links = w.links[1:]
			w.folder(dir, link)
		}
	}
	switch {
	case w.left < 0:
		w.problems = append(w.problems, tooMany("files", maxFiles, dirs))
	case len(w.visited) > maxFolders:
		w.problems = append(w.problems, tooMany("folders", maxFolders, dirs))
	}
	return w.tree, w.problems
}

func tooMany(what string, limit int, dirs []mapping) schema.Diagnostic {
	return schema.Diagnostic{
		Code:    schema.CodeTooBig,
		Message: fmt.Sprintf("there are more than %d %s, which is the limit", limit, what),
		Spans:   []schema.Span{{Position: schema.Position{File: dirs[0].display}, Primary: true}},
	}
}

type walker struct {
	tree
	ctx      context.Context //nolint:containedctx // a walk is one call
	visited  map[string]bool // folders, links resolved
	seen     map[string]bool // files
	links    []string        // folders that are links, still to be looked at
	left     int             // how many files may still be found
	problems []schema.Diagnostic
}

func (w *walker) problem(display string, err error) {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err // the path is shown anyway
	}
	w.problems = append(w.problems, schema.Diagnostic{
		Code:    schema.CodeUnreadable,
		Message: fmt.Sprintf("cannot read %s: %v", display, err),
		Spans:   []schema.Span{{Position: schema.Position{File: display}, Primary: true}},
	})
}

// folder looks at one folder and those in it.
func (w *walker) folder(root mapping, absolute string) {
	real, err := filepath.EvalSymlinks(absolute)
	if err != nil || w.visited[real] || len(w.visited) > maxFolders {
		return // it is gone, or known, or one too many
	}
	w.visited[real] = true
	w.dirs = append(w.dirs, absolute)
	entries, err := os.ReadDir(absolute)
	if err != nil {
		w.problem(root.displayOf(absolute), err)
		return
	}
	for _, entry := range entries {
		if w.ctx.Err() != nil || w.left < 0 {
			return
		}
		if !strings.HasPrefix(entry.Name(), ".") {
			w.entry(root, filepath.Join(absolute, entry.Name()), entry)
		}
	}
}

func (w *walker) entry(root mapping, absolute string, entry fs.DirEntry) {
	link := entry.Type()&fs.ModeSymlink != 0
	isProto := strings.HasSuffix(absolute, ".proto")
	if !link && !entry.IsDir() && !isProto {
		return
	}
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A link to nowhere, such as the lock files of editors, or a file that has just gone.
	case err != nil:
		w.problem(root.displayOf(absolute), err)
	case info.IsDir() && link:
		w.links = append(w.links, absolute)
	case info.IsDir():
		w.folder(root, absolute)
	case isProto && info.Mode().IsRegular() && !w.seen[absolute]:
		w.seen[absolute] = true
		w.left--
		w.files = append(w.files, found{absolute: absolute, display: root.displayOf(absolute), info: info})
		if real, err := filepath.EvalSymlinks(absolute); link && err == nil {
			w.dirs = append(w.dirs, filepath.Dir(real))
		}
	}
}

// read returns a file, from the cache when it did not change.
func (s *Source) read(at found, now time.Time) (*file, error) {
	if cached := s.cache[at.absolute]; cached != nil && !cached.unsure && same(cached.info, at.info) {
		cached.display = at.display
		return cached, nil
	}
	content, err := os.ReadFile(at.absolute)
	if err != nil {
		return nil, err
	}
	unsure := now.Sub(at.info.ModTime()) < settled
	if cached := s.cache[at.absolute]; cached != nil && cached.text == string(content) {
		cached.info, cached.unsure, cached.display = at.info, unsure, at.display
		return cached, nil
	}
	read := &file{
		absolute: at.absolute, display: at.display, text: string(content), info: at.info, unsure: unsure,
	}
	read.head = readHead(read.text)
	s.cache[at.absolute] = read
	return read, nil
}

func same(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}
