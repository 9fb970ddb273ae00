// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// resolver finds out which file each import means and which import name each file has. It is used for one load.
type resolver struct {
	source  *Source
	now     time.Time
	files   map[string]*file   // all files of the load, by absolute path
	served  map[string]bool    // those below Dirs
	byBase  map[string][]*file // served files by their last name
	implied []mapping          // import paths that imports made evident
	names   map[string]*target // what each import name means
	probes  map[string]bool    // places that were looked at outside of the served files
	bytes   int

	problems []schema.Diagnostic
	refused  map[string]bool // files that cannot be found or told apart: by import name
}

// target is what an import name means: a file of the user, or one that is built in.
type target struct {
	file     *file
	embedded bool
}

// mappings returns all import paths in the order in which they are tried.
func (r *resolver) mappings() []mapping {
	return slices.Concat(r.source.imports, r.implied, r.source.dirs)
}

// add takes a file into the load.
func (r *resolver) add(f *file) {
	r.files[f.absolute] = f
	r.bytes += len(f.text)
}

// resolve finds what all imports of all files mean, files that are only imported included.
func (r *resolver) resolve() {
	queue := make([]*file, 0, len(r.files))
	for _, f := range r.files {
		queue = append(queue, f)
	}
	slices.SortFunc(queue, func(a, b *file) int { return cmp.Compare(a.absolute, b.absolute) })
	for len(queue) > 0 {
		f := queue[0]
		queue = queue[1:]
		for _, statement := range f.head.imports {
			known := len(r.files)
			t := r.target(statement.name)
			if t == nil {
				r.missing(f, statement)
				continue
			}
			if len(r.files) > known {
				queue = append(queue, t.file)
			}
		}
		if r.bytes > r.source.config.MaxBytes || len(r.files) > r.source.config.MaxFiles {
			return // reported by whoever called
		}
	}
}

// target returns what an import name means, or nil.
func (r *resolver) target(name string) *target {
	if t, known := r.names[name]; known {
		return t
	}
	t := r.find(name)
	if t == nil && wellknown.Has(name) {
		t = &target{embedded: true}
	}
	if t == nil {
		t = r.imply(name)
	}
	r.names[name] = t
	return t
}

// find tries the import paths, as protoc does.
func (r *resolver) find(name string) *target {
	for _, m := range r.mappings() {
		absolute, ok := m.find(name)
		if !ok {
			continue
		}
		if f := r.files[absolute]; f != nil {
			return &target{file: f}
		}
		if f := r.outside(m, absolute); f != nil {
			return &target{file: f}
		}
	}
	return nil
}

// outside reads a file that is not below Dirs, if it is there.
func (r *resolver) outside(m mapping, absolute string) *file {
	r.probes[absolute] = true
	info, err := os.Stat(absolute)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if r.bytes+int(info.Size()) > r.source.config.MaxBytes {
		r.bytes += int(info.Size())
		return nil
	}
	f, err := r.source.read(found{absolute: absolute, display: m.displayOf(absolute), info: info}, r.now)
	if err != nil {
		r.unreadable(m.displayOf(absolute), err)
		return nil
	}
	r.add(f)
	return f
}

func (r *resolver) unreadable(display string, err error) {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	r.problems = append(r.problems, schema.Diagnostic{
		Code:    schema.CodeUnreadable,
		Message: fmt.Sprintf("cannot read %s: %v", display, err),
		Spans:   []schema.Span{{Position: schema.Position{File: display}, Primary: true}},
	})
}

// imply finds the one served file whose place on disk ends with the import name. The folder that makes it so is an
// import path that the user did not name: trees are often written from a root that is above the given folder, or in
// one below it.
func (r *resolver) imply(name string) *target {
	candidates := r.candidates(name)
	if len(candidates) == 0 {
		return nil
	}
	for _, other := range candidates[1:] {
		if other.text != candidates[0].text {
			return nil // it could be either
		}
	}
	f := candidates[0]
	root := strings.TrimSuffix(f.absolute, string(os.PathSeparator)+filepath.FromSlash(name))
	r.implied = append(r.implied, mapping{disk: root, display: strings.TrimSuffix(strings.TrimSuffix(f.display, name), "/")})
	// What was not found before may be found there.
	for missing, t := range r.names {
		if t == nil {
			delete(r.names, missing)
		}
	}
	return &target{file: f}
}

// candidates returns the served files whose place ends with the import name, the shortest place first.
func (r *resolver) candidates(name string) []*file {
	if !fs.ValidPath(name) {
		return nil
	}
	if r.byBase == nil {
		r.byBase = make(map[string][]*file)
		for absolute := range r.served {
			if f := r.files[absolute]; f != nil {
				base := filepath.Base(absolute)
				r.byBase[base] = append(r.byBase[base], f)
			}
		}
	}
	end := string(os.PathSeparator) + filepath.FromSlash(name)
	var found []*file
	for _, f := range r.byBase[path.Base(name)] {
		if strings.HasSuffix(f.absolute, end) {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b *file) int {
		return cmp.Or(cmp.Compare(len(a.absolute), len(b.absolute)), cmp.Compare(a.absolute, b.absolute))
	})
	return found
}

// missing says that an import cannot be found, where it was looked for, and what to do.
func (r *resolver) missing(f *file, statement importStatement) {
	r.refused[statement.name] = true
	d := schema.Diagnostic{
		Code:    schema.CodeMissingImport,
		Message: fmt.Sprintf("cannot find the import %q", statement.name),
		Spans:   []schema.Span{spanOf(f, statement, "imported here")},
	}
	candidates := r.candidates(statement.name)
	if len(candidates) > 1 {
		d.Code = schema.CodeAmbiguousImport
		d.Message = fmt.Sprintf("the import %q could mean several files", statement.name)
		for _, c := range candidates {
			d.Notes = append(d.Notes, "it could be "+c.display)
		}
		d.Help = []string{"say which folder imports begin at: --import-path FOLDER"}
		r.problems = append(r.problems, d)
		return
	}
	var looked []string
	for _, m := range slices.Concat(r.source.imports, r.source.dirs) {
		if _, ok := m.find(statement.name); ok {
			looked = append(looked, m.String())
		}
	}
	d.Notes = []string{"looked for in " + strings.Join(append(looked, "the built-in files"), ", ")}
	d.Help = []string{"say where it is: --import-path FOLDER, where FOLDER holds " + statement.name}
	if root := r.above(statement.name); root != "" {
		d.Help = []string{fmt.Sprintf("it is in %s: --import-path %s", root, root)}
	} else if virtual, root, rest := r.shortened(statement.name); root != "" {
		d.Help = []string{fmt.Sprintf("%s is in %s: if that is meant, --import-path %s=%s", rest, root, virtual, root)}
	}
	r.problems = append(r.problems, d)
}

// levels is how many folders above the given ones are looked at for a hint.
const levels = 8

// shortened looks for a missing import by the end of its name, in Dirs and above them, for a hint: a tree whose files name
// each other by more than there are folders for needs a virtual import path. At least a folder and a file have to agree.
func (r *resolver) shortened(name string) (virtual, root, rest string) {
	parts := strings.Split(name, "/")
	for n := 1; n <= len(parts)-2; n++ {
		virtual, rest = path.Join(parts[:n]...), path.Join(parts[n:]...)
		for _, dir := range r.source.dirs {
			if absolute, ok := (mapping{disk: dir.disk}).find(rest); ok && isFile(absolute) {
				return virtual, dir.display, rest
			}
		}
		if root = r.above(rest); root != "" {
			return virtual, root, rest
		}
	}
	return "", "", ""
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// above looks for a missing import in the folders above Dirs, for a hint. It is not taken from there without being
// told to: nobody asked to read those.
func (r *resolver) above(name string) string {
	for _, dir := range r.source.dirs {
		display := dir.display
		for at, n := dir.disk, 0; n < levels && filepath.Dir(at) != at; n++ {
			at = filepath.Dir(at)
			display = path.Join(display, "..")
			if path.IsAbs(dir.display) {
				display = filepath.ToSlash(at)
			}
			if absolute, ok := (mapping{disk: at}).find(name); ok && isFile(absolute) {
				return display
			}
		}
	}
	return ""
}

// spanOf returns the place of an import.
func spanOf(f *file, statement importStatement, label string) schema.Span {
	begin := strings.LastIndexByte(f.text[:statement.start], '\n') + 1
	line, _, _ := strings.Cut(f.text[begin:], "\n")
	line = strings.TrimSuffix(line, "\r")
	return schema.Span{
		Position: schema.Position{
			File:   f.display,
			Line:   1 + strings.Count(f.text[:begin], "\n"),
			Column: 1 + utf8.RuneCountInString(f.text[begin:statement.start]),
		},
		EndColumn: 1 + utf8.RuneCountInString(line[:min(statement.end-begin, len(line))]),
		Label:     label,
		Text:      line,
		Primary:   true,
	}
}
