// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package pickertest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// Host hosts a policy as a balancer does, without endpoints to call, on a clock that the test holds. It is
// for one goroutine.
type Host struct {
	// View is what the policy is shown; change it and call Show. Now, Random and Rebuild are the host's.
	View picker.View

	tb     testing.TB
	policy picker.Policy
	picker picker.Picker
	now    time.Duration
	due    time.Duration // when the policy wants its next picker; 0: it does not
}

// NewHost returns a host of policy with n ready endpoints. Its clock begins at an hour.
func NewHost(tb testing.TB, policy picker.Policy, n int) *Host {
	tb.Helper()
	h := &Host{tb: tb, policy: policy, View: NewView(tb, n), now: time.Hour}
	for _, c := range h.View.Ready {
		c.Since = h.now
	}
	h.Show()
	return h
}

// Now returns the time.
func (h *Host) Now() time.Duration { return h.now }

// Show has the policy make a picker for View.
func (h *Host) Show() {
	h.View.Now, h.View.Random = h.now, rand.Uint64()
	h.View.Rebuild = func(after time.Duration) {
		if at := h.now + max(after, 1); h.due == 0 || at < h.due {
			h.due = at
		}
	}
	h.picker = h.policy.Next(h.picker, h.View)
}

// Pass lets time pass, and has pickers made when the policy wants them.
func (h *Host) Pass(d time.Duration) {
	end := h.now + d
	for h.due != 0 && h.due <= end {
		h.now, h.due = h.due, 0
		h.Show()
	}
	h.now = end
}

// Placed is a call that has not ended.
type Placed struct {
	*picker.Candidate

	h     *Host
	p     picker.Picker
	call  *picker.Call
	began time.Duration
}

// Place places a call; call may be nil.
func (h *Host) Place(call *picker.Call) *Placed {
	h.tb.Helper()
	c, err := h.picker.Pick(picker.Info{Method: method, Context: h.tb.Context(), Call: call, Now: h.now, Random: rand.Uint64()})
	if err != nil {
		h.tb.Fatal(err)
	}
	c.Stats.Begin()
	return &Placed{Candidate: c, h: h, p: h.picker, call: call, began: h.now}
}

// End ends the call now.
func (p *Placed) End(r picker.Result) { p.Outcome(picker.Outcome{Result: r}) }

// Outcome ends the call now, with more to say than how.
func (p *Placed) Outcome(o picker.Outcome) {
	o.Method, o.Call, o.Now, o.Latency, o.First = method, p.call, p.h.now, p.h.now-p.began, -1
	if p.call != nil && p.call.Streaming {
		o.First = p.call.FirstAfter(p.began)
	}
	p.Stats.End(o.Result, o.Latency, int64(o.Now))
	if f, ok := p.p.(picker.Finisher); ok {
		f.Finish(p.Candidate, o)
	}
}

// Index returns which endpoint of View.All c is.
func (h *Host) Index(c *picker.Candidate) int {
	h.tb.Helper()
	for i, a := range h.View.All {
		if a.Stats == c.Stats {
			return i
		}
	}
	h.tb.Fatalf("%v is not in the view", c.Endpoint)
	return -1
}

// Share places n calls, which end after took as result says of the endpoint's index, and returns how many each
// endpoint had.
func (h *Host) Share(n int, took time.Duration, result func(i int) picker.Result) []int {
	h.tb.Helper()
	got := make([]int, len(h.View.All))
	for range n {
		p := h.Place(nil)
		h.Pass(took)
		i := h.Index(p.Candidate)
		got[i]++
		p.End(result(i))
	}
	return got
}

// Well is a result for Share: every call succeeds.
func Well(int) picker.Result { return picker.Success }

// Explain returns what the picker says of an endpoint; nothing when it is no picker.Explainer.
func (h *Host) Explain(i int) picker.Verdict {
	if e, ok := h.picker.(picker.Explainer); ok {
		return e.Explain(h.View.All[i])
	}
	return picker.Verdict{}
}
