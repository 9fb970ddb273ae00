// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import "slices"

// PurgeMethod drops the answers of a method, by its path "/package.Service/Method", and returns how many this gateway had. Answers that are
// being fetched are not stored.
func (k *Cache) PurgeMethod(path string) int {
	return k.purged(k.memory.purge(func(e *entry) bool { return e.method == path }), Purge{Method: path})
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

func (k *Cache) purged(n int, what Purge) int {
	k.counters.purged.Add(int64(n))
	if k.config.Shared != nil {
		k.config.Shared.Purge(what)
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

// List returns up to most stored answers, in no order.
func (k *Cache) List(most int) []Listed {
	var all []Listed
	for i := range k.memory.shards {
		s := &k.memory.shards[i]
		s.mu.Lock()
		for _, n := range s.nodes {
			if len(all) < most && !n.entry.pass {
				all = append(all, Listed{Key: n.entry.key, Method: n.entry.method, Tags: slices.Clone(n.entry.tags), Bytes: n.size})
			}
		}
		s.mu.Unlock()
	}
	return all
}
