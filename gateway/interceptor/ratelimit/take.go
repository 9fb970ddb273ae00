// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// verdict is what a rule says of a call.
type verdict struct {
	kind verdictKind
	left int64         // tokens that the key has left
	full time.Duration // until all are there
	wait time.Duration // until there are enough; 0 where it is not known
}

type verdictKind uint8

const (
	admitted verdictKind = iota
	limited
	busy
	unavailable
)

func (v verdict) refused() bool { return v.kind != admitted }

// asks tells whether a store has to be asked of a call, which may take a while.
func (l *Limiter) asks(b *bound, c *transcoder.Call) bool {
	if !b.rule.Shared || !l.store.Up() {
		return false
	}
	return b.rule.Lease == 0 || !l.leased(b, c)
}

// take counts a call or a message.
func (l *Limiter) take(ctx context.Context, c *transcoder.Call, b *bound, message []byte) verdict {
	v := l.decide(ctx, c, b, message)
	if v.refused() {
		b.rule.figures.refuse(b, c, message)
	} else {
		b.rule.figures.admitted.Add(1)
	}
	return v
}

func (l *Limiter) decide(ctx context.Context, c *transcoder.Call, b *bound, message []byte) verdict {
	r := b.rule
	var buf keyBuffer
	key := r.Key.append(append(buf[:0], r.id...), c, b.fields, message)
	if r.Shared {
		return l.takeShared(ctx, c, b, key, message)
	}
	now := l.table.now()
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entry(key, l.table.most, now)
	return e.take(r, &r.bucket, b.cost, now)
}

// take counts in an entry, whose shard is locked.
func (e *entry) take(r *rule, b *bucket, cost, now int64) verdict {
	if r.MaxInFlight > 0 && e.inFlight >= int32(r.MaxInFlight) {
		return verdict{kind: busy}
	}
	v := verdict{}
	if b.interval > 0 {
		var wait int64
		if e.full, wait = b.take(e.full, now, cost); wait > 0 {
			v.kind, v.wait = limited, time.Duration(wait)
		}
		v.left, v.full = b.left(e.full, now), time.Duration(e.full-now)
	}
	if v.kind == admitted && r.MaxInFlight > 0 {
		e.inFlight++
	}
	return v
}

// release gives back what a call has: its place among those under way, and tokens.
func (l *Limiter) release(c *transcoder.Call, b *bound, tokens int64) {
	r := b.rule
	var buf keyBuffer
	key := r.Key.append(append(buf[:0], r.id...), c, b.fields, nil)
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entries[string(key)]
	if e == nil {
		return // it was forgotten, and has no call under way
	}
	if r.MaxInFlight > 0 && e.inFlight > 0 {
		e.inFlight--
	}
	if !r.Shared {
		e.full -= tokens * r.bucket.interval
	}
}
