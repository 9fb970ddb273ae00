// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// mostShards is how many locks the memory has at most.
	mostShards = 16
	// largestPerShard is how many of the largest entries a shard has room for at least.
	largestPerShard = 4
	// protectedPart is how much of a shard is for entries that were asked for again, in eighths: who asks for something else each time
	// throws out what was asked for once, and nothing that others come back for.
	protectedPart = 6
)

// memory keeps entries, never more bytes of them than it may. It is a segmented LRU in shards, safe for concurrent use.
type memory struct {
	shards []shard
	purges atomic.Int64
}

// shard is a part of the memory under one lock.
type shard struct {
	mu      sync.Mutex
	nodes   map[Key]*node
	flights map[Key]*flight // answers that somebody fetches
	once    list            // entries that were stored and not asked for since
	again   list            // those that were
	most    int             // bytes
	evicted int64
}

// node is an entry in one of the lists of its shard.
type node struct {
	entry      *entry
	size       int
	again      bool
	prev, next *node
}

// list is a ring of nodes, the one used last first.
type list struct {
	root  node
	bytes int
}

func (l *list) init() { l.root.prev, l.root.next = &l.root, &l.root }

func (l *list) push(n *node) {
	n.prev, n.next = &l.root, l.root.next
	n.prev.next, n.next.prev = n, n
	l.bytes += n.size
}

func (l *list) remove(n *node) {
	n.prev.next, n.next.prev = n.next, n.prev
	n.prev, n.next = nil, nil
	l.bytes -= n.size
}

// last is the node that was used longest ago; nil where there is none.
func (l *list) last() *node {
	if l.root.prev == &l.root {
		return nil
	}
	return l.root.prev
}

// newMemory returns a memory of some bytes, for entries of at most largest.
func newMemory(total, largest int) *memory {
	n := 1
	for n < mostShards && total/(2*n) >= largestPerShard*largest {
		n *= 2
	}
	m := &memory{shards: make([]shard, n)}
	for i := range m.shards {
		s := &m.shards[i]
		s.nodes, s.flights, s.most = map[Key]*node{}, map[Key]*flight{}, total/n
		s.once.init()
		s.again.init()
	}
	return m
}

func (m *memory) shard(k Key) *shard { return &m.shards[int(k[0])%len(m.shards)] }

// find returns the entry of a key that is still of use; nil for none.
func (m *memory) find(k Key, now time.Time) *entry {
	s := m.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(k, now)
}

func (s *shard) findLocked(k Key, now time.Time) *entry {
	n := s.nodes[k]
	if n == nil {
		return nil
	}
	if now.Sub(n.entry.born) >= n.entry.kept() {
		s.dropLocked(n)
		return nil
	}
	if n.again {
		s.again.remove(n)
	} else {
		s.once.remove(n)
		n.again = true
	}
	s.again.push(n)
	for s.again.bytes > s.most/8*protectedPart && s.again.last() != n { // what is asked for least often of those is on trial again
		old := s.again.last()
		s.again.remove(old)
		old.again = false
		s.once.push(old)
	}
	return n.entry
}

// put stores an entry in place of what has its key, and throws out others as long as there are too many bytes. It does not store what was
// asked for before the last purge, and is false then: the backend may have made it before whatever the purge was for. since is the number
// of purges when it was asked for.
func (m *memory) put(e *entry, since int64) bool {
	s := m.shard(e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.purges.Load() != since { // a purge that counts from now on has yet to come by this shard
		return false
	}
	s.putLocked(e)
	return true
}

func (s *shard) putLocked(e *entry) {
	n := &node{entry: e, size: e.size()}
	if n.size > s.most {
		return
	}
	if old := s.nodes[e.key]; old != nil {
		n.again = old.again
		s.dropLocked(old)
	}
	for s.once.bytes+s.again.bytes+n.size > s.most {
		victim := s.once.last()
		if victim == nil {
			victim = s.again.last()
		}
		s.dropLocked(victim)
		s.evicted++
	}
	s.nodes[e.key] = n
	if n.again {
		s.again.push(n)
	} else {
		s.once.push(n)
	}
}

func (s *shard) dropLocked(n *node) {
	if n.again {
		s.again.remove(n)
	} else {
		s.once.remove(n)
	}
	delete(s.nodes, n.entry.key)
}

// purge drops the entries that match, and returns how many.
func (m *memory) purge(match func(*entry) bool) int {
	m.purges.Add(1) // before the shards: see put
	dropped := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for _, n := range s.nodes {
			if match(n.entry) {
				if !n.entry.pass {
					dropped++
				}
				s.dropLocked(n)
			}
		}
		s.mu.Unlock()
	}
	return dropped
}

// usage is how much is stored.
func (m *memory) usage() (entries, bytes int, evicted int64) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		entries += len(s.nodes)
		bytes += s.once.bytes + s.again.bytes
		evicted += s.evicted
		s.mu.Unlock()
	}
	return entries, bytes, evicted
}
