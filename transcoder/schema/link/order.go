// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/wellknown"
)

// maxPublicPaths bounds in how many ways a file may reach others by public imports. protodesc walks every way: without
// a bound, forty files that import the next two publicly would keep it busy for ever.
// All files together have the second bound.
const (
	maxPublicPaths = 100_000
	maxPublicSteps = 50_000_000
)

// order returns the names of the protos, imports before what imports them, or what makes that impossible.
func (l *linker) order() ([]string, []schema.Diagnostic) {
	var problems []schema.Diagnostic
	kept := make(map[string]bool, len(l.Keep))
	for _, name := range l.Keep {
		kept[name] = true
	}
	names := slices.Sorted(maps.Keys(l.Protos))
	waits := make(map[string]int, len(names))
	users := make(map[string][]string, len(names))
	for _, name := range names {
		proto := l.Protos[name]
		for i, imported := range proto.GetDependency() {
			switch {
			case l.Protos[imported] != nil:
				waits[name]++
				users[imported] = append(users[imported], name)
			case !kept[imported] && !wellknown.Has(imported):
				problems = append(problems, l.missing(proto, i))
			}
		}
		// An import for options alone need not be there: https://protobuf.dev/editions/features/
		for _, imported := range proto.GetOptionDependency() {
			if l.Protos[imported] != nil {
				waits[name]++
				users[imported] = append(users[imported], name)
			}
		}
	}
	ready := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return waits[name] > 0 })
	for i := 0; i < len(ready); i++ {
		for _, user := range users[ready[i]] {
			if waits[user]--; waits[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
	if len(ready) < len(names) {
		problems = append(problems, l.cycle(names, waits))
	}
	if len(problems) == 0 {
		problems = l.publicPaths(ready)
	}
	return ready, problems
}

// missing names the importing and the missing file (T2).
func (l *linker) missing(proto *descriptorpb.FileDescriptorProto, index int) schema.Diagnostic {
	const dependency = 3 // FileDescriptorProto.dependency
	d := schema.Diagnostic{
		Code:    schema.CodeMissingImport,
		Message: fmt.Sprintf("%s imports %s, which is not there", l.Display(proto.GetName()), proto.GetDependency()[index]),
		Spans:   []schema.Span{l.span(proto, "imported here", dependency, int32(index))},
	}
	if l.Remedy != "" {
		d.Help = []string{l.Remedy}
	}
	return d
}

// cycle names one circle of imports among the files that wait for each other.
func (l *linker) cycle(names []string, waits map[string]int) schema.Diagnostic {
	at := slices.IndexFunc(names, func(name string) bool { return waits[name] > 0 })
	var path []string
	seen := make(map[string]int)
	for name := names[at]; ; {
		if first, again := seen[name]; again {
			path = append(path[first:], name)
			break
		}
		seen[name] = len(path)
		path = append(path, name)
		next := func(imported string) bool { return waits[imported] > 0 }
		imports := slices.Concat(l.Protos[name].GetDependency(), l.Protos[name].GetOptionDependency())
		name = imports[slices.IndexFunc(imports, next)]
	}
	d := schema.Diagnostic{Code: schema.CodeCycle, Message: fmt.Sprintf("files import each other in a circle of %d", len(path)-1)}
	for i := range len(path) - 1 {
		d.Spans = append(d.Spans, schema.Span{
			Position: l.position(path[i]), Label: "imports " + path[i+1], Primary: i == 0,
		})
	}
	if len(d.Spans) > shownCycle {
		d.Notes = []string{fmt.Sprintf("%d more files are in the circle", len(d.Spans)-shownCycle)}
		d.Spans = d.Spans[:shownCycle]
	}
	return d
}

// shownCycle is how many files of a circle are named.
const shownCycle = 10

// publicPaths refuses files that reach others by public imports in too many ways.
func (l *linker) publicPaths(order []string) []schema.Diagnostic {
	ways := make(map[string]int)
	var total int
	for _, name := range order {
		imports := l.Protos[name].GetDependency()
		var steps, public int
		for _, imported := range imports {
			steps = min(steps+ways[imported], maxPublicPaths+1)
		}
		for _, index := range l.Protos[name].GetPublicDependency() {
			if index >= 0 && int(index) < len(imports) {
				public = min(public+1+ways[imports[index]], maxPublicPaths+1)
			}
		}
		total += steps
		if steps > maxPublicPaths || public > maxPublicPaths || total > maxPublicSteps {
			return []schema.Diagnostic{{
				Code:    schema.CodeTooBig,
				Message: fmt.Sprintf("%s reaches other files by public imports in more than %d ways", l.Display(name), maxPublicPaths),
				Spans:   []schema.Span{{Position: l.position(name), Primary: true}},
			}}
		}
		if public > 0 {
			ways[name] = public
		}
	}
	return nil
}
