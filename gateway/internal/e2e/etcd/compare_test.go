// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
)

// exception is a difference that is meant, and why.
type exception struct {
	name   string
	reason string
	// explain changes what was observed so that this difference is gone, and no other. It returns an error where it finds
	// something else than what the reason says. Where it has nothing to say, it changes nothing.
	explain func(c *call, ours, theirs *observed) error
	// momentary: the two may also be equal, by chance, as what depends on the time may.
	momentary bool
}

// comparison compares answers and knows which exceptions were needed.
type comparison struct {
	general []exception    // they apply to every call
	needed  map[string]int // by name of an exception: in how many calls it was
}

func newComparison(general []exception) *comparison {
	return &comparison{general: general, needed: map[string]int{}}
}

// check compares the two answers to a call and returns what is wrong.
func (k *comparison) check(c *call, ours, theirs *observed) []string {
	all := slices.Concat(k.general, c.except)
	if difference := compare(c, all, ours, theirs); difference != "" {
		return []string{"the answers differ, and no exception of this call explains it (-etcd +dragoman):\n" + difference}
	}
	// An exception is needed if the rest of them do not do.
	var problems []string
	for i, e := range all {
		rest := slices.Delete(slices.Clone(all), i, i+1)
		switch {
		case e.momentary || compare(c, rest, ours, theirs) != "":
			k.needed[e.name]++
		case i >= len(k.general):
			problems = append(problems, fmt.Sprintf("exception %q is not needed: the answers are equal without it", e.name))
		}
	}
	return problems
}

// finish returns the general exceptions that no call needed.
func (k *comparison) finish() []string {
	var problems []string
	for _, e := range k.general {
		if k.needed[e.name] == 0 {
			problems = append(problems, fmt.Sprintf("exception %q is not needed: no call differs by it", e.name))
		}
	}
	return problems
}

// compare returns what differs after the exceptions.
func compare(c *call, exceptions []exception, ours, theirs *observed) string {
	ours, theirs = ours.clone(), theirs.clone()
	for _, e := range exceptions {
		if err := e.explain(c, ours, theirs); err != nil {
			return fmt.Sprintf("exception %q (%s): %v\n%s", e.name, e.reason, err, cmp.Diff(theirs, ours))
		}
	}
	ours.Allow, theirs.Allow = "", "" // no part of an answer's status and JSON; exceptions look at it
	return cmp.Diff(theirs, ours)
}
