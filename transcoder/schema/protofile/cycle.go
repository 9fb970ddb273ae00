// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// cycles finds files that import each other in a circle. The compiler finds them too, but begins a circle at whatever
// file it came to first; here it is always the first by name. It returns the paths of all files in circles.
func (r *resolver) cycles(nodes map[string]*node) map[string]bool {
	inCircle := make(map[string]bool)
	rest := entangled(nodes)
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		if inCircle[rest[name].display] {
			continue
		}
		circle := shortestCircle(rest, name)
		if len(circle) == 0 || slices.ContainsFunc(circle, func(n *node) bool { return inCircle[n.display] }) {
			continue
		}
		for _, n := range circle {
			inCircle[n.display] = true
		}
		r.problems = append(r.problems, r.circle(circle))
	}
	return inCircle
}

// entangled returns the nodes that are left when those are taken away, again and again, that import none of the rest,
// or that none of the rest imports.
func entangled(nodes map[string]*node) map[string]*node {
	imports, users := make(map[string]int), make(map[string]int)
	importers := make(map[string][]string)
	for name, n := range nodes {
		for _, imported := range n.imports {
			if nodes[imported] != nil {
				imports[name]++
				users[imported]++
				importers[imported] = append(importers[imported], name)
			}
		}
	}
	rest := maps.Clone(nodes)
	var queue []string
	for name := range nodes {
		if imports[name] == 0 || users[name] == 0 {
			queue = append(queue, name)
		}
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if rest[name] == nil {
			continue
		}
		delete(rest, name)
		for _, user := range importers[name] {
			if imports[user]--; imports[user] == 0 {
				queue = append(queue, user)
			}
		}
		for _, imported := range nodes[name].imports {
			if users[imported]--; users[imported] == 0 {
				queue = append(queue, imported)
			}
		}
	}
	return rest
}

// shortestCircle returns the files on the shortest way from a file back to itself, or nothing.
func shortestCircle(nodes map[string]*node, start string) []*node {
	from := make(map[string]string)
	queue := []string{start}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, imported := range nodes[name].imports {
			if imported == start {
				circle := []*node{nodes[name]}
				for name != start {
					name = from[name]
					circle = append(circle, nodes[name])
				}
				slices.Reverse(circle)
				return circle
			}
			if _, seen := from[imported]; !seen && nodes[imported] != nil {
				from[imported] = name
				queue = append(queue, imported)
			}
		}
	}
	return nil
}

// circle describes a circle, one import after the other.
func (r *resolver) circle(circle []*node) schema.Diagnostic {
	d := schema.Diagnostic{
		Code:    schema.CodeCycle,
		Message: fmt.Sprintf("%d files import each other in a circle", len(circle)),
		Help:    []string{"move what both need into a file that imports neither"},
	}
	if len(circle) == 1 {
		d.Message, d.Help = "the file imports itself", nil
	}
	for i, n := range circle {
		next := circle[(i+1)%len(circle)]
		t := &file{display: n.display, text: n.text, head: readHead(n.text)}
		at := slices.IndexFunc(t.head.imports, func(s importStatement) bool { return s.name == next.name })
		span := spanOf(t, t.head.imports[at], "imports "+next.display)
		span.Primary = i == 0
		d.Spans = append(d.Spans, span)
	}
	return d
}
