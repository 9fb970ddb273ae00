// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxRate is how many calls a second the highest rate has: a bucket counts in nanoseconds, and is no longer exact beyond.
const MaxRate = 1_000_000

// Rate is how often something may be, such as 100/s.
type Rate struct {
	// Count is how often in Per.
	Count uint32
	// Per is a second, a minute, an hour or a day.
	Per time.Duration
}

// units are what a rate can be per.
var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// ParseRate reads a rate: a number, a slash, and s, m, h or d.
func ParseRate(s string) (Rate, error) {
	count, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(count, 10, 32)
	per, ok := units[unit]
	if err != nil || !ok || count[0] == '+' {
		return Rate{}, fmt.Errorf("is %.32q; it must be a number and a unit, s, m, h or d, such as 100/s", s)
	}
	r := Rate{Count: uint32(n), Per: per}
	return r, r.Check()
}

// Check tells what is wrong with a rate.
func (r Rate) Check() error {
	switch most := uint64(MaxRate) * uint64(r.Per/time.Second); {
	case r.Count == 0:
		return fmt.Errorf("is %s, which nothing could ever keep; it must be 1 or more", r)
	case uint64(r.Count) > most:
		return fmt.Errorf("is %s; the most is %d/s", r, MaxRate)
	}
	return nil
}

// String returns the rate as it is written.
func (r Rate) String() string {
	for unit, per := range units {
		if per == r.Per {
			return strconv.FormatUint(uint64(r.Count), 10) + "/" + unit
		}
	}
	return fmt.Sprintf("%d/%s", r.Count, r.Per)
}

// interval is the time between two that keep the rate.
func (r Rate) interval() int64 { return int64(r.Per) / int64(r.Count) }
