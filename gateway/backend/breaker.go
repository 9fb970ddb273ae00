// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// The defaults of a BreakerConfig.
const (
	// DefaultBreakerCalls is how many calls there must be for their failures to count.
	DefaultBreakerCalls = 20
	// DefaultBreakerOpen is how long a circuit is open at first.
	DefaultBreakerOpen = 5 * time.Second
	// DefaultBreakerProbes is how many calls in a row must succeed for it to close.
	DefaultBreakerProbes = 3
	// breakerSpan is the time in seconds whose calls count.
	breakerSpan = 10
	// maxBreakerOpen is how long a circuit is open at most, however often its probes failed.
	maxBreakerOpen = time.Minute
	// maxBreakerCalls and maxBreakerProbes bound what can be set.
	maxBreakerCalls  = 1_000_000
	maxBreakerProbes = 100
)

// BreakerConfig says when a backend gets no calls for a while, because most of them fail. UNAVAILABLE and DEADLINE_EXCEEDED are failures.
type BreakerConfig struct {
	// FailurePercent is how many of a hundred calls of ten seconds must fail for the circuit to open; at most 100. 0: it never
	// opens.
	FailurePercent int
	// MinCalls is how many calls there must be in ten seconds; 1 to 1000000. 0: DefaultBreakerCalls.
	MinCalls int
	// OpenFor is how long it is open before a call is let through as a probe; twice as long after each probe that fails, up to a
	// minute; a fifth more or less, at random. 1 ms to 1 minute. 0: DefaultBreakerOpen.
	OpenFor time.Duration
	// Probes is how many probes, one after the other, must succeed for it to close; 1 to 100. 0: DefaultBreakerProbes.
	Probes int
}

func (c BreakerConfig) check() (BreakerConfig, error) {
	setDefault(&c.MinCalls, DefaultBreakerCalls)
	setDefault(&c.OpenFor, DefaultBreakerOpen)
	setDefault(&c.Probes, DefaultBreakerProbes)
	var errs []error
	for _, v := range []struct {
		name               string
		value, least, most int
	}{
		{"failure_percent", c.FailurePercent, 0, 100}, {"min_calls", c.MinCalls, 1, maxBreakerCalls}, {"probes", c.Probes, 1, maxBreakerProbes},
	} {
		if v.value < v.least || v.value > v.most {
			errs = append(errs, fmt.Errorf("circuit_breaker: %s is %d; it must be %d to %d", v.name, v.value, v.least, v.most))
		}
	}
	if c.OpenFor < time.Millisecond || c.OpenFor > maxBreakerOpen {
		errs = append(errs, fmt.Errorf("circuit_breaker: open_for is %v; it must be %v to %v", c.OpenFor, time.Millisecond, maxBreakerOpen))
	}
	return c, errors.Join(errs...)
}

// Circuit is what a breaker does with calls.
type Circuit uint8

// The circuits.
const (
	// CircuitClosed lets calls through.
	CircuitClosed Circuit = iota
	// CircuitOpen refuses them.
	CircuitOpen
	// CircuitHalfOpen lets one through at a time, as a probe.
	CircuitHalfOpen
)

// String returns the circuit as operators read it.
func (c Circuit) String() string {
	switch c {
	case CircuitClosed:
		return "closed"
	case CircuitOpen:
		return "open"
	case CircuitHalfOpen:
		return "half open"
	default:
		return fmt.Sprintf("circuit %d", uint8(c))
	}
}

// MarshalText writes the circuit as String does.
func (c Circuit) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (c *Circuit) UnmarshalText(text []byte) error {
	for _, known := range []Circuit{CircuitClosed, CircuitOpen, CircuitHalfOpen} {
		if known.String() == string(text) {
			*c = known
			return nil
		}
	}
	return fmt.Errorf("backend: circuit %q is none of closed, open and half open", text)
}

// BreakerState is how a breaker stands.
type BreakerState struct {
	// Circuit is what it does.
	Circuit Circuit `json:"circuit"`
	// Reason says why it is not closed, such as "12 of 20 calls failed".
	Reason string `json:"reason,omitempty"`
	// Since is when it began to do so; the beginning of the backend for one that has always been closed.
	Since time.Time `json:"since,omitzero"`
	// Until is when the next probe may come, of an open one.
	Until time.Time `json:"until,omitzero"`
}

// breaker is a circuit breaker. It is safe for concurrent use.
type breaker struct {
	cfg BreakerConfig

	began time.Time

	mu        sync.Mutex
	state     BreakerState
	slots     [breakerSpan]breakerSlot // by second
	opened    int                      // how often in a row, without having closed
	probing   bool                     // a probe is under way
	succeeded int                      // probes in a row
}

// breakerSlot counts the calls that ended in one second.
type breakerSlot struct {
	second        int64
	calls, failed int
}

// newBreaker returns nil, which lets everything through, for a configuration that never opens.
func newBreaker(cfg BreakerConfig) *breaker {
	if cfg.FailurePercent == 0 {
		return nil
	}
	now := time.Now()
	return &breaker{cfg: cfg, began: now, state: BreakerState{Since: now}}
}

// allow lets a call through, and says whether it is a probe; ended is to be called then. The error is for the client.
func (b *breaker) allow() (probe bool, err error) {
	if b == nil {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Circuit == CircuitClosed {
		return false, nil
	}
	now := time.Now()
	if b.state.Circuit == CircuitOpen && !now.Before(b.state.Until) {
		b.becomeLocked(CircuitHalfOpen, b.state.Reason, now)
		b.succeeded = 0
	}
	if b.state.Circuit == CircuitHalfOpen && !b.probing {
		b.probing = true
		return true, nil
	}
	return false, &status.Error{
		Code: codes.Unavailable, Reason: status.ReasonCircuitOpen, Message: "too many calls to the backend failed; it is given a pause",
		Details: retryInfo(max(b.state.Until.Sub(now), comeBackAfter)),
	}
}

// ended is told how a call ended that was let through.
func (b *breaker) ended(probe bool, r picker.Result) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if probe {
		b.probing = false
		b.probedLocked(r, now)
		return
	}
	if r == picker.Neither || b.state.Circuit != CircuitClosed {
		return // of before it opened
	}
	second := int64(now.Sub(b.began) / time.Second)
	s := &b.slots[second%breakerSpan]
	if s.second != second {
		*s = breakerSlot{second: second}
	}
	s.calls++
	if r != picker.Failure {
		return
	}
	s.failed++
	calls, failed := 0, 0
	for _, s := range b.slots {
		if second-s.second < breakerSpan {
			calls += s.calls
			failed += s.failed
		}
	}
	if calls >= b.cfg.MinCalls && failed*100 >= calls*b.cfg.FailurePercent {
		b.openLocked(fmt.Sprintf("%d of %d calls failed", failed, calls), now)
	}
}

func (b *breaker) probedLocked(r picker.Result, now time.Time) {
	switch r {
	case picker.Failure:
		b.openLocked("a probe failed", now)
	case picker.Success:
		if b.succeeded++; b.succeeded >= b.cfg.Probes {
			b.opened, b.slots = 0, [breakerSpan]breakerSlot{}
			b.becomeLocked(CircuitClosed, "", now)
		}
	case picker.Neither:
	}
}

func (b *breaker) openLocked(reason string, now time.Time) {
	pause := b.cfg.OpenFor
	for range b.opened {
		pause = min(pause*2, maxBreakerOpen)
	}
	b.opened++
	b.becomeLocked(CircuitOpen, reason, now)
	b.state.Until = now.Add(pause*4/5 + rand.N(pause*2/5+1)) //nolint:gosec // chance, not a secret
}

func (b *breaker) becomeLocked(c Circuit, reason string, now time.Time) {
	b.state = BreakerState{Circuit: c, Reason: reason, Since: now}
}

// current returns how the breaker stands.
func (b *breaker) current() BreakerState {
	if b == nil {
		return BreakerState{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}
