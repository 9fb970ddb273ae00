// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync/atomic"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Stats count what the cache has done since it was made.
type Stats struct {
	// Hits, Stale, StaleErrors, Coalesced, Misses and Bypassed count calls by how they got their answers; their names in the log are hit,
	// stale, stale_if_error, coalesced, miss and bypass.
	Hits, Stale, StaleErrors, Coalesced, Misses, Bypassed int64
	// Stored counts answers that were stored, and NotStored those of calls that are cached and were not.
	Stored, NotStored int64
	// Refreshes counts answers that were fetched while stale ones were used, RefreshesFailed those of them that failed, and RefreshesLeft those
	// that were not fetched because too many were.
	Refreshes, RefreshesFailed, RefreshesLeft int64
	// SharedHits and SharedMisses count what the shared store was asked for; SharedErrors how often it could not tell, and SharedDropped what
	// was not put there because it was too slow.
	SharedHits, SharedMisses, SharedErrors, SharedDropped int64
	// Purged counts answers that were dropped because somebody said so, Evicted those that were for others.
	Purged, Evicted int64
	// Entries and Bytes are what is stored now, and Memory is how many bytes may be.
	Entries, Bytes, Memory int
}

// Results are the calls by the name that the log has for how they got their answers.
func (s *Stats) Results() map[transcoder.CacheResult]int64 {
	return map[transcoder.CacheResult]int64{
		transcoder.CacheHit: s.Hits, transcoder.CacheStale: s.Stale, transcoder.CacheStaleIfError: s.StaleErrors, transcoder.CacheCoalesced: s.Coalesced, transcoder.CacheMiss: s.Misses, transcoder.CacheBypass: s.Bypassed,
	}
}

type counters struct {
	hits, stale, staleErrors, coalesced, misses, bypassed atomic.Int64
	stored, notStored, purged                             atomic.Int64
	refreshes, refreshesFailed, refreshesLeft             atomic.Int64
	sharedHits, sharedMisses, sharedErrors, sharedDropped atomic.Int64
}

func (n *counters) of(result transcoder.CacheResult) *atomic.Int64 {
	switch result {
	case transcoder.CacheHit:
		return &n.hits
	case transcoder.CacheStale:
		return &n.stale
	case transcoder.CacheStaleIfError:
		return &n.staleErrors
	case transcoder.CacheCoalesced:
		return &n.coalesced
	case transcoder.CacheBypass:
		return &n.bypassed
	default:
		return &n.misses
	}
}

// Stats returns the counts.
func (k *Cache) Stats() Stats {
	n := &k.counters
	s := Stats{
		Hits: n.hits.Load(), Stale: n.stale.Load(), StaleErrors: n.staleErrors.Load(), Coalesced: n.coalesced.Load(), Misses: n.misses.Load(), Bypassed: n.bypassed.Load(),
		Stored: n.stored.Load(), NotStored: n.notStored.Load(), Purged: n.purged.Load(),
		Refreshes: n.refreshes.Load(), RefreshesFailed: n.refreshesFailed.Load(), RefreshesLeft: n.refreshesLeft.Load(),
		SharedHits: n.sharedHits.Load(), SharedMisses: n.sharedMisses.Load(), SharedErrors: n.sharedErrors.Load(), SharedDropped: n.sharedDropped.Load(),
		Memory: k.config.Memory,
	}
	s.Entries, s.Bytes, s.Evicted = k.memory.usage()
	return s
}
