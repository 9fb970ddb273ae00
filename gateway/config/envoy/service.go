// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
)

// mostRules is how many rules a split can have.
const mostRules = 64

// services makes entries of services of what routes say. Envoy takes the first route that matches; here the entry for the narrowest
// names has the call, and that alone. So each entry gets, in order, all rules that are for its names, up to the first one that takes
// every call.
func (c *conversion) services() []*settings {
	var listeners []string
	for _, r := range c.rules {
		if !slices.Contains(listeners, r.listener) {
			listeners = append(listeners, r.listener)
		}
	}
	c.level()
	var services []*settings
	first := ""
	for i, listener := range listeners {
		own := c.entries(slices.DeleteFunc(slices.Clone(c.rules), func(r *rule) bool { return r.listener != listener }))
		all := newSettings()
		all.set("services", own)
		if i == 0 {
			services, first = own, all.String()
			continue
		}
		if all.String() != first {
			r := c.rules[slices.IndexFunc(c.rules, func(r *rule) bool { return r.listener == listener })]
			c.note(r.source, r.path, Guard, "the routes of the listener %q differ from those of %q, whose routes hold for all listeners here: let a gateway of its own serve it, "+
				"or tell the listeners apart in rules of split by when: listener == %q", listener, listeners[0], listener)
		}
	}
	if services != nil {
		c.hoist(services)
	}
	return services
}

// level gives each route what others say and it does not: what a policy does not say comes from a wider place here.
func (c *conversion) level() {
	none := newSettings()
	none.set("attempts", uint32(1))
	for _, known := range []struct {
		name  string
		value any
	}{
		{"timeout", defaultTimeout}, {"max_timeout", defaultTimeout}, {"stream_timeout", day}, {"stream_idle_timeout", defaultIdle}, {"retry", none},
	} {
		if !slices.ContainsFunc(c.rules, func(r *rule) bool { return r.policy.has(known.name) }) {
			continue
		}
		for _, r := range c.rules {
			if len(r.targets) > 0 && !r.policy.has(known.name) {
				r.policy.set(known.name, known.value)
			}
		}
	}
	for _, r := range c.rules {
		if len(r.targets) > 0 && !r.policy.has("cors") && slices.ContainsFunc(c.rules, func(o *rule) bool {
			return o.policy.has("cors") && o.pattern.covers(r.pattern) && o.pattern != r.pattern
		}) {
			c.note(r.source, r.path, Left, "the origins of the wider route hold here too; a policy can narrow them, and not take them away")
		}
	}
}

// What Envoy has without a setting.
const (
	defaultTimeout = 15 * second
	defaultIdle    = 5 * time.Minute
)

// entries makes the entries of services for one listener.
func (c *conversion) entries(rules []*rule) []*settings {
	var keys []pattern
	for _, r := range rules {
		keys = append(keys, r.pattern)
	}
	for _, a := range c.demands {
		keys = append(keys, a.pattern)
	}
	var services []*settings
	byMatch := map[string]*settings{}
	done := map[pattern]bool{}
	for _, key := range keys {
		if done[key] {
			continue
		}
		done[key] = true
		own := c.entry(rules, key)
		if own.empty() {
			continue
		}
		service := byMatch[key.service]
		if service == nil {
			service = newSettings()
			service.set("match", key.service)
			byMatch[key.service] = service
			services = append(services, service)
		}
		if key.method == "" {
			for i := 0; i < len(own.node.Content); i += 2 {
				service.node.Content = append(service.node.Content, own.node.Content[i], own.node.Content[i+1])
			}
			continue
		}
		method := newSettings()
		method.set("name", key.method)
		for i := 0; i < len(own.node.Content); i += 2 {
			method.node.Content = append(method.node.Content, own.node.Content[i], own.node.Content[i+1])
		}
		methods := service.in("methods")
		if len(methods.node.Content) == 0 {
			methods.node.Kind = seq
		}
		methods.node.Content = append(methods.node.Content, method.node)
	}
	for _, r := range rules {
		if !r.used {
			c.note(r.source, r.path, Done, "no call ever gets here, for routes before it take them all; it is left out")
			r.used = true
		}
	}
	return c.complete(rules, services)
}

// complete gives services that only have methods what all others of their methods have.
func (c *conversion) complete(rules []*rule, services []*settings) []*settings {
	for _, s := range services {
		if s.has("backend") || s.has("split") {
			continue
		}
		key := pattern{service: s.node.Content[1].Value}
		if own := c.entry(rules, key); !own.empty() {
			for i := 0; i < len(own.node.Content); i += 2 {
				s.node.Content = append(s.node.Content, own.node.Content[i], own.node.Content[i+1])
			}
			continue
		}
		// The other methods have no route in Envoy.
		for _, r := range rules {
			if r.pattern.service == key.service && len(r.targets) > 0 {
				s.set("backend", r.targets[0].backend)
				c.note(r.source, r.path, Guard, "the other methods of %s, which have no route in Envoy, can be called here too; let a rule of authorization refuse them, or leave them out of the schema", key.service)
				break
			}
		}
	}
	return slices.DeleteFunc(services, func(s *settings) bool { return !s.has("backend") && !s.has("split") })
}

// entry makes what an entry of services, or a method of one, says for a pattern.
func (c *conversion) entry(rules []*rule, key pattern) *settings {
	own := newSettings()
	var candidates []*rule
	var last *rule
	for _, r := range rules {
		if !r.pattern.covers(key) {
			continue
		}
		r.used = true
		candidates = append(candidates, r)
		if !r.conditional() {
			last = r
			break
		}
	}
	conditions := c.conditions(candidates, last)
	switch {
	case last == nil && len(conditions) == 0:
		return own
	case last == nil:
	case len(last.targets) == 0:
		c.closed(last, key, len(conditions) > 0)
		if len(conditions) == 0 {
			return own
		}
	case len(last.targets) == 1:
		own.set("backend", last.targets[0].backend)
		c.used[last.targets[0].backend] = true
	default:
		for _, t := range last.targets {
			share := newSettings()
			share.set("backend", t.backend)
			c.used[t.backend] = true
			share.set("weight", t.weight)
			conditions = append(conditions, share)
		}
	}
	if len(conditions) > mostRules {
		c.note(candidates[0].source, candidates[0].path, Left, "there are %d rules for %s; a split has %d at most, and the others are left out", len(conditions), key.service, mostRules)
		conditions = conditions[:mostRules]
	}
	own.set("split", conditions)
	c.policy(own, candidates, last, key)
	return own
}

// closed is for routes that end calls: here they are none.
func (c *conversion) closed(r *rule, key pattern, conditions bool) {
	switch {
	case key == everything || conditions:
	case key.method == "":
		c.hidden = unique(append(c.hidden, key.service))
	default:
		c.note(r.source, r.path, Guard, "%s/%s can be called here; let a rule of authorization refuse it", key.service, key.method)
	}
}

// conditions makes the rules of a split of those that are for some calls only.
func (c *conversion) conditions(candidates []*rule, last *rule) []*settings {
	var list []*settings
	var before []split.Rule
	for _, r := range candidates {
		if r == last {
			break
		}
		if len(r.targets) != 1 {
			c.note(r.source, r.path, Guard, "the rule is left out, and its calls go where those go that it is not for: one that has conditions has one backend here")
			continue
		}
		own := split.Rule{Backend: r.targets[0].backend, Hosts: unique(r.hosts), Headers: r.headers}
		if shadowed(append(before, own)) {
			c.note(r.source, r.path, Done, "no call ever gets here, for rules before it take them all; it is left out")
			continue
		}
		before = append(before, own)
		s := newSettings()
		s.set("backend", own.Backend)
		c.used[own.Backend] = true
		s.set("hosts", own.Hosts)
		headers := newSettings()
		for _, name := range sorted(r.headers) {
			headers.set(name, r.headers[name])
		}
		s.set("headers", headers)
		list = append(list, s)
	}
	return list
}

// shadowed says whether the last of some rules is never reached.
func shadowed(rules []split.Rule) bool {
	cfg := split.Config{Rules: rules, Backend: "x"}
	for _, p := range cfg.Check() {
		if p.Path == fmt.Sprintf("split[%d]", len(rules)-1) && strings.Contains(p.Message, "never reached") {
			return true
		}
	}
	return false
}

// policy gives an entry its policy, its mirror, and whom it asks for.
func (c *conversion) policy(own *settings, candidates []*rule, last *rule, key pattern) {
	from := last
	if from == nil {
		from = candidates[0]
	}
	policy := newSettings()
	inherit(policy, from.policy)
	for _, r := range candidates {
		if r != from && len(r.targets) > 0 && (r.policy.String() != from.policy.String() || r.mirror.String() != from.mirror.String()) {
			c.note(r.source, r.path, Left, "its times, retries, origins and mirror are those of %s here: they are a method's, wherever its calls go", from.path)
		}
	}
	if names := c.demanded(key); names != nil {
		policy.set("auth", names)
	}
	own.set("policy", policy)
	if from.mirror == nil {
		return
	}
	for _, r := range candidates {
		for _, t := range r.targets {
			if t.backend == from.mirror.in("backend").node.Value {
				c.note(from.source, from.path, Left, "the mirror is left out: its backend gets other calls of the same methods, and copies go to one that gets none")
				return
			}
		}
	}
	c.used[from.mirror.in("backend").node.Value] = true
	own.set("mirror", from.mirror)
}

// hoist puts what all entries say into defaults.
func (c *conversion) hoist(services []*settings) {
	first := services[0].in("policy")
	var common []string
	for i := 0; i < len(first.node.Content); i += 2 {
		name := first.node.Content[i].Value
		value := (&settings{first.node.Content[i+1]}).String()
		everywhere := !c.defaults.has(name) || name == "stream_idle_timeout"
		for _, s := range services {
			p := s.in("policy")
			everywhere = everywhere && p.has(name) && p.in(name).String() == value
			if s.has("methods") {
				for _, m := range s.in("methods").node.Content {
					everywhere = everywhere && (&settings{m}).in("policy").has(name)
				}
			}
		}
		if everywhere {
			common = append(common, name)
		}
	}
	for _, name := range common {
		c.defaults.set(name, first.in(name).node)
	}
	for _, s := range services {
		p := s.in("policy")
		for _, name := range common {
			p.remove(name)
		}
		if p.empty() {
			s.remove("policy")
		}
	}
}
