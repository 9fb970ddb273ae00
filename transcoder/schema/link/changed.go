// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package link

import (
	"maps"
	"slices"
)

// Changed returns which files of a load have to be linked again, sorted: those that are not as they were, and those
// that import one of them, directly or not. was and is list all files of the two loads; imports returns the import
// names of a file of this load, and same reports whether a file that is in both is the same in both.
func Changed[F any](was, is map[string]F, imports func(F) []string, same func(was, is F) bool) []string {
	users := make(map[string][]string)
	dirty := make(map[string]bool)
	var queue []string
	mark := func(name string) {
		if !dirty[name] {
			dirty[name] = true
			queue = append(queue, name)
		}
	}
	for name, file := range is {
		for _, imported := range imports(file) {
			users[imported] = append(users[imported], name)
		}
		if old, known := was[name]; !known || !same(old, file) {
			mark(name)
		}
	}
	for name := range was {
		if _, there := is[name]; !there {
			mark(name) // it is gone, or built in again
		}
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, user := range users[name] {
			mark(user)
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(dirty)), func(name string) bool {
		_, there := is[name]
		return !there
	})
}
