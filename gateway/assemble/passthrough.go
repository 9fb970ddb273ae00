// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// infrastructure is how the names of services begin that belong to gRPC itself: reflection, health, channelz.
const infrastructure = "grpc"

// passthrough says which methods that no schema has are passed on: a rule for each entry of services that has them passed, and one
// for each of its exceptions. It is nil for none.
func (a *Assembly) passthrough() *transcoder.Passthrough {
	p := &transcoder.Passthrough{}
	rules := map[place]int{}
	add := func(at place, name string) {
		rules[at] = len(p.Rules)
		p.Rules, a.passed = append(p.Rules, name), append(a.passed, at)
	}
	a.passed = nil
	for i := range a.config.Services {
		s := &a.config.Services[i]
		if !s.Passthrough {
			continue
		}
		add(place{i, -1}, s.Match.String())
		for j := range s.Methods {
			add(place{i, j}, s.Match.String()+"/"+s.Methods[j].Name)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	cfg := a.config
	p.Rule = func(service, method string) int {
		if i, ok := passes(cfg, service); ok {
			return rules[place{i, cfg.Services[i].Method(method)}]
		}
		return -1
	}
	return p
}

// passes returns the entry of services by which methods of a service that no schema has are passed on. What belongs to gRPC itself has
// to be named: what matches everything does not mean it (threat A15).
func passes(cfg *config.Config, service string) (int, bool) {
	i, ok := cfg.ServiceFor(service)
	if !ok || !cfg.Services[i].Passthrough || !cfg.Schemas.Exposes(service) {
		return 0, false
	}
	first, _, _ := strings.Cut(service, ".")
	if first == infrastructure && !cfg.Services[i].Match.Begins(infrastructure) {
		return 0, false
	}
	return i, true
}
