// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Bounds of a Feed. A record takes about a kilobyte with its texts, so that all subscribers together hold no more than 32 MiB.
const (
	// MaxSubscribers is how many may follow the calls at a time.
	MaxSubscribers = 32
	// MaxBacklog is how many records a subscriber may have that it has not taken yet.
	MaxBacklog = 1024
	// DefaultRecent is how many of the last calls are kept for those who come later.
	DefaultRecent = 500
	// MaxRecent is the most that can be kept.
	MaxRecent = 10_000
)

// Feed is the calls as they end, for those who look on. A subscriber that is slow loses records, and is told how many: it holds up nobody.
// It is safe for concurrent use.
type Feed struct {
	subscribers atomic.Pointer[[]*Subscription] // replaced, never changed

	mu     sync.Mutex // of what follows, and of replacing subscribers
	recent []Record   // a ring; guarded by mu
	next   int        // where the next is put; guarded by mu
	full   bool       // the ring has gone round; guarded by mu
}

var _ Sink = (*Feed)(nil)

// NewFeed returns a Feed that keeps so many of the last calls, at most MaxRecent; 0 keeps none.
func NewFeed(recent int) (*Feed, error) {
	if recent < 0 || recent > MaxRecent {
		return nil, fmt.Errorf("telemetry: %d calls are to be kept; it must be 0 to %d", recent, MaxRecent)
	}
	f := &Feed{recent: make([]Record, recent)}
	f.subscribers.Store(&[]*Subscription{})
	return f, nil
}

// Record gives a call to those whose filter it passes.
func (f *Feed) Record(r *Record) {
	if len(f.recent) > 0 {
		f.keep(r)
	}
	for _, s := range *f.subscribers.Load() {
		if s.filter.Matches(r) {
			s.offer(r)
		}
	}
}

func (f *Feed) keep(r *Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recent[f.next] = *r
	if f.next++; f.next == len(f.recent) {
		f.next, f.full = 0, true
	}
}

// Recent returns the last calls that pass the filter, the latest first, at most most of them.
func (f *Feed) Recent(filter Filter, most int) []Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []Record
	kept := f.next
	if f.full {
		kept = len(f.recent)
	}
	for i := 1; i <= kept && len(found) < most; i++ {
		r := &f.recent[(f.next-i+len(f.recent))%len(f.recent)]
		if filter.Matches(r) {
			found = append(found, *r)
		}
	}
	return found
}

// Find returns the call of a request id, if it is among those that are kept; of several the latest.
func (f *Feed) Find(requestID string) (Record, bool) {
	found := f.Recent(Filter{RequestID: requestID}, 1)
	if requestID == "" || len(found) == 0 {
		return Record{}, false
	}
	return found[0], true
}

// Subscribe gives the calls from now on that pass the filter. backlog is how many may wait to be taken, 1 to MaxBacklog. The error says that
// there are too many subscribers, or that backlog is out of its bounds.
func (f *Feed) Subscribe(filter Filter, backlog int) (*Subscription, error) {
	if backlog < 1 || backlog > MaxBacklog {
		return nil, fmt.Errorf("telemetry: a backlog of %d calls; it must be 1 to %d", backlog, MaxBacklog)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := *f.subscribers.Load()
	if len(now) >= MaxSubscribers {
		return nil, fmt.Errorf("telemetry: %d subscribers follow the calls already, which is the most", len(now))
	}
	s := &Subscription{feed: f, filter: filter, records: make(chan Record, backlog)}
	with := append(slices.Clone(now), s)
	f.subscribers.Store(&with)
	return s, nil
}

// Subscribers returns how many follow the calls.
func (f *Feed) Subscribers() int { return len(*f.subscribers.Load()) }

func (f *Feed) drop(s *Subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	without := slices.DeleteFunc(slices.Clone(*f.subscribers.Load()), func(other *Subscription) bool { return other == s })
	f.subscribers.Store(&without)
}

// Subscription is the calls that one subscriber is given. One goroutine uses it.
type Subscription struct {
	feed    *Feed
	filter  Filter
	records chan Record
	lost    atomic.Uint64
}

func (s *Subscription) offer(r *Record) {
	select {
	case s.records <- *r:
	default:
		s.lost.Add(1)
	}
}

// Next waits for a call. lost is how many there were since the last Next that the subscriber was too slow for. The error is that of ctx.
func (s *Subscription) Next(ctx context.Context) (r Record, lost uint64, err error) {
	select {
	case r = <-s.records:
		return r, s.lost.Swap(0), nil
	case <-ctx.Done():
		return Record{}, s.lost.Swap(0), ctx.Err()
	}
}

// Records is where the calls come, for those who wait for other things too. It is never closed.
func (s *Subscription) Records() <-chan Record { return s.records }

// Lost returns how many calls the subscriber was too slow for since it was last asked.
func (s *Subscription) Lost() uint64 { return s.lost.Swap(0) }

// Close ends the subscription.
func (s *Subscription) Close() { s.feed.drop(s) }
