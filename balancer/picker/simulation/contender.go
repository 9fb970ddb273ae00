// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/dragoman-gateway/dragoman/balancer/outlier"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// contender is a policy that is compared.
type contender struct {
	name string
	// policy makes it, for a gateway of w.
	policy func(w *world) (picker.Policy, error)
}

// The names of contenders that others are compared with.
const (
	roundRobin   = "round robin"
	leastRequest = "least request"
	peakEWMA     = "peak EWMA"
	prequalName  = "Prequal"
	adaptive     = "adaptive"
	oracleName   = "oracle"
)

// contenders are the policies of the tables, in their order. The last is what all are compared with.
var contenders = []contender{
	{roundRobin, always(picker.RoundRobin{})},
	{"random", always(picker.Random{})},
	{"weighted round robin (ORCA)", func(*world) (picker.Policy, error) {
		return picker.NewWeightedRoundRobin(picker.WeightedRoundRobinConfig{Reports: true, Blackout: -1, Update: picker.DefaultUpdate / 10})
	}},
	{"least request, two choices", least(picker.LeastRequestConfig{FullScan: 1})},
	{leastRequest, least(picker.LeastRequestConfig{})},
	{leastRequest + ", ejection", ejecting(least(picker.LeastRequestConfig{}))},
	{"peak EWMA, two choices", peak(picker.PeakEWMAConfig{FullScan: 1})},
	{peakEWMA, peak(picker.PeakEWMAConfig{})},
	{prequalName, func(w *world) (picker.Policy, error) { return &prequal{w: w}, nil }},
	{adaptive, ejecting(adapting(picker.AdaptiveConfig{}))},
	{oracleName, func(w *world) (picker.Policy, error) { return oracle{w}, nil }},
}

// ablations are the adaptive policy with a part left out.
var ablations = []contender{
	{"all of it", ejecting(adapting(picker.AdaptiveConfig{}))},
	{"without slowness", ejecting(adapting(picker.AdaptiveConfig{Without: picker.Slowness}))},
	{"slowness to the power of one", ejecting(adapting(picker.AdaptiveConfig{SlownessPower: 1}))},
	{"without age", ejecting(adapting(picker.AdaptiveConfig{Without: picker.Age}))},
	{"without quality", ejecting(adapting(picker.AdaptiveConfig{Without: picker.Quality}))},
	{"without ejection", adapting(picker.AdaptiveConfig{})},
	{"without quality and ejection", adapting(picker.AdaptiveConfig{Without: picker.Quality})},
}

// named returns the contender of a name.
func named(name string) (contender, error) {
	for _, c := range contenders {
		if c.name == name {
			return c, nil
		}
	}
	return contender{}, errors.New("no contender is called " + name)
}

func always(p picker.Policy) func(*world) (picker.Policy, error) {
	return func(*world) (picker.Policy, error) { return p, nil }
}

func least(cfg picker.LeastRequestConfig) func(*world) (picker.Policy, error) {
	return func(*world) (picker.Policy, error) { return picker.NewLeastRequest(cfg) }
}

func peak(cfg picker.PeakEWMAConfig) func(*world) (picker.Policy, error) {
	return func(*world) (picker.Policy, error) { return picker.NewPeakEWMA(cfg) }
}

func adapting(cfg picker.AdaptiveConfig) func(*world) (picker.Policy, error) {
	return func(*world) (picker.Policy, error) { return picker.NewAdaptive(cfg) }
}

func ejecting(within func(*world) (picker.Policy, error)) func(*world) (picker.Policy, error) {
	return func(w *world) (picker.Policy, error) {
		p, err := within(w)
		if err != nil {
			return nil, err
		}
		return outlier.New(outlier.Config{Policy: p})
	}
}
