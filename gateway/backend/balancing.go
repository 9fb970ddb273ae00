// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// PolicyName is the name of a policy.
type PolicyName string

// The policies.
const (
	// Adaptive is the default.
	Adaptive           PolicyName = "adaptive"
	LeastRequest       PolicyName = "least_request"
	PeakEWMA           PolicyName = "peak_ewma"
	WeightedRoundRobin PolicyName = "weighted_round_robin"
	RingHash           PolicyName = "ring_hash"
	Maglev             PolicyName = "maglev"
	RoundRobin         PolicyName = "round_robin"
	Random             PolicyName = "random"
)

// Hashes says whether a policy goes by the key of a call.
func (n PolicyName) Hashes() bool { return n == RingHash || n == Maglev }

// Weighs says whether a policy looks at the weights of endpoints.
func (n PolicyName) Weighs() bool { return n != RoundRobin && n != Random }

// LoadBalancing says how an endpoint is chosen for a call. The zero value is the default: adaptive, with ejection.
type LoadBalancing struct {
	// Policy is the policy; "" means Adaptive.
	Policy PolicyName
	// What follows are the parameters of the policies, of which those of Policy count.
	Adaptive           picker.AdaptiveConfig
	LeastRequest       picker.LeastRequestConfig
	PeakEWMA           picker.PeakEWMAConfig
	WeightedRoundRobin picker.WeightedRoundRobinConfig
	RingHash           picker.RingHashConfig
	Maglev             picker.MaglevConfig
	// HashKeys are what RingHash and Maglev go by: the first that a call has.
	HashKeys []HashKey
	// Sticky keeps the calls of a session on one endpoint; nil does not.
	Sticky *Sticky
	// SlowStart ramps the weight of endpoints that begin to serve; nil does not. Its Policy is left out.
	SlowStart *picker.SlowStartConfig
	// Zone prefers one zone; nil does not. Its Policy is left out.
	Zone *picker.ZoneConfig
	// PriorityHeadroom is how many times its share of the load a priority is trusted to carry; 0 means picker.DefaultHeadroom.
	PriorityHeadroom float64
	// PanicThreshold is the share of healthy endpoints below which all are used; 0 means picker.DefaultPanicThreshold.
	PanicThreshold float64
}

// Sticky keeps the calls of a session on one endpoint.
type Sticky struct {
	// Key names the session: a header field or a cookie.
	Key HashKey
	// SetCookie gives clients without the cookie one, which they keep for MaxAge; 0 means as long as the browser runs.
	SetCookie bool
	MaxAge    time.Duration
}

// Health says how endpoints are found that should get no calls.
type Health struct {
	// Active asks the endpoints; nil asks nothing.
	Active *ActiveHealth
	// Outlier are the settings of passive ejection, without its Policy.
	Outlier outlier.Config
	// WithoutOutlier turns passive ejection off.
	WithoutOutlier bool
}

// policy makes the policy: the one that places calls, and around it, from the inside, sessions, zones, priorities, slow start and
// ejection. The panic threshold is the channel's. The error joins all problems.
func (c *Config) policy() (picker.Policy, error) {
	l := &c.LoadBalancing
	p, err := l.placing()
	errs := []error{err}
	wrap := func(with func(picker.Policy) (picker.Policy, error)) {
		next, err := with(p)
		if err != nil {
			errs = append(errs, err)
			return
		}
		p = next
	}
	if err != nil {
		p = picker.Random{} // so that the wrappers are checked, too
	}
	if l.Policy.Hashes() != (len(l.HashKeys) > 0) {
		errs = append(errs, fmt.Errorf("policy is %q with %d hash keys; ring_hash and maglev need one or more, the others have none", l.name(), len(l.HashKeys)))
	}
	if l.Sticky != nil {
		if l.Policy.Hashes() {
			errs = append(errs, fmt.Errorf("sticky is set with policy %q, which has a key of its own", l.Policy))
		}
		wrap(sticky)
	}
	if l.Zone != nil {
		wrap(func(p picker.Policy) (picker.Policy, error) {
			cfg := *l.Zone
			cfg.Policy = p
			return picker.NewZone(cfg)
		})
	}
	if c.prioritizes() {
		wrap(func(p picker.Policy) (picker.Policy, error) {
			return picker.NewPriority(picker.PriorityConfig{Policy: p, Headroom: l.PriorityHeadroom})
		})
	}
	if l.SlowStart != nil {
		wrap(func(p picker.Policy) (picker.Policy, error) {
			cfg := *l.SlowStart
			cfg.Policy = p
			return picker.NewSlowStart(cfg)
		})
	}
	if !c.Health.WithoutOutlier {
		wrap(func(p picker.Policy) (picker.Policy, error) {
			cfg := c.Health.Outlier
			cfg.Policy = p
			return outlier.New(cfg)
		})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// placing is the table of the policies that place calls.
func (l *LoadBalancing) placing() (picker.Policy, error) {
	switch l.name() {
	case Adaptive:
		return picker.NewAdaptive(l.Adaptive)
	case LeastRequest:
		return picker.NewLeastRequest(l.LeastRequest)
	case PeakEWMA:
		return picker.NewPeakEWMA(l.PeakEWMA)
	case WeightedRoundRobin:
		return picker.NewWeightedRoundRobin(l.WeightedRoundRobin)
	case RingHash:
		return picker.NewRingHash(l.RingHash)
	case Maglev:
		return picker.NewMaglev(l.Maglev)
	case RoundRobin:
		return picker.RoundRobin{}, nil
	case Random:
		return picker.Random{}, nil
	default:
		return nil, fmt.Errorf("policy is %q; there is none of that name", l.Policy)
	}
}

// name is the name of the policy in force.
func (l *LoadBalancing) name() PolicyName {
	if l.Policy == "" {
		return Adaptive
	}
	return l.Policy
}

// sticky places calls that have a key by Maglev, and the others by p. There is no bound on the load: who asks for sessions has something on
// the server that another one has not.
func sticky(p picker.Policy) (picker.Policy, error) {
	keyed, err := picker.NewMaglev(picker.MaglevConfig{Bound: picker.Unbounded})
	if err != nil {
		return nil, err
	}
	return picker.NewSticky(picker.StickyConfig{Keyed: keyed, Policy: p})
}

// prioritizes says whether endpoints may be of different priorities.
func (c *Config) prioritizes() bool {
	for _, e := range c.Endpoints {
		if e.Priority() > 0 {
			return true
		}
	}
	return c.File != "" || c.Etcd != nil || c.Consul != nil || hasScheme(c.Target, "file") || hasScheme(c.Target, "consul")
}
