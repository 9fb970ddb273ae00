// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import "slices"

// PurgeMethods drops the answers of methods, by their paths "/package.Service/Method", and returns how many this gateway had. Answers that are
// being fetched are not stored.
func (k *Cache) PurgeMethods(paths []string) int {
	of := make(map[string]bool, len(paths))
	for _, path := range paths {
		of[path] = true
	}
	what := make([]Purge, len(paths))
	for i, path := range paths {
		what[i] = Purge{Method: path}
	}
	return k.purged(k.memory.purge(func(e *entry) bool { return of[e.method] }), what...)
}

// PurgeKey drops one answer.
func (k *Cache) PurgeKey(key Key) int {
	return k.purged(k.memory.purge(func(e *entry) bool { return e.key == key }), Purge{Key: key})
}

// PurgeTag drops the answers that have a tag.
func (k *Cache) PurgeTag(tag string) int {
	return k.purged(k.memory.purge(func(e *entry) bool { return slices.Contains(e.tags, tag) }), Purge{Tag: tag})
}

// PurgeAll drops all answers.
func (k *Cache) PurgeAll() int {
	return k.purged(k.memory.purge(func(*entry) bool { return true }), Purge{All: true})
}

// purged counts what was dropped, and has the shared store drop the same.
func (k *Cache) purged(n int, what ...Purge) int {
	k.counters.purged.Add(int64(n))
	if k.config.Shared != nil {
		for _, p := range what {
			k.config.Shared.Purge(p)
		}
	}
	return n
}

// Listed is one stored answer, for operators. It has nothing of what the answer says.
type Listed struct {
	// Key is what PurgeKey takes.
	Key Key
	// Method is the path of the method.
	Method string
	// Tags are the answer's.
	Tags []string
	// Bytes is how much it takes.
	Bytes int
}

// List returns up to most stored answers, in no order; of says of which methods, by their paths, and is nil for all.
func (k *Cache) List(most int, of func(path string) bool) []Listed {
	var all []Listed
	for i := range k.memory.shards {
		s := &k.memory.shards[i]
		s.mu.Lock()
		for _, n := range s.nodes {
			if len(all) < most && !n.entry.pass && (of == nil || of(n.entry.method)) {
				all = append(all, Listed{Key: n.entry.key, Method: n.entry.method, Tags: slices.Clone(n.entry.tags), Bytes: n.size})
			}
		}
		s.mu.Unlock()
	}
	return all
}
