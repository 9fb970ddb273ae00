// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// What goes wrong, as in the simulation.
const (
	slowSpeed       = 0.5
	antagonistSpeed = 0.4
	antagonistStays = 5 * time.Second
	sickSpeed       = 0.01
	// warmup is what is not counted at the beginning of a run.
	warmup = 2 * time.Second
	// fallsIll is when the sick and the failing server begin to be so.
	fallsIll = warmup - time.Second
	// settle is how long servers are left alone between two runs.
	settle = 300 * time.Millisecond
)

// scenario is what happens to the servers during a run.
type scenario struct {
	name, title string
	// during does it, until ctx is done.
	during func(ctx context.Context, f *fleet) error
	// capacity is how many servers' worth of work n servers can do, those left out that nobody should call.
	capacity func(n int) float64
}

func quarter(n int) int { return max(n/4, 1) }

var scenarios = []scenario{
	{
		"homogeneous", "all alike",
		func(context.Context, *fleet) error { return nil },
		func(n int) float64 { return float64(n) },
	},
	{
		"slow", "one in four at half speed",
		func(_ context.Context, f *fleet) error {
			var errs []error
			for i := range quarter(len(f.servers)) {
				errs = append(errs, f.set(i, slowSpeed, false))
			}
			return errors.Join(errs...)
		},
		func(n int) float64 { return float64(n) - float64(quarter(n))*(1-slowSpeed) },
	},
	{
		"antagonist", "a moving antagonist", moveAntagonist,
		func(n int) float64 { return float64(n) - float64(quarter(n))*(1-antagonistSpeed) },
	},
	{
		"sick", "one sick",
		func(ctx context.Context, f *fleet) error {
			sleep(ctx, fallsIll)
			return f.set(0, sickSpeed, false)
		},
		func(n int) float64 { return float64(n - 1) },
	},
	{
		"failing", "one failing fast",
		func(ctx context.Context, f *fleet) error {
			sleep(ctx, fallsIll)
			return f.set(0, 1, true)
		},
		func(n int) float64 { return float64(n - 1) },
	},
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

func scenarioOf(name string) (scenario, error) {
	for _, s := range scenarios {
		if s.name == name {
			return s, nil
		}
	}
	return scenario{}, fmt.Errorf("scenario is %q; it must be one of %q", name, scenarioNames())
}

// moveAntagonist slows one server in four down, others each time.
func moveAntagonist(ctx context.Context, f *fleet) error {
	for {
		for k, i := range rand.Perm(len(f.servers)) {
			speed := 1.0
			if k < quarter(len(f.servers)) {
				speed = antagonistSpeed
			}
			if err := f.set(i, speed, false); err != nil {
				return err
			}
		}
		if !sleep(ctx, antagonistStays) {
			return nil
		}
	}
}

// sleep waits; false when ctx is done first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
