// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"math"
	"sync/atomic"
	"time"
)

// vitals is what Adaptive has learnt of one endpoint. Calls write it side by side without a lock: of
// two that end at the same instant one may be lost. It fills a cache line.
type vitals struct {
	streams atomic.Int64 // that were placed and have not ended
	quiet   atomic.Int64 // since when no unary call has ended while some were waiting, to quietStep
	pace    pair         // calls, and the sum of their latencies in parts of what their methods take; both fade
	paced   atomic.Int64 // when pace was last moved
	answers pair         // calls, and how many of them failed; both fade
	counted atomic.Int64 // when answers was last moved
	factors pair         // how much of pace is left now, and what the quality multiplies the cost with
	since   atomic.Int64 // when the endpoint began to serve
}

func newVitals(c *Candidate) *vitals {
	v := new(vitals)
	// Calls of before, of another policy: that they end is not told here, and how long they wait says nothing then.
	v.streams.Store(c.Stats.InFlight())
	v.factors.store(1, 1)
	v.since.Store(int64(c.Since))
	return v
}

// serves forgets what spoke against an endpoint that has begun to serve again.
func (v *vitals) serves(since time.Duration) {
	if v.since.Swap(int64(since)) != int64(since) {
		v.pace.store(0, 0)
		v.answers.store(0, 0)
		v.factors.store(1, 1)
	}
}

// quietStep is how exactly the beginning of a silence is known, in nanoseconds: not each call writes what all picks read.
const quietStep = int64(time.Millisecond)

// end notes the end of a call.
func (v *vitals) end(o *Outcome, now int64) {
	switch {
	case o.Call != nil && o.Call.Streaming:
		v.streams.Add(-1)
	case o.Result != Neither && now-v.quiet.Load() > quietStep:
		v.quiet.Store(now)
	}
}

// sample adds a latency, in parts of what the method takes.
func (v *vitals) sample(cfg *AdaptiveConfig, relative float64, now int64) {
	v.pace.move(fade(float64(now-v.paced.Load())/float64(cfg.Memory)), relative)
	v.paced.Store(now)
}

// faded returns how much of pace is left after the silence since its last move.
func (v *vitals) faded(cfg *AdaptiveConfig, now int64) float64 {
	return fade(float64(now-v.paced.Load()) / float64(cfg.Forgive))
}

// count adds an answer and returns the calls and how many of them failed.
func (v *vitals) count(cfg *AdaptiveConfig, r Result, now int64) (calls, failures float64) {
	failed := 0.0
	if r == Failure {
		failed = 1
	}
	v.answers.move(fade(float64(now-v.counted.Load())/float64(cfg.QualityMemory)), failed)
	v.counted.Store(now)
	return v.answers.load()
}

// quality returns what is left of the answers now.
func (v *vitals) quality(cfg *AdaptiveConfig, now int64) (calls, failures float64) {
	keep := fade(float64(now-v.counted.Load()) / float64(cfg.QualityMemory))
	calls, failures = v.answers.load()
	return calls * keep, failures * keep
}

// pair is two numbers that are written and read together, of less precision than they could have apart.
type pair struct {
	bits atomic.Uint64
}

func (p *pair) load() (a, b float64) {
	x := p.bits.Load()
	return float64(math.Float32frombits(uint32(x >> 32))), float64(math.Float32frombits(uint32(x)))
}

func pairOf(a, b float64) uint64 {
	return uint64(math.Float32bits(float32(a)))<<32 | uint64(math.Float32bits(float32(b)))
}

func (p *pair) store(a, b float64) { p.bits.Store(pairOf(a, b)) }

// move fades both and adds one more, of value v.
func (p *pair) move(keep, v float64) {
	x := p.bits.Load()
	a, b := p.load()
	p.bits.CompareAndSwap(x, pairOf(a*keep+1, b*keep+v))
}

// number is a float64 that is read and written as a whole.
type number struct {
	bits atomic.Uint64
}

func (n *number) load() float64   { return math.Float64frombits(n.bits.Load()) }
func (n *number) store(v float64) { n.bits.Store(math.Float64bits(v)) }

// fleet is what holds for all endpoints together.
type fleet struct {
	slowness number // mean over the calls, in parts of what their methods take: about 1
	latency  number // mean over the calls, in nanoseconds; 0 before the first
	success  number // share of the calls of a usual endpoint
	reviewed atomic.Int64
}

func newFleet() *fleet {
	f := new(fleet)
	f.slowness.store(1)
	f.success.store(1)
	return f
}

// due says whether it is time for a review, to one caller.
func (f *fleet) due(now int64) bool {
	at := f.reviewed.Load()
	return now-at >= int64(reviewEvery) && f.reviewed.CompareAndSwap(at, now)
}
