// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package pickertest

import (
	"errors"
	"testing"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// broken is a policy made to fail one clause.
type broken struct {
	name string
	next func(prev picker.Picker, v picker.View) picker.Picker
}

func (b broken) Name() string                                         { return b.name }
func (b broken) Next(prev picker.Picker, v picker.View) picker.Picker { return b.next(prev, v) }

type pickFunc func(picker.Info) (*picker.Candidate, error)

func (f pickFunc) Pick(i picker.Info) (*picker.Candidate, error) { return f(i) }

var sink []byte

// Each clause must catch the policy that breaks it.
//
//nolint:paralleltest // the contract counts allocations
func TestClausesCanFail(t *testing.T) {
	first := func(v picker.View) pickFunc {
		return func(picker.Info) (*picker.Candidate, error) { return v.Ready[0], nil }
	}
	good := picker.RoundRobin{}
	for clauseName, policy := range map[string]picker.Policy{
		"has a name for configuration": broken{"Round Robin", good.Next},
		"picks only ready endpoints": broken{"x", func(_ picker.Picker, v picker.View) picker.Picker {
			return good.Next(nil, picker.View{Ready: v.All})
		}},
		"picks the only endpoint": broken{"x", func(picker.Picker, picker.View) picker.Picker {
			return pickFunc(func(picker.Info) (*picker.Candidate, error) { return nil, errors.New("none") })
		}},
		"spreads calls as it promises": broken{"x", func(_ picker.Picker, v picker.View) picker.Picker { return first(v) }},
		"starves no endpoint":          broken{"x", func(_ picker.Picker, v picker.View) picker.Picker { return first(v) }},
		"leaves the view alone": broken{"x", func(_ picker.Picker, v picker.View) picker.Picker {
			v.Ready[0], v.Ready[1] = v.Ready[1], v.Ready[0]
			return first(v)
		}},
		"starts afresh after another policy": broken{"x", func(prev picker.Picker, v picker.View) picker.Picker {
			if prev != nil {
				return prev
			}
			return first(v)
		}},
		"keeps old pickers usable": broken{"x", func(prev picker.Picker, v picker.View) picker.Picker {
			if prev != nil {
				return prev
			}
			return good.Next(nil, v)
		}},
		"follows changes and keeps state": broken{"x", func(prev picker.Picker, v picker.View) picker.Picker {
			if prev != nil {
				return prev
			}
			return good.Next(nil, v)
		}},
		"does not allocate": broken{"x", func(_ picker.Picker, v picker.View) picker.Picker {
			return pickFunc(func(picker.Info) (*picker.Candidate, error) {
				sink = make([]byte, 64)
				return v.Ready[0], nil
			})
		}},
	} {
		t.Run(clauseName, func(t *testing.T) {
			for _, c := range clauses {
				if c.name != clauseName {
					continue
				}
				if err := c.check(policy, Traits{Spread: 0.1}); err == nil {
					t.Error("the clause accepts a policy that breaks it")
				}
				return
			}
			t.Error("no such clause")
		})
	}
}
