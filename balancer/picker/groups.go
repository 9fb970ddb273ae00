// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import "slices"

// DefaultHeadroom is how many times its share of the load a group of endpoints is trusted to carry before the rest
// goes to another: it loses nothing while at least 71 % of it are healthy.
const DefaultHeadroom = 1.4

// member is a group of endpoints, when calls are divided among groups.
type member struct {
	number     int     // which group
	ready, all float64 // the weights of its endpoints
}

// grouped is the picker of wrappers that divide calls among groups of endpoints, with a picker of the policy within for
// each group.
type grouped struct {
	groups []group
	number func(*Candidate) int
}

// group is one of them, with at least one ready endpoint.
type group struct {
	Within

	member

	upTo float64 // it gets the calls for which chance says less, and not less than for the group before
}

// newGrouped returns the picker that takes over from prev. number says which group an endpoint is of, share
// which part of the calls each group gets; it is called with groups that have ready endpoints, ordered by number, and
// those that have none.
func newGrouped(prev Picker, view View, within Policy, number func(*Candidate) int, share func([]member) []float64) *grouped {
	n := &grouped{number: number}
	old, _ := prev.(*grouped)
	views := map[int]*View{}
	part := func(c *Candidate) *View {
		v := views[number(c)]
		if v == nil {
			v = &View{Now: view.Now, Random: mix(view.Random + uint64(len(views))), Rebuild: view.Rebuild}
			views[number(c)] = v
		}
		return v
	}
	for _, c := range view.All {
		part(c).All = append(part(c).All, c)
	}
	for _, c := range view.Ready {
		part(c).Ready = append(part(c).Ready, c)
	}
	var members []member
	for k, v := range views {
		members = append(members, member{number: k, ready: weights(v.Ready), all: max(weights(v.All), weights(v.Ready))})
	}
	slices.SortFunc(members, func(a, b member) int { return a.number - b.number })
	shares := share(members)
	sum := 0.0
	for i, m := range members {
		if m.ready == 0 {
			continue
		}
		sum += shares[i]
		n.groups = append(n.groups, group{
			Within: NewWithin(within.Next(old.of(m.number), *views[m.number])), member: m, upTo: sum,
		})
	}
	// What is left by rounding, or because nobody can carry the load, is divided as the rest.
	for i := range n.groups {
		if sum == 0 {
			n.groups[i].upTo = float64(i+1) / float64(len(n.groups))
			continue
		}
		n.groups[i].upTo /= sum
	}
	return n
}

func weights(cs []*Candidate) float64 {
	sum := 0.0
	for _, c := range cs {
		sum += c.Weight
	}
	return sum
}

// of returns the picker of a group, or nil.
func (g *grouped) of(number int) Picker {
	if g == nil {
		return nil
	}
	if i := g.index(number); i >= 0 {
		return g.groups[i].Picker
	}
	return nil
}

func (g *grouped) index(number int) int {
	for i := range g.groups {
		if g.groups[i].number == number {
			return i
		}
	}
	return -1
}

// Pick implements Picker.
func (g *grouped) Pick(info Info) (*Candidate, error) {
	last := len(g.groups) - 1
	if last > 0 {
		info.Random = mix(info.Random)
		at := fraction(mix(info.Random))
		for i := range last {
			if at < g.groups[i].upTo {
				return g.pick(i, info)
			}
		}
	}
	return g.pick(last, info)
}

// pick places a call on a group, or on another one if the call avoids all of it.
func (g *grouped) pick(in int, info Info) (*Candidate, error) {
	c, err := g.groups[in].Pick(info)
	for k := 1; k < len(g.groups) && err == nil && info.Avoids(c); k++ {
		other := (in + k) % len(g.groups)
		o, err := g.groups[other].Pick(info)
		if err != nil {
			return c, nil
		}
		void := Outcome{Method: info.Method, Call: info.Call, Now: info.Now, First: -1, Result: Neither}
		if info.Avoids(o) {
			g.groups[other].Finish(o, void)
			continue
		}
		g.groups[in].Finish(c, void)
		return o, nil
	}
	return c, err
}

// Finish implements Finisher.
func (g *grouped) Finish(c *Candidate, o Outcome) {
	if i := g.index(g.number(c)); i >= 0 {
		g.groups[i].Finish(c, o)
	}
}

// Explain implements Explainer.
func (g *grouped) Explain(c *Candidate) Verdict {
	if i := g.index(g.number(c)); i >= 0 {
		return g.groups[i].Explain(c)
	}
	return Verdict{}
}
