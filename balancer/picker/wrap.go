// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "time"

// Explainer is implemented by a Picker that has more to say of an endpoint than which calls it gets. A
// wrapper that has nothing to say hands on what the picker within says.
type Explainer interface {
	// Explain returns what the picker makes of the endpoint of c, a candidate of its view, ready
	// or not. It may be called from any goroutine at any time.
	Explain(c *Candidate) Verdict
}

// Verdict is what a picker makes of an endpoint, for operators.
type Verdict struct {
	// Out says that the endpoint is given no calls but trials.
	Out bool
	// Reason says in a few words why it is out, or that it is in although something is wrong.
	Reason string
	// Since is when that began, and Until when it is tried next, on the clock of View; 0: not known.
	Since, Until time.Duration
	// Weight is the weight that the policy goes by; 0: the candidate's.
	Weight float64
}

// Within is a picker that a wrapper has made, with what else it implements looked up once: it
// implements Finisher and Explainer whether or not the picker does. Wrappers embed it.
type Within struct {
	Picker

	finisher  Finisher  // nil: the picker is none
	explainer Explainer // nil: the picker is none
}

// NewWithin returns p as a wrapper holds it.
func NewWithin(p Picker) Within {
	w := Within{Picker: p}
	w.finisher, _ = p.(Finisher)
	w.explainer, _ = p.(Explainer)
	return w
}

// Finish implements Finisher.
func (w *Within) Finish(c *Candidate, o Outcome) {
	if w.finisher != nil {
		w.finisher.Finish(c, o)
	}
}

// Explain implements Explainer.
func (w *Within) Explain(c *Candidate) Verdict {
	if w.explainer != nil {
		return w.explainer.Explain(c)
	}
	return Verdict{}
}
