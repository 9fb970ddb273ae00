// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"fmt"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/explain"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// PolicyView is what a method is held to, and which setting said so.
type PolicyView struct {
	// Policy is the policy in force; every value is set.
	Policy config.Policy
	// Origins say for each of its values which setting it is from.
	Origins config.Origins
	// Stages are the policies in the order in which a call meets them.
	Stages []string
	// Authorization and Limits are the rules that are for the method, in the order in which they are asked.
	Authorization, Limits []RuleView
	// Cache tells whether its answers are stored; nil where nothing says anything of it.
	Cache *explain.Cache
}

// RuleView is a rule that is for a method.
type RuleView struct {
	// Name is what logs call it.
	Name string
	// Says is the rule: an expression, or a limit with its key.
	Says string
	// DryRun tells that it refuses nothing.
	DryRun bool
	// Origin is the setting that it is from.
	Origin config.Origin
}

// PolicyOf tells what a method is held to in the snapshot that Build made last, for who looks at a configuration: routes and explain. It is false for
// methods that are not there. It is safe for concurrent use.
func (a *Assembly) PolicyOf(m *transcoder.Method) (PolicyView, bool) {
	made := a.made.Load()
	if made == nil || made.byPath[m.Path] == nil {
		return PolicyView{}, false
	}
	policy := made.byPath[m.Path]
	v := PolicyView{Policy: *policy, Origins: made.origins[policy], Stages: made.chains[policy].Names()}
	for i := range a.config.Authorization.Rules {
		r := &a.config.Authorization.Rules[i]
		if r.Match.Match(m.Service, m.Name) {
			v.Authorization = append(v.Authorization, RuleView{
				Name: r.Name, Says: r.Allow, DryRun: r.DryRun || a.config.Authorization.DryRun, Origin: config.Origin(fmt.Sprintf("authorization.rules[%d]", i)),
			})
		}
	}
	for _, d := range made.declared.list(m) {
		for i := range d.Authorization {
			r := &d.Authorization[i]
			v.Authorization = append(v.Authorization, RuleView{
				Name: r.Name, Says: r.Allow, DryRun: r.DryRun || a.config.Authorization.DryRun, Origin: config.Origin(fmt.Sprintf("%s.authorization[%d]", d.Name, i)),
			})
		}
	}
	if len(v.Authorization) == 0 && a.config.Authorization.Deny {
		v.Authorization = []RuleView{{Name: "default", Says: "deny", DryRun: a.config.Authorization.DryRun, Origin: "authorization.default"}}
	}
	v.Limits, v.Cache = a.limitsOf(m, made.declared), a.cacheOf(m, made)
	return v, true
}

// cacheOf tells whether the answers of a method are stored; nil where nothing says anything of it.
func (a *Assembly) cacheOf(m *transcoder.Method, policies *policies) *explain.Cache {
	p := policies.of(m)
	if p.Cache == nil || m.Local {
		return nil
	}
	origin := policies.origins[p]["cache"]
	c := &explain.Cache{Origin: string(origin)}
	if span := configSpan(a.config, string(origin), ""); !origin.InSchema() && span.Line > 0 {
		c.Place = span.String()
	}
	if p.Cache.Off {
		c.Why = "it is off"
		return c
	}
	if err := p.Cache.Never(m, anybody(p)); err != nil {
		c.Why = err.Error()
		return c
	}
	c.Stores, c.Shared, c.Key = true, p.Cache.Shared, p.Cache.KeyParts()
	for to, d := range map[*string]time.Duration{&c.TTL: p.Cache.TTL, &c.StaleWhileRevalidate: p.Cache.StaleWhileRevalidate, &c.StaleIfError: p.Cache.StaleIfError} {
		if d > 0 {
			*to = config.DurationText(d)
		}
	}
	return c
}

// limitsOf are the limits that are for a method.
func (a *Assembly) limitsOf(m *transcoder.Method, declared *options) []RuleView {
	var all []RuleView
	for i := range a.config.RateLimits.Rules {
		r := &a.config.RateLimits.Rules[i]
		if r.Match.Match(m.Service, m.Name) {
			all = append(all, RuleView{Name: r.Name, Says: limitText(r), Origin: config.Origin(fmt.Sprintf("rate_limits.rules[%d]", i))})
		}
	}
	for _, d := range declared.list(m) {
		for i := range d.Limits {
			all = append(all, RuleView{Name: d.Limits[i].Name, Says: limitText(&d.Limits[i]), Origin: config.Origin(fmt.Sprintf("%s.limits[%d]", d.Name, i))})
		}
	}
	return all
}

// limitText says a limit in one line.
func limitText(r *config.LimitRule) string {
	text := ""
	if r.Limit.Count > 0 {
		text = r.Limit.String()
	}
	if r.MaxInFlight > 0 {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d at a time", r.MaxInFlight)
	}
	if r.Key != "" {
		text += " by " + r.Key
	}
	return text
}
