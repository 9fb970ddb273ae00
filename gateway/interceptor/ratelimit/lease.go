// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// leaseTime is how long tokens can be used that were taken from a store in advance. It bounds how much later than the store has counted
// them calls can be admitted, and so by how much a gateway can be over the limit in any window: by its lease.
const leaseTime = time.Second

// leaseRounds is how often a call waits for tokens that others fetch, before it asks the store for itself alone.
const leaseRounds = 4

// lease is tokens that were taken from a store in advance, and what is known of there being none. It is guarded by the lock of its
// shard.
type lease struct {
	tokens   int64
	until    int64         // when the tokens can no longer be used
	denied   int64         // until when the store has too few
	least    int64         // how many it has too few for
	fetching chan struct{} // closed when more are there, or none; nil while nobody fetches
	wanted   int64         // by calls that wait, which the next fetch is for as well
}

// has takes tokens if they are there.
func (e *lease) has(tokens, now int64) bool {
	if now >= e.until {
		e.tokens = 0
	}
	if e.tokens < tokens {
		return false
	}
	e.tokens -= tokens
	return true
}

// isDenied tells whether it is known that the store has too few.
func (e *lease) isDenied(tokens, now int64) bool { return now < e.denied && tokens >= e.least }

// leased tells whether a call can be decided by what was fetched before.
func (l *Limiter) leased(b *bound, c *transcoder.Call) bool {
	var buf keyBuffer
	key := b.rule.Key.append(append(buf[:0], b.rule.id...), c, b.fields, nil)
	now := l.table.now()
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entries[string(key)]
	return e != nil && e.lease != nil && (now < e.lease.until && e.lease.tokens >= b.cost || e.lease.isDenied(b.cost, now))
}

// takeShared counts in the store, or else locally. Whatever the store admits is counted locally as well, so that the gateway's own share
// is not there anew when the store goes away.
func (l *Limiter) takeShared(ctx context.Context, c *transcoder.Call, b *bound, key, message []byte) verdict {
	r := b.rule
	if !l.begin(r, key) {
		return verdict{kind: busy}
	}
	v, ok := verdict{}, false
	if l.store.Up() {
		q := &Query{
			Rule: r.Name, Key: append([]byte(nil), key[len(r.id):]...), Interval: time.Duration(r.bucket.interval), Capacity: time.Duration(r.bucket.capacity),
			Least: b.cost, Most: b.cost, call: c, bound: b, first: message,
		}
		if r.Lease > 0 {
			v, ok = l.takeLeased(ctx, r, key, q)
		} else {
			v, ok = l.ask(ctx, r, key, q)
		}
	}
	if !ok {
		v = l.alone(r, key, b.cost)
	}
	if v.refused() {
		l.end(r, key)
	}
	return v
}

// begin counts a call as under way, unless there are too many.
func (l *Limiter) begin(r *rule, key []byte) bool {
	if r.MaxInFlight == 0 {
		return true
	}
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entry(key, l.table.most, l.table.now())
	if e.inFlight >= int32(r.MaxInFlight) {
		return false
	}
	e.inFlight++
	return true
}

func (l *Limiter) end(r *rule, key []byte) {
	if r.MaxInFlight == 0 {
		return
	}
	s := l.table.lock(key)
	defer s.mu.Unlock()
	if e := s.entries[string(key)]; e != nil && e.inFlight > 0 {
		e.inFlight--
	}
}

// ask asks the store for one call; it is false where the store cannot tell.
func (l *Limiter) ask(ctx context.Context, r *rule, key []byte, q *Query) (verdict, bool) {
	out, err := l.store.Take(ctx, q)
	if err != nil {
		return verdict{}, false
	}
	if out.Granted == 0 {
		return verdict{kind: limited, left: out.Left, full: out.Full, wait: out.Wait}, true
	}
	now := l.table.now()
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entry(key, l.table.most, now)
	e.full = r.share.force(e.full, now, q.Least)
	return verdict{left: out.Left, full: out.Full}, true
}

// takeLeased takes of what was fetched in advance, or fetches, or waits for who does.
func (l *Limiter) takeLeased(ctx context.Context, r *rule, key []byte, q *Query) (verdict, bool) {
	for range leaseRounds {
		v, wait, decided := l.fromLease(r, key, q.Least)
		switch {
		case decided:
			return v, true
		case wait == nil:
			return l.fetch(ctx, r, key, q)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return verdict{}, false
		}
	}
	return l.ask(ctx, r, key, q)
}

// fromLease decides by what was fetched. Where it cannot, somebody fetches, and wait is closed when that is over; or the caller
// has to, and wait is nil.
func (l *Limiter) fromLease(r *rule, key []byte, cost int64) (v verdict, wait <-chan struct{}, decided bool) {
	now := l.table.now()
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entry(key, l.table.most, now)
	if e.lease == nil {
		e.lease = &lease{}
	}
	switch {
	case e.lease.has(cost, now):
		e.full = r.share.force(e.full, now, cost)
		return verdict{left: e.lease.tokens, full: leaseTime}, nil, true
	case e.lease.isDenied(cost, now):
		return verdict{kind: limited, wait: time.Duration(e.lease.denied - now)}, nil, true
	case e.lease.fetching != nil:
		e.lease.wanted += cost
		return verdict{}, e.lease.fetching, false
	}
	e.lease.fetching = make(chan struct{})
	return verdict{}, nil, false
}

// fetch takes tokens from the store, for the caller and for calls to come.
func (l *Limiter) fetch(ctx context.Context, r *rule, key []byte, q *Query) (verdict, bool) {
	q.Most = max(int64(r.Lease), l.wanted(key)+q.Least)
	out, err := l.store.Take(ctx, q)
	now := l.table.now()
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entry(key, l.table.most, now)
	if e.lease == nil {
		e.lease = &lease{} // it was forgotten meanwhile
	}
	if e.lease.fetching != nil {
		close(e.lease.fetching)
		e.lease.fetching = nil
	}
	if err != nil {
		return verdict{}, false
	}
	if out.Granted == 0 {
		e.lease.denied, e.lease.least = now+int64(min(out.Wait, leaseTime)), q.Least
		return verdict{kind: limited, left: out.Left, full: out.Full, wait: out.Wait}, true
	}
	if now >= e.lease.until {
		e.lease.tokens = 0
	}
	e.lease.tokens += out.Granted - q.Least
	e.lease.until = now + int64(leaseTime)
	e.full = r.share.force(e.full, now, q.Least)
	return verdict{left: out.Left + e.lease.tokens, full: out.Full}, true
}

// wanted returns how many tokens the calls wanted that waited for the fetch before.
func (l *Limiter) wanted(key []byte) int64 {
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entries[string(key)]
	if e == nil || e.lease == nil {
		return 0
	}
	n := e.lease.wanted
	e.lease.wanted = 0
	return n
}

// alone decides while the store cannot tell.
func (l *Limiter) alone(r *rule, key []byte, cost int64) verdict {
	r.figures.alone.Add(1)
	switch r.OnError {
	case Allow:
		return verdict{}
	case Refuse:
		return verdict{kind: unavailable}
	case CountLocally:
	}
	now := l.table.now()
	s := l.table.lock(key)
	defer s.mu.Unlock()
	e := s.entry(key, l.table.most, now)
	v := verdict{}
	var wait int64
	if e.full, wait = r.share.take(e.full, now, cost); wait > 0 {
		v.kind, v.wait = limited, time.Duration(wait)
	}
	v.left, v.full = r.share.left(e.full, now), time.Duration(e.full-now)
	return v
}
