// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
)

// Policy is what one place of the configuration says about calls. A zero field says nothing.
type Policy struct {
	// Deadline bounds how long calls take.
	Deadline deadline.Config
}

// Service says which backend serves some services, and by which policy.
type Service struct {
	// Match names the services.
	Match Glob
	// Backend is the name of the backend.
	Backend string
	// Policy is for all their methods.
	Policy Policy
	// Methods are exceptions; their names are unique.
	Methods []Method
}

// Method is an exception for one method.
type Method struct {
	// Name is the method's, without its service.
	Name string
	// Policy is the method's own.
	Policy Policy
	// HTTP are the method's HTTP rules, instead of its annotation and of the rules of files; none leaves it those.
	HTTP []HTTPRule
}

// Origin says which rule set a value: the path of the setting, such as services[1].policy.timeout. "" is the built-in
// default.
type Origin string

// BuiltIn is the origin of a value that no setting set.
const BuiltIn Origin = ""

// Origins say for each value of a policy which rule set it, by the value's name in the file: timeout, max_timeout,
// stream_idle_timeout.
type Origins map[string]Origin

// ServiceFor returns the index of the entry of Services that is in force for a service, by its full name: the most specific
// of those that match it, and of several that are equally specific the first. It is false when none matches.
func (c *Config) ServiceFor(service string) (int, bool) {
	best := -1
	for i := range c.Services {
		g := c.Services[i].Match
		if g.Match(service) && (best < 0 || g.compare(c.Services[best].Match) < 0) {
			best = i
		}
	}
	return best, best >= 0
}

// PolicyFor returns the policy of a method: each value from the most specific place that has it, the method, the entry of
// Services that is in force, Defaults, or what is built in; and which of them it was. The service's name is the full one,
// the method's is its own alone. Every value is set.
func (c *Config) PolicyFor(service, method string) (Policy, Origins) {
	layers := []layer{{path: "defaults", policy: &c.Defaults}}
	if i, ok := c.ServiceFor(service); ok {
		layers = append(layers, layer{path: fmt.Sprintf("services[%d].policy", i), policy: &c.Services[i].Policy})
		for j := range c.Services[i].Methods {
			if m := &c.Services[i].Methods[j]; m.Name == method {
				layers = append(layers, layer{path: fmt.Sprintf("services[%d].methods[%d].policy", i, j), policy: &m.Policy})
			}
		}
	}
	return resolve(layers)
}

// layer is a policy and where it stands.
type layer struct {
	path   string
	policy *Policy
}

// resolve puts policies over each other, the most specific last.
func resolve(layers []layer) (Policy, Origins) {
	var p Policy
	origins := Origins{}
	d := &p.Deadline
	for _, l := range layers {
		over := &l.policy.Deadline
		for _, v := range []struct {
			name string
			dst  *time.Duration
			src  time.Duration
		}{
			{"timeout", &d.Timeout, over.Timeout},
			{"max_timeout", &d.MaxTimeout, over.MaxTimeout},
			{"stream_idle_timeout", &d.StreamIdle, over.StreamIdle},
		} {
			if v.src != 0 {
				*v.dst = v.src
				origins[v.name] = Origin(l.path + "." + v.name)
			}
		}
	}
	builtIn := func(name string, dst *time.Duration, value time.Duration) {
		if *dst == 0 {
			*dst = value
			origins[name] = BuiltIn
		}
	}
	builtIn("max_timeout", &d.MaxTimeout, deadline.DefaultMaxTimeout)
	builtIn("timeout", &d.Timeout, min(deadline.DefaultTimeout, d.MaxTimeout)) // who only lowers max_timeout need not lower both
	builtIn("stream_idle_timeout", &d.StreamIdle, deadline.DefaultStreamIdle)
	return p, origins
}
