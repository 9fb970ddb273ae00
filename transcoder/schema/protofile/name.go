// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// node is a file under its import name.
type node struct {
	name    string
	display string
	text    string
	imports []string
	// served: it lies below Dirs. The others are imports, stand-ins for a second name, and built-in files.
	served bool
	// embedded: it is built in.
	embedded bool
}

// same reports whether the descriptors of another load can stand for this file.
func (n *node) same(other *node) bool {
	return other != nil && n.text == other.text && n.display == other.display &&
		n.served == other.served && n.embedded == other.embedded
}

// nodes gives each file of the load one import name: the one that others import it by, else the one that the import
// paths make. A file that is imported by several names has one of them, and a stand-in that imports it publicly for
// each of the others, so that no declaration exists twice.
func (r *resolver) nodes() map[string]*node {
	imported := make(map[string][]string) // absolute path → import names in use
	for name, t := range r.names {
		if t != nil && t.file != nil {
			imported[t.file.absolute] = append(imported[t.file.absolute], name)
		}
	}
	twins := r.twins(imported)
	nodes := make(map[string]*node)
	owners := make(map[string]*file)
	for _, absolute := range slices.Sorted(maps.Keys(r.files)) {
		f, uses := r.files[absolute], imported[absolute]
		name := r.nameOf(f, uses)
		if twins[absolute] || len(uses) == 0 && r.isCopy(f, name) {
			continue
		}
		if owner := owners[name]; owner != nil {
			r.twice(name, owner, f)
			continue
		}
		owners[name] = f
		nodes[name] = &node{name: name, display: f.display, text: f.text, imports: names(f), served: r.served[absolute]}
		for _, alias := range uses {
			if alias != name {
				nodes[alias] = standIn(alias, name)
			}
		}
	}
	r.addEmbedded(nodes)
	return nodes
}

func names(f *file) []string {
	var all []string
	for _, statement := range f.head.imports {
		all = append(all, statement.name)
	}
	return all
}

// nameOf chooses the import name of a file.
func (r *resolver) nameOf(f *file, uses []string) string {
	var covering, shadowed string
	for _, m := range r.mappings() {
		name, ok := m.nameOf(f.absolute)
		if !ok {
			continue
		}
		if slices.Contains(uses, name) {
			return name
		}
		// What an imported name means is decided by the first import path that has it.
		if t := r.names[name]; t == nil || t.file == f {
			covering = cmp.Or(covering, name)
		}
		shadowed = cmp.Or(shadowed, name)
	}
	if len(uses) > 0 {
		return slices.MinFunc(uses, func(a, b string) int {
			return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
		})
	}
	return cmp.Or(covering, shadowed)
}

// isCopy reports whether a file that nobody imports is a copy of a built-in one at another place, such as
// third_party/googleapis/google/api/http.proto: its declarations would be there twice.
func (r *resolver) isCopy(f *file, name string) bool {
	for rest := name; ; {
		_, after, found := strings.Cut(rest, "/")
		if !found {
			return false
		}
		rest = after
		if text, ok := wellknown.Text(rest); ok {
			return readHead(text).pkg == f.head.pkg
		}
	}
}

// twins returns the files that say word for word what another says, and gives that other one the names that they are
// imported by: as two files, they would declare everything twice (T5).
func (r *resolver) twins(imported map[string][]string) map[string]bool {
	first := make(map[string]string) // text → absolute path
	order := slices.SortedFunc(maps.Keys(r.files), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(imported[b]), len(imported[a])), cmp.Compare(a, b))
	})
	twins := make(map[string]bool)
	for _, absolute := range order {
		text := r.files[absolute].text
		other, known := first[text]
		if !known {
			first[text] = absolute
			continue
		}
		twins[absolute] = true
		imported[other] = append(imported[other], imported[absolute]...)
		r.served[other] = r.served[other] || r.served[absolute]
	}
	return twins
}

// twice says that two files that differ have one import name (T5).
func (r *resolver) twice(name string, a, b *file) {
	r.problems = append(r.problems, schema.Diagnostic{
		Code:    schema.CodeConflict,
		Message: fmt.Sprintf("two different files have the import name %q", name),
		Spans: []schema.Span{
			{Position: schema.Position{File: a.display}, Label: "one", Primary: true},
			{Position: schema.Position{File: b.display}, Label: "the other"},
		},
		Help: []string{"give one of them another name, for example with --import-path NAME=FOLDER, or serve the folders as two sources"},
	})
}

// standIn makes a file that stands for another.
func standIn(alias, name string) *node {
	return &node{
		name: alias, display: "<" + alias + ">", imports: []string{name},
		text: fmt.Sprintf("syntax = \"proto3\";\nimport public %q;\n", name),
	}
}

// addEmbedded adds the built-in files that must be compiled with the user's: those that the user's import and that
// import, directly or not, a file which the user brings under a built-in name. All others are used as they are, linked.
func (r *resolver) addEmbedded(nodes map[string]*node) {
	const unknown, pristine, touched = 0, 1, 2
	state := make(map[string]int)
	var touch func(name string) bool
	touch = func(name string) bool {
		if nodes[name] != nil {
			return true
		}
		if state[name] != unknown {
			return state[name] == touched
		}
		state[name] = pristine // built-in files do not import each other in circles
		text, ok := wellknown.Text(name)
		if !ok {
			return false
		}
		imports := names(&file{head: readHead(text)})
		for _, imported := range imports {
			if touch(imported) {
				state[name] = touched
			}
		}
		if state[name] == touched {
			nodes[name] = &node{
				name: name, display: wellknown.DisplayPrefix + name, text: text, imports: imports, embedded: true,
			}
		}
		return state[name] == touched
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(nodes)), wellknown.Has) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		for _, imported := range nodes[name].imports {
			touch(imported)
		}
	}
}
