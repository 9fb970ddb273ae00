// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"time"
)

// The defaults of a HedgeConfig.
const (
	// DefaultHedgeAttempts is how many calls are made for one that is hedged.
	DefaultHedgeAttempts = 2
	// DefaultHedgePercent is how many calls more there are for a hundred of a method.
	DefaultHedgePercent = 5
	// maxHedgePercent bounds what can be set.
	maxHedgePercent = 50
)

// HedgeConfig says that a call which is not answered soon is made once more, on another endpoint, and that the first answer counts. It is
// for unary calls of methods without side effects; others it leaves as they are.
type HedgeConfig struct {
	// After is how long to wait for an answer before the next call is made; at most 1 minute. 0: the time in which 95 of a hundred
	// calls of the method were answered of late.
	After time.Duration
	// Attempts is how many calls are made at most, the first included; 1 to MaxAttempts. 0: DefaultHedgeAttempts. 1: no hedging.
	Attempts int
	// Percent is how many calls more there may be for a hundred of a method; 1 to 50. 0: DefaultHedgePercent.
	Percent int
}

func (c HedgeConfig) check() (HedgeConfig, error) {
	setDefault(&c.Attempts, DefaultHedgeAttempts)
	setDefault(&c.Percent, DefaultHedgePercent)
	var errs []error
	if c.After < 0 || c.After > maxPause {
		errs = append(errs, fmt.Errorf("hedge: after is %v; it must be 0s to %v", c.After, maxPause))
	}
	if c.Attempts < 1 || c.Attempts > MaxAttempts {
		errs = append(errs, fmt.Errorf("hedge: attempts is %d; it must be 1 to %d", c.Attempts, MaxAttempts))
	}
	if c.Percent < 1 || c.Percent > maxHedgePercent {
		errs = append(errs, fmt.Errorf("hedge: percent is %d; it must be 1 to %d", c.Percent, maxHedgePercent))
	}
	return c, errors.Join(errs...)
}
