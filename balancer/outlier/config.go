// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package outlier

import (
	"errors"
	"fmt"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// The defaults of a Config.
const (
	// DefaultConsecutive is how many failures in a row eject an endpoint.
	DefaultConsecutive = 5
	// DefaultFailingFor is for how long an endpoint must have had no success, while others had some, to be ejected after
	// a single failure: one that the policy within avoids from then on would never have more, nor be tried again soon.
	DefaultFailingFor = time.Second
	// DefaultInterval is how long calls are counted before endpoints are compared.
	DefaultInterval = 10 * time.Second
	// DefaultFailureShare is the share of failures in an interval that ejects an endpoint.
	DefaultFailureShare = 0.5
	// DefaultMinCalls is how many calls an endpoint needs in an interval to be compared.
	DefaultMinCalls = 20
	// DefaultMinEndpoints is how many such endpoints are needed to compare them with one another.
	DefaultMinEndpoints = 5
	// DefaultBaseTime is for how long an endpoint is out the first time.
	DefaultBaseTime = time.Second
	// DefaultMaxTime is the longest time: an endpoint that answers again is found within it, and until
	// then one call in this time is lost on it. It is to be back within five seconds.
	DefaultMaxTime = 4 * time.Second
	// DefaultMaxOut is the share of the endpoints that may be out of use, ejected or otherwise.
	DefaultMaxOut = 0.5
)

// Off switches a criterion of a Config off.
const Off = -1

// trialPatience is how long a trial may take before another call is placed on the endpoint beside it.
const trialPatience = 10 * time.Second

// Config are the settings of a [Policy]. Policy is required.
type Config struct {
	// Policy places the calls on the endpoints that are left.
	Policy picker.Policy

	// Consecutive is how many failures in a row eject an endpoint. 0: DefaultConsecutive. Off: none do.
	Consecutive int
	// FailingFor ejects an endpoint whose last call failed when it has had no success for so long after that, and
	// another endpoint has; at least 10 ms. 0: DefaultFailingFor. Off: it does not.
	FailingFor time.Duration
	// FailureShare is the share of failures in an interval, of at least MinCalls calls, that ejects an
	// endpoint; above 0, at most 1. 0: DefaultFailureShare. Off: none does.
	FailureShare float64
	// SuccessDeviations ejects an endpoint whose success rate in an interval is so many standard deviations
	// below the mean of at least MinEndpoints endpoints with MinCalls calls each (A50 says 1.9). 0 or Off: none does.
	SuccessDeviations float64
	// LatencyFactor ejects an endpoint whose mean latency in an interval is so many times the median of
	// at least MinEndpoints endpoints with MinCalls calls each; above 1. For endpoints that all get the same
	// methods. 0 or Off: none does.
	LatencyFactor float64
	// Interval is how long calls are counted before endpoints are compared; at least 10 ms. 0: DefaultInterval.
	Interval time.Duration
	// MinCalls is how many calls an endpoint needs in an interval to be compared; at least 1. 0: DefaultMinCalls.
	MinCalls int
	// MinEndpoints is how many endpoints with MinCalls are needed to compare them with one another; at least 2.
	// 0: DefaultMinEndpoints.
	MinEndpoints int

	// BaseTime is for how long an endpoint is out before it is tried; twice as long after each further failure. At
	// least 10 ms. 0: DefaultBaseTime, or MaxTime if that is less.
	BaseTime time.Duration
	// MaxTime is the longest time; at least BaseTime. 0: DefaultMaxTime, or BaseTime if that is more.
	MaxTime time.Duration
	// MaxOut is the share of the endpoints that may be out of use, whether ejected here, unhealthy or not
	// connected; above 0, below 1. Beyond it none is ejected, whatever its calls say. 0: DefaultMaxOut.
	MaxOut float64
}

// check returns cfg with its defaults, or everything that is wrong with it.
func (cfg Config) check() (Config, error) {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("outlier: "+format, args...))
	}
	if cfg.Policy == nil {
		refuse("policy is nil; it must be the policy to wrap")
	}
	setDefault(&cfg.Consecutive, DefaultConsecutive)
	setDefault(&cfg.FailingFor, DefaultFailingFor)
	setDefault(&cfg.FailureShare, DefaultFailureShare)
	setDefault(&cfg.SuccessDeviations, Off)
	setDefault(&cfg.LatencyFactor, Off)
	setDefault(&cfg.Interval, DefaultInterval)
	setDefault(&cfg.MinCalls, DefaultMinCalls)
	setDefault(&cfg.MinEndpoints, DefaultMinEndpoints)
	if cfg.BaseTime == 0 {
		cfg.BaseTime = DefaultBaseTime
		if cfg.MaxTime > 0 {
			cfg.BaseTime = min(cfg.BaseTime, cfg.MaxTime)
		}
	}
	setDefault(&cfg.MaxTime, max(DefaultMaxTime, cfg.BaseTime))
	setDefault(&cfg.MaxOut, DefaultMaxOut)

	const least = 10 * time.Millisecond
	if cfg.Consecutive < 1 && cfg.Consecutive != Off {
		refuse("consecutive is %d; it must be 1 or more, or off", cfg.Consecutive)
	}
	if cfg.FailingFor != Off && cfg.FailingFor < least {
		refuse("failing for is %v; it must be %v or more, or off", cfg.FailingFor, least)
	}
	if cfg.FailureShare != Off && !(cfg.FailureShare > 0 && cfg.FailureShare <= 1) {
		refuse("failure share is %v; it must be above 0 and at most 1, or off", cfg.FailureShare)
	}
	if cfg.SuccessDeviations != Off && !(cfg.SuccessDeviations > 0) {
		refuse("success deviations is %v; it must be above 0, or off", cfg.SuccessDeviations)
	}
	if cfg.LatencyFactor != Off && !(cfg.LatencyFactor > 1) {
		refuse("latency factor is %v; it must be above 1, or off", cfg.LatencyFactor)
	}
	if cfg.Interval < least {
		refuse("interval is %v; it must be %v or more", cfg.Interval, least)
	}
	if cfg.MinCalls < 1 {
		refuse("min calls is %d; it must be 1 or more", cfg.MinCalls)
	}
	if cfg.MinEndpoints < 2 {
		refuse("min endpoints is %d; it must be 2 or more", cfg.MinEndpoints)
	}
	if cfg.BaseTime < least {
		refuse("base time is %v; it must be %v or more", cfg.BaseTime, least)
	}
	if cfg.MaxTime < cfg.BaseTime {
		refuse("max time is %v; it must be base time, %v, or more", cfg.MaxTime, cfg.BaseTime)
	}
	if !(cfg.MaxOut > 0 && cfg.MaxOut < 1) {
		refuse("max out is %v; it must be above 0 and below 1", cfg.MaxOut)
	}
	return cfg, errors.Join(errs...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
