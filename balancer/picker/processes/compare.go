// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// disturbed is how late one call in a hundred may begin; in a run where they are later the machine did
// something else.
const disturbed = 5 * time.Millisecond

// setup is what is compared and how.
type setup struct {
	servers, clients, workers, repeat, attempts int
	mean, length                                time.Duration
	load                                        float64
	policies, scenarios                         []string
}

// result is one run.
type result struct {
	p50, p99, p999 time.Duration
	errors         float64 // share of the calls
	late           time.Duration
}

// report is all of them.
type report struct {
	setup setup
	runs  map[[2]string][]result // by scenario and policy
}

// compare runs every policy in every scenario, in another order each time.
func compare(ctx context.Context, s setup) (_ *report, err error) {
	f, err := startFleet(ctx, &s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	r := &report{setup: s, runs: map[[2]string][]result{}}
	for n := range s.repeat {
		for _, name := range s.scenarios {
			sc, err := scenarioOf(name)
			if err != nil {
				return nil, err
			}
			for _, i := range rand.Perm(len(s.policies)) {
				policy := s.policies[i]
				one, err := f.run(ctx, sc, policy)
				if err != nil {
					return nil, err
				}
				k := [2]string{name, policy}
				r.runs[k] = append(r.runs[k], one)
				fmt.Fprintf(os.Stderr, "%d %-12s %-28s %s late %s\n", n, name, policy, one, ms(one.late))
			}
		}
	}
	return r, nil
}

// run runs one policy in one scenario until the machine left it alone.
func (f *fleet) run(ctx context.Context, sc scenario, policy string) (result, error) {
	var r result
	for range f.setup.attempts {
		samples, err := f.once(ctx, sc, policy)
		if err != nil {
			return result{}, err
		}
		if r = summary(samples); r.late <= disturbed {
			break
		}
	}
	return r, nil
}

func (f *fleet) once(ctx context.Context, sc scenario, policy string) ([]sample, error) {
	for i := range f.servers {
		if err := f.set(i, 1, false); err != nil {
			return nil, err
		}
	}
	sleep(ctx, settle)
	during, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- sc.during(during, f) }()
	rate := f.setup.load * sc.capacity(len(f.servers)) * float64(f.setup.workers) / f.setup.mean.Seconds()
	samples, err := f.call(ctx, policy, rate)
	stop()
	return samples, errors.Join(err, <-done)
}

// summary returns what is said of a run's calls: latencies are those of calls that succeeded or were given up.
func summary(samples []sample) result {
	var took, late []time.Duration
	calls, failed := 0, 0
	for _, s := range samples {
		if s.Due < warmup {
			continue
		}
		calls++
		late = append(late, s.Late)
		if s.Failed {
			failed++
		}
		if !s.Failed || s.Took >= timeout/2 {
			took = append(took, s.Took)
		}
	}
	if calls == 0 {
		return result{}
	}
	return result{
		p50: quantile(took, 0.5), p99: quantile(took, 0.99), p999: quantile(took, 0.999),
		errors: float64(failed) / float64(calls), late: quantile(late, 0.99),
	}
}

func quantile[T cmp.Ordered](values []T, q float64) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
