// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
)

// Condition is what an endpoint does.
type Condition uint8

// The conditions.
const (
	// Idle is an endpoint that no connection was tried to yet.
	Idle Condition = iota
	// Connecting is an endpoint without a connection, and none has failed since it last had one.
	Connecting
	// Ready is an endpoint that takes calls.
	Ready
	// Failing is an endpoint that every attempt to connect to has failed, since it last had a
	// connection; further attempts follow.
	Failing
	// Draining is an endpoint that is given no new calls: it was drained, or the resolver no longer
	// names it and calls are still under way.
	Draining
	// Unhealthy is an endpoint that has a connection, but whose health checks fail.
	Unhealthy
	// Ejected is an endpoint that the policy has taken out of use by what its calls said; it gets trials.
	Ejected
)

// String returns the condition as operators read it.
func (c Condition) String() string {
	switch c {
	case Idle:
		return "idle"
	case Connecting:
		return "connecting"
	case Ready:
		return "ready"
	case Failing:
		return "transient failure"
	case Draining:
		return "draining"
	case Unhealthy:
		return "unhealthy"
	case Ejected:
		return "ejected"
	default:
		return fmt.Sprintf("condition %d", uint8(c))
	}
}

// State is what is known of one endpoint at one moment.
type State struct {
	// Endpoint is the instance.
	Endpoint endpoint.Endpoint
	// Address is the one that the connection is to; empty while there is none.
	Address string
	// Connections is how many there are: more than one only when a server takes few streams at a time, or when the
	// channel is to have more.
	Connections int
	// Condition is what the endpoint does.
	Condition Condition
	// Reason says why, in a few words, such as "connection refused"; empty when all is well. A Ready
	// endpoint may have one too, such as "slow start: 25% of its weight".
	Reason string
	// Err is the error of the last failed attempt to connect; nil when none has failed since the last
	// connection.
	Err error
	// Since is when the condition began.
	Since time.Time
	// Tries is how many attempts to connect have failed since the last connection.
	Tries int
	// NextTry is when the next attempt begins, or the next trial of an ejected endpoint; zero while one is under way
	// or none is needed.
	NextTry time.Time
	// InFlight is the number of calls, streams among them, that have not ended.
	InFlight int64
	// Succeeded is the number of calls that ended well, as far as the endpoint is concerned.
	Succeeded uint64
	// Failed is the number of calls that ended with UNAVAILABLE or DEADLINE_EXCEEDED.
	Failed uint64
	// Latency is the mean latency of the calls of the last ten seconds or so; 0 before the first.
	Latency time.Duration
	// Success is the share of the calls of the last ten seconds or so that succeeded; 1 before the first.
	Success float64
	// Weight is the weight in force: the endpoint's own, or what [Channel.SetWeight] or the policy has put in its place.
	Weight float64
}

// SourceState is how the source of a channel's endpoints fares; zero before its first answer.
type SourceState struct {
	resolver.Report

	// Name names the source, such as "dns:///books.example:50051".
	Name string
	// Good is when it last answered well; zero while it never has.
	Good time.Time
	// Since is since when it answers, or fails.
	Since time.Time
}

// String returns the state in a line: `10.0.1.11:50051  connection refused, 3 tries, next in 4s`.
func (s State) String() string {
	parts := []string{s.Condition.String()}
	switch {
	case s.Reason == "":
	case s.Condition == Ready || s.Condition == Unhealthy || s.Condition == Ejected:
		parts[0] += ": " + s.Reason
	default:
		parts[0] = s.Reason
	}
	switch {
	case s.Tries == 1:
		parts = append(parts, "1 try")
	case s.Tries > 1:
		parts = append(parts, fmt.Sprintf("%d tries", s.Tries))
	}
	if !s.NextTry.IsZero() {
		left := max(time.Until(s.NextTry), 0)
		parts = append(parts, "next in "+left.Round(100*time.Millisecond).String())
	}
	switch s.Condition {
	case Idle, Connecting, Failing:
	case Ready, Draining, Unhealthy, Ejected:
		parts = append(parts, fmt.Sprintf("%d in flight", s.InFlight))
	}
	return s.Endpoint.String() + "  " + strings.Join(parts, ", ")
}

// states returns the state of every member, ordered by address.
func (h *host) states() []State {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.forgetLocked()
	out := make([]State, 0, len(h.order)+len(h.leaving))
	for _, m := range h.order {
		out = append(out, m.stateLocked())
	}
	for m := range h.leaving {
		out = append(out, m.stateLocked())
	}
	slices.SortStableFunc(out, func(a, b State) int { return cmp.Compare(a.Endpoint.Key(), b.Endpoint.Key()) })
	return out
}

func (m *member) stateLocked() State {
	s := State{
		Endpoint:  m.endpoint,
		Condition: m.condition,
		Err:       m.err,
		Since:     m.since,
		Tries:     m.tries,
		NextTry:   m.next,
		InFlight:  m.stats.InFlight(),
		Succeeded: m.stats.Succeeded(),
		Failed:    m.stats.Failed(),
		Latency:   m.stats.Latency(),
		Success:   m.stats.Success(),
		Weight:    m.weightLocked(),
	}
	if m.links != nil {
		s.Address, s.Connections = m.links.all[0].address, len(m.links.all)
	}
	switch {
	case m.left:
		s.Reason = "no longer listed"
	case m.override.drained:
		s.Condition, s.Reason = Draining, "drained"
	case m.condition == Failing:
		s.Reason = reason(m.err)
	case m.condition == Connecting && m.links != nil:
		s.Reason = "waiting for the first health check"
	case m.condition == Connecting && !m.next.IsZero():
		s.Reason = "connection lost"
	case m.condition == Ready, m.condition == Unhealthy:
		if m.verdict != nil {
			s.Reason = m.verdict.Reason
		}
		m.explainLocked(&s)
	}
	return s
}

// explainLocked adds what the policy says of an endpoint that has a connection.
func (m *member) explainLocked(s *State) {
	e, ok := m.host.picker.(picker.Explainer)
	if !ok {
		return
	}
	v := e.Explain(m.candidate)
	if v.Reason != "" {
		s.Reason = strings.TrimPrefix(v.Reason, "health check: ")
	}
	if v.Weight > 0 {
		s.Weight = v.Weight
	}
	if v.Out {
		s.Condition = Ejected
		s.Reason = strings.TrimPrefix(v.Reason, Ejected.String()+": ")
	}
	if v.Since > 0 {
		s.Since = epoch.Add(v.Since)
	}
	if v.Until > since() {
		s.NextTry = epoch.Add(v.Until)
	}
}
