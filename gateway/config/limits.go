// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/ratelimit/rls"
	"github.com/dragoman-gateway/dragoman/gateway/redis"
)

// RateLimits say how often and how many at a time calls may be.
type RateLimits struct {
	// Rules are in the order of the file; their names are unique.
	Rules []LimitRule
	// MaxKeys is how many keys are remembered; 0 means ratelimit.DefaultMaxKeys.
	MaxKeys int
	// MaxWebSockets is how many WebSockets one caller may have open; 0 means websockets.DefaultMost.
	MaxWebSockets int
	// Announce tells clients in every answer what is left.
	Announce bool
	// Redis is where shared limits are kept; nil for nowhere.
	Redis *redis.Config
	// RLS is a service that keeps them; nil for none.
	RLS *rls.Config
	// Gateways is how many share them; 0 means ratelimit.DefaultGateways.
	Gateways uint32
}

// HasStore tells whether limits can be shared.
func (l *RateLimits) HasStore() bool { return l.Redis != nil || l.RLS != nil }

// LimitRule is one limit.
type LimitRule struct {
	// Name is what answers and logs call it.
	Name string
	// Match names the methods.
	Match MethodGlob
	// Key says what has a limit of its own, as of ratelimit.ParseKey; "" for all calls together.
	Key string
	// Limit is how often; the zero value is no limit.
	Limit ratelimit.Rate
	// Burst is how many at once; 0 means the number in Limit.
	Burst uint32
	// MaxInFlight is how many calls may be under way; 0 for no limit.
	MaxInFlight uint32
	// Messages counts messages instead of calls.
	Messages bool
	// Weights are how much calls of some methods count.
	Weights []LimitWeight
	// Shared keeps the limit in the store; Lease is how many are taken from there at a time, and OnError what happens while it cannot be asked.
	Shared  bool
	Lease   uint32
	OnError ratelimit.OnError
}

// LimitWeight is how much a call of some methods counts.
type LimitWeight struct {
	// Match names the methods.
	Match MethodGlob
	// Weight is how much.
	Weight uint32
}

// Rule returns the rule as its package wants it. The error is about the key.
func (r *LimitRule) Rule() (ratelimit.Rule, error) {
	key, err := ratelimit.ParseKey(r.Key)
	rule := ratelimit.Rule{
		Name: r.Name, Match: r.Match.Match, Key: key, Rate: r.Limit, Burst: r.Burst, MaxInFlight: r.MaxInFlight, Messages: r.Messages,
		Shared: r.Shared, Lease: r.Lease, OnError: r.OnError,
	}
	for _, w := range r.Weights {
		rule.Weights = append(rule.Weights, ratelimit.Weight{Match: w.Match.Match, Weight: w.Weight})
	}
	return rule, err
}
