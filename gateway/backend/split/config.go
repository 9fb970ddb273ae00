// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package split

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
)

// Config says to which backend each call goes.
type Config struct {
	// Rules are tried in their order: the first whose conditions hold has the call. Those with a weight have no conditions, and
	// share the calls that no other rule takes.
	Rules []Rule
	// Key keeps calls with the same key on the same side while weights stay; the zero Key keeps none.
	Key Key
	// Backend is where calls go that no rule takes; "" refuses them. It goes with no weight: then no call is left.
	Backend string
}

// Rule sends calls to a backend: a share of them, or all for which everything holds that it says.
type Rule struct {
	// Label is what the access log calls the rule.
	Label string
	// Backend is the name of where the calls go.
	Backend string
	// Weight is the rule's share of the calls that no condition takes, relative to the others'; nil for a rule with conditions.
	Weight *uint32
	// Hosts are the hosts that the rule is for, of which one must be the call's; none is for every host. "*.example.com" stands for
	// every host below example.com.
	Hosts []string
	// Headers are fields that the request must have, all of them. The value is what the first field of that name must be; with a *
	// at its end, how it must begin; * alone takes any value.
	Headers map[string]string
	// When is an expression in CEL, which must be true; "" is always.
	When string
}

// Key says by what calls are kept together. At most one of its fields is set.
type Key struct {
	// ClientAddress is the address of the client.
	ClientAddress bool
	// Header is the name of a field of the request.
	Header string
	// Cookie is the name of a cookie.
	Cookie string
}

// Zero tells whether nothing keeps calls together.
func (k Key) Zero() bool { return k == Key{} }

// Problem is one thing that is wrong with a Config.
type Problem struct {
	// Path says where, below what holds the configuration: split[1].hosts[0], backend.
	Path string
	// Message is a sentence to be read behind the path.
	Message string
	// Hint says what to do; it may be empty.
	Hint string
}

// Error returns the problem in one line.
func (p *Problem) Error() string { return p.Path + ": " + p.Message }

// Check tells everything that is wrong with the configuration, but not whether the backends are there.
func (c *Config) Check() []*Problem {
	k := &checker{config: c, weighted: map[string]int{}, wrong: make([]bool, len(c.Rules))}
	for i := range c.Rules {
		k.rule(i)
	}
	k.weights()
	if !c.Key.Zero() && len(k.weighted) == 0 {
		k.add("sticky", "give two rules or more a weight", "keeps calls on one side of a split by weight, and there is none")
	}
	return k.problems
}

type checker struct {
	config   *Config
	weighted map[string]int // which rule has a weight, by backend
	wrong    []bool         // the rules of which something is told
	sum      uint64
	problems []*Problem
}

func (k *checker) add(path, hint, format string, args ...any) {
	k.problems = append(k.problems, &Problem{Path: path, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (k *checker) rule(i int) {
	r := &k.config.Rules[i]
	path := fmt.Sprintf("split[%d]", i)
	if r.Weight == nil {
		before := len(k.problems)
		k.condition(r, path)
		k.wrong[i] = len(k.problems) > before
		k.reached(i, path)
		return
	}
	if r.conditional() {
		k.add(path+".weight", "use two rules", "is set beside conditions; a rule has either")
		return
	}
	if other, ok := k.weighted[r.Backend]; ok {
		k.add(path+".backend", "add the weights", "has a weight in split[%d] already", other)
		return
	}
	k.weighted[r.Backend] = i
	k.sum += uint64(*r.Weight)
}

// conditional tells whether the rule says for which calls it is.
func (r *Rule) conditional() bool { return len(r.Hosts) > 0 || len(r.Headers) > 0 || r.When != "" }

func (k *checker) condition(r *Rule, path string) {
	if !r.conditional() {
		k.add(path, "", "has neither a weight nor a condition; it must have one of weight, hosts, headers, when")
	}
	for j, h := range r.Hosts {
		if err := checkHost(h); err != nil {
			k.add(fmt.Sprintf("%s.hosts[%d]", path, j), "", "%s", err)
		}
	}
	for _, name := range sortedNames(r.Headers) {
		if err := checkHeader(name, r.Headers[name]); err != nil {
			k.add(fmt.Sprintf("%s.headers[%q]", path, name), "", "%s", err)
		}
	}
	if r.When == "" {
		return
	}
	_, err := expression.New(r.When, expression.Head)
	var wrong *expression.Error
	switch {
	case errors.As(err, &wrong):
		k.add(path+".when", wrong.Hint, "%s", wrong)
	case err != nil:
		k.add(path+".when", "", "%s", err)
	}
}

// reached reports a rule that no call ever reaches, because one before it takes all that it is for: who wrote both does not know
// which one counts.
func (k *checker) reached(i int, path string) {
	for j := range k.config.Rules[:i] {
		before := &k.config.Rules[j]
		if before.Weight == nil && before.conditional() && !k.wrong[j] && before.covers(&k.config.Rules[i]) {
			k.add(path, "put the narrower rule first, or remove one", "is never reached: split[%d] takes all its calls", j)
			return
		}
	}
}

// covers tells whether a rule certainly takes every call that the other would.
func (r *Rule) covers(o *Rule) bool {
	if r.When != "" && r.When != o.When {
		return false
	}
	if len(r.Hosts) > 0 && len(o.Hosts) == 0 {
		return false
	}
	for _, h := range o.Hosts {
		if len(r.Hosts) > 0 && !coveredHost(r.Hosts, h) {
			return false
		}
	}
	for name, value := range r.Headers {
		narrower, ok := o.Headers[name]
		if !ok || !coversValue(value, narrower) {
			return false
		}
	}
	return true
}

// coversValue tells whether every value that the second pattern takes is taken by the first.
func coversValue(wide, narrow string) bool {
	prefix, open := strings.CutSuffix(wide, "*")
	if !open {
		return wide == narrow
	}
	return strings.HasPrefix(strings.TrimSuffix(narrow, "*"), prefix)
}

// weights reports shares that come to nothing, and a backend that could get no call beside them.
func (k *checker) weights() {
	if len(k.weighted) == 0 {
		return
	}
	if k.sum == 0 {
		k.add("split", "", "has weights whose sum is 0; one must be 1 or more")
	}
	if k.config.Backend != "" {
		k.add("backend", "give it a weight", "never gets a call: the weights of split take what no condition does")
	}
}
