// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// The defaults of Adaptive. How they were found is in docs/balancing.
const (
	// DefaultMemory is the time constant of an endpoint's slowness: short enough to follow a neighbour that
	// comes and goes, long enough to hold some calls.
	DefaultMemory = 300 * time.Millisecond
	// DefaultForgive is the time constant with which the slowness of an endpoint fades that ends no calls.
	DefaultForgive = 3 * time.Second
	// DefaultQualityMemory is the time constant of an endpoint's quality.
	DefaultQualityMemory = 10 * time.Second
	// DefaultResolution is what is added to every latency before it is compared: what the network and the scheduler do to
	// a call is no difference between endpoints.
	DefaultResolution = time.Millisecond
	// DefaultPrior is how many average calls are put beside what an endpoint's own say.
	DefaultPrior = 2
	// DefaultSlownessPower is the power of the slowness in the cost. With one, an endpoint at half the
	// speed gets half the calls, each of which takes twice as long: with two, few calls have to suffer.
	DefaultSlownessPower = 2
	// DefaultQualityPower is the power of the quality in the cost: one failure in ten makes a call cost
	// twice as much.
	DefaultQualityPower = 8
	// DefaultAdaptiveChoices is how many random endpoints are compared when not all are.
	DefaultAdaptiveChoices = 16
)

// reviewEvery is how often what holds for all endpoints is computed anew.
const reviewEvery = 100 * time.Millisecond

// doubt is by how many standard deviations an endpoint's quality must be below the others' before it counts.
const doubt = 2

// calm is down to which part of one's cost another counts as equal while no endpoint has a call in flight: a light
// load is spread over endpoints that differ by less than the half, where the fastest
// would get every call.
const calm = 0.5

// maxPower bounds the powers in the cost.
const maxPower = 64

// AdaptiveConfig are the settings of [Adaptive]. The zero value is the policy that was measured.
type AdaptiveConfig struct {
	// Memory is the time constant of an endpoint's slowness; at least 1 ms. 0: DefaultMemory.
	Memory time.Duration
	// Forgive is the time constant with which the slowness of an endpoint fades that ends no calls; at
	// least 1 ms. 0: DefaultForgive.
	Forgive time.Duration
	// QualityMemory is the time constant of an endpoint's quality; at least 1 ms. 0:
	// DefaultQualityMemory.
	QualityMemory time.Duration
	// Resolution is what is added to every latency before it is compared; at least 1 ns. 0: DefaultResolution.
	Resolution time.Duration
	// Prior is how many average calls are put beside what an endpoint's own say, so that little evidence
	// is never a strong opinion; above 0. 0: DefaultPrior.
	Prior float64
	// SlownessPower is the power of the slowness in the cost; 1 to 64. 0: DefaultSlownessPower.
	SlownessPower int
	// QualityPower is the power of the quality in the cost; 1 to 64. 0: DefaultQualityPower.
	QualityPower int
	// FullScan is up to how many ready endpoints all are compared; 1 to 1024. 0: DefaultFullScan.
	FullScan int
	// Choices is how many random endpoints are compared when there are more; 2 to 1024. 0:
	// DefaultAdaptiveChoices.
	Choices int
	// Without leaves terms out of the cost: to see what each is good for.
	Without Term
}

// Term is a part of Adaptive's cost, or several of them.
type Term uint8

// The terms.
const (
	// Slowness is how long an endpoint's calls take compared with the same methods elsewhere.
	Slowness Term = 1 << iota
	// Age is what calls that have not ended yet say about the slowness.
	Age
	// Quality is how many of an endpoint's calls succeed compared with the others'.
	Quality
)

// Adaptive is the policy that places a call on the endpoint of the least expected cost:
//
//	slowness² × (calls in flight + 1) ÷ quality⁸ ÷ weight
//
// Slowness is the mean latency of the endpoint's calls, each divided by what its method takes on
// average over all endpoints, so that an endpoint that happens to get the slow methods does not look
// slow. Calls in flight count as observations that are not over: an endpoint that has gone quiet looks slow before
// the first of them times out. Quality is the share of calls that succeed, relative to that of all
// endpoints: what all suffer from is no reason to prefer one. Failures are no observation of
// latency, so an endpoint that fails fast does not look fast.
//
// A stream is in flight for its life, and its latency is that of its first message. Nothing is
// known of a call that its client cancelled.
//
// What speaks against an endpoint is forgotten when it reconnects, or begins to serve again for another
// reason.
type Adaptive struct {
	cfg AdaptiveConfig
}

// NewAdaptive checks cfg and returns the policy.
func NewAdaptive(cfg AdaptiveConfig) (*Adaptive, error) {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("adaptive: "+format, args...))
	}
	for _, d := range []struct {
		field string
		value *time.Duration
		def   time.Duration
	}{{"memory", &cfg.Memory, DefaultMemory}, {"forgive", &cfg.Forgive, DefaultForgive}, {"quality memory", &cfg.QualityMemory, DefaultQualityMemory}} {
		if *d.value == 0 {
			*d.value = d.def
		}
		if *d.value < time.Millisecond {
			refuse("%s is %v; it must be 1ms or more", d.field, *d.value)
		}
	}
	for _, n := range []struct {
		field string
		value *int
		def   int
	}{{"slowness power", &cfg.SlownessPower, DefaultSlownessPower}, {"quality power", &cfg.QualityPower, DefaultQualityPower}} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < 1 || *n.value > maxPower {
			refuse("%s is %d; it must be 1 to %d", n.field, *n.value, maxPower)
		}
	}
	if cfg.Resolution == 0 {
		cfg.Resolution = DefaultResolution
	}
	if cfg.Resolution < 0 {
		refuse("resolution is %v; it must be 1ns or more", cfg.Resolution)
	}
	if cfg.Prior == 0 {
		cfg.Prior = DefaultPrior
	}
	if !(cfg.Prior > 0 && cfg.Prior <= math.MaxFloat32) {
		refuse("prior is %v; it must be above 0", cfg.Prior)
	}
	if rest := cfg.Without &^ (Slowness | Age | Quality); rest != 0 {
		refuse("without has the unknown terms %#x", uint8(rest))
	}
	errs = append(errs, scanDefaults("adaptive", &cfg.FullScan, &cfg.Choices, DefaultAdaptiveChoices))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Adaptive{cfg}, nil
}

// Name implements Policy.
func (*Adaptive) Name() string { return "adaptive" }

// Next implements Policy.
func (p *Adaptive) Next(prev Picker, view View) Picker {
	n := &adaptive{
		cfg: &p.cfg, ready: view.Ready, rated: make([]rated, len(view.Ready)),
		sampler: newSampler(len(view.Ready), p.cfg.FullScan, p.cfg.Choices),
	}
	var known map[*Stats]*vitals
	if old, ok := prev.(*adaptive); ok {
		known, n.fleet, n.methods = old.of, old.fleet, old.methods
	} else {
		n.fleet, n.methods = newFleet(), newMethods()
	}
	n.of = learnt(known, view, newVitals)
	for i, c := range view.Ready {
		v := n.of[c.Stats]
		v.serves(c.Since)
		n.rated[i] = rated{stats: c.Stats, vitals: v, perWeight: 1 / c.Weight}
	}
	n.successes = make([]float64, len(view.Ready))
	return n
}

type adaptive struct {
	cfg     *AdaptiveConfig
	ready   []*Candidate
	rated   []rated // beside ready
	of      map[*Stats]*vitals
	sampler sampler
	fleet   *fleet
	methods *methods

	reviewing sync.Mutex
	successes []float64 // of the endpoints; what review computes with; guarded by reviewing
}

// rated is what a pick reads of an endpoint, close together.
type rated struct {
	stats     *Stats
	vitals    *vitals
	perWeight float64
}

// Pick implements Picker.
func (p *adaptive) Pick(info Info) (*Candidate, error) {
	prior, perNano := p.cfg.Prior, 0.0
	usual := p.fleet.slowness.load() * prior
	if mean := p.fleet.latency.load(); mean > 0 && p.cfg.Without&Age == 0 {
		perNano = 1 / (mean + float64(p.cfg.Resolution))
	}
	now, linear := int64(info.Now), p.cfg.SlownessPower
	if p.cfg.Without&Slowness != 0 {
		linear = 0
	}
	w, n := p.sampler.draw(info.Random)
	best, least := 0, math.MaxFloat64
	calmBest, calmLeast, busy := 0, math.MaxFloat64, false
	for range n {
		i := w.next()
		r := &p.rated[i]
		v := r.vitals
		calls, total := v.pace.load()
		faded, penalty := v.factors.load()
		inFlight := r.stats.InFlight()
		calls, total = calls*faded+prior, total*faded+usual
		if waiting := inFlight - v.streams.Load(); waiting > 0 {
			total += float64(waiting) * float64(now-v.quiet.Load()) * perNano
		}
		cost := float64(inFlight+1) * penalty * r.perWeight
		slowness := total / calls
		switch linear {
		case 0:
		case 2:
			cost *= slowness * slowness
		default:
			cost *= power(slowness, linear)
		}
		if info.Call != nil {
			cost += info.burden(p.ready[i])
		}
		if cost < least {
			best, least = i, cost
		}
		if cost < calmLeast*calm {
			calmBest, calmLeast = i, cost
		}
		busy = busy || inFlight > 0
	}
	if !busy {
		best = calmBest
	}
	if least >= avoided {
		best = info.index(p.ready, best)
	}
	p.rated[best].begin(info.Call, now)
	return p.ready[best], nil
}

// begin notes a call that is placed.
func (r *rated) begin(c *Call, now int64) {
	v := r.vitals
	switch {
	case c != nil && c.Streaming:
		v.streams.Add(1)
	case now-v.quiet.Load() > quietStep && r.stats.InFlight() == v.streams.Load():
		v.quiet.Store(now)
	}
}

// power returns x to the n.
func power(x float64, n int) float64 {
	y := x
	for range n - 1 {
		y *= x
	}
	return y
}

// Finish implements Finisher.
func (p *adaptive) Finish(c *Candidate, o Outcome) {
	v := p.of[c.Stats]
	if v == nil {
		return
	}
	now := int64(o.Now)
	v.end(&o, now)
	if o.Result == Neither {
		return
	}
	if latency := o.latency(); latency >= 0 {
		m := p.methods.of(o.Method)
		relative := m.relative(float64(latency), float64(p.cfg.Resolution))
		switch {
		case o.Result == Success:
			m.sample(max(float64(latency), 1), now)
			v.sample(p.cfg, relative, now)
		case relative > 1:
			// It would have taken at least that long.
			v.sample(p.cfg, relative, now)
		}
	}
	calls, failures := v.count(p.cfg, o.Result, now)
	v.factors.store(1, p.penalty(calls, failures, p.fleet.success.load()))
	if p.fleet.due(now) && p.reviewing.TryLock() {
		p.review(now)
		p.reviewing.Unlock()
	}
}

// penalty returns what the quality of an endpoint multiplies its cost with; success is the share of
// a usual endpoint's calls that succeed.
func (p *adaptive) penalty(calls, failures, success float64) float64 {
	if p.cfg.Without&Quality != 0 {
		return 1
	}
	const least = 1e-3 // what never succeeds is compared with what does not either
	success = max(success, least)
	n := calls + p.cfg.Prior
	quality := (calls - failures + p.cfg.Prior*success) / n / success
	// What chance explains is no difference: where all fail now and then, who is unlucky at first would be
	// left alone, and with it all that would prove it good.
	quality += doubt * math.Sqrt((1-success)/success/n)
	return 1 / power(min(max(quality, least), 1), p.cfg.QualityPower)
}

// review computes anew what holds for all endpoints, and what fades of each.
func (p *adaptive) review(now int64) {
	var calls, total, nanos float64
	for i := range p.rated {
		v := p.rated[i].vitals
		faded := v.faded(p.cfg, now)
		n, t := v.pace.load()
		calls += n * faded
		total += t * faded
		nanos += n * faded * float64(p.rated[i].stats.Latency())
		answers, failures := v.quality(p.cfg, now)
		p.successes[i] = (answers - failures + p.cfg.Prior) / (answers + p.cfg.Prior)
	}
	if calls > 0 {
		p.fleet.slowness.store(total / calls)
		p.fleet.latency.store(nanos / calls)
	}
	// The median: one endpoint that fails fast has many calls, and would set the standard.
	slices.Sort(p.successes)
	success := p.successes[len(p.successes)/2]
	p.fleet.success.store(success)
	for i := range p.rated {
		v := p.rated[i].vitals
		answers, failures := v.quality(p.cfg, now)
		v.factors.store(v.faded(p.cfg, now), p.penalty(answers, failures, success))
	}
}
