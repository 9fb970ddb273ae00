// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Step is a rule of a split, and whether it takes a call.
type Step struct {
	// Rule says what the rule asks for.
	Rule string
	// Backend is where it sends calls.
	Backend string
	// Takes tells that it takes the call: of those that do, the first.
	Takes bool
	// Percent is its share of the calls that no condition takes, where the rule has a weight.
	Percent float64
}

// Explain tells rule by rule what becomes of a call. Which of several shares it falls to is not told: that is chance, or its key.
func (c *Config) Explain(call *transcoder.Call) []Step {
	var (
		steps []Step
		sum   uint64
		taken bool
	)
	for i := range c.Rules {
		if w := c.Rules[i].Weight; w != nil {
			sum += uint64(*w)
		}
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Weight != nil {
			continue
		}
		s := Step{Rule: r.describe(), Backend: r.Backend}
		if condition, err := newCondition(r, slog.New(slog.DiscardHandler)); err == nil && !taken {
			s.Takes = condition.holds(call)
			taken = taken || s.Takes
		}
		steps = append(steps, s)
	}
	for i := range c.Rules {
		if r := &c.Rules[i]; r.Weight != nil {
			const all = 100
			steps = append(steps, Step{Rule: fmt.Sprintf("weight %d", *r.Weight), Backend: r.Backend, Takes: !taken && *r.Weight > 0, Percent: all * float64(*r.Weight) / float64(max(sum, 1))})
		}
	}
	if sum == 0 && c.Backend != "" {
		steps = append(steps, Step{Rule: "all others", Backend: c.Backend, Takes: !taken})
	}
	return steps
}

// describe is what a rule asks for, in one line.
func (r *Rule) describe() string {
	var parts []string
	if len(r.Hosts) > 0 {
		parts = append(parts, "hosts ["+strings.Join(r.Hosts, ", ")+"]")
	}
	for _, name := range sortedNames(r.Headers) {
		parts = append(parts, fmt.Sprintf("header %s: %s", name, r.Headers[name]))
	}
	if r.When != "" {
		parts = append(parts, "when "+r.When)
	}
	return strings.Join(parts, ", ")
}
