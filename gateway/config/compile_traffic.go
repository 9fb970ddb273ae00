// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// Bounds of the size of what is mirrored.
const (
	leastMirrored = 1 << 10
	mostMirrored  = 64 << 20
)

// trafficFields are the fields that say where calls go, of a service or a method.
type trafficFields interface {
	GetBackend() string
	GetSplit() []*configv1.SplitRule
	GetSticky() *configv1.Sticky
	GetMirror() *configv1.Mirror
}

// traffic returns what a service or a method says of where calls go, and reports what is wrong with it for itself.
func (k *compiler) traffic(m trafficFields, path string) (split.Config, *Mirror) {
	cfg := split.Config{Backend: m.GetBackend(), Key: split.Key{
		ClientAddress: m.GetSticky().GetClientAddress(), Header: m.GetSticky().GetHeader(), Cookie: m.GetSticky().GetCookie(),
	}}
	if cfg.Backend != "" {
		k.use(cfg.Backend, path+".backend")
	}
	if key, ok := m.GetSticky().GetKey().(*configv1.Sticky_ClientAddress); ok && !key.ClientAddress {
		k.on(path+".sticky.client_address", "leave out sticky to place each call by chance", "must be true")
	}
	for i, rule := range m.GetSplit() {
		at := item(path+".split", i)
		if rule.GetBackend() != "" {
			k.use(rule.GetBackend(), at+".backend")
		}
		k.distinct(rule.GetHosts(), at+".hosts")
		cfg.Rules = append(cfg.Rules, split.Rule{
			Label: at, Backend: rule.GetBackend(), Weight: rule.Weight, Hosts: rule.GetHosts(), Headers: rule.GetHeaders(), When: rule.GetWhen(),
		})
	}
	for _, p := range cfg.Check() {
		at := path + "." + p.Path
		if k.uncertain[at] || k.uncertain[parent(at)] && p.Path == "sticky" {
			continue // what is missing may be what a key that was refused meant
		}
		message, hint := p.Message, p.Hint
		if k.place(at).raw != "" {
			message, hint = "is not right with what its variables hold", ""
		}
		k.on(at, hint, "%s", message)
	}
	return cfg, k.mirror(m.GetMirror(), path+".mirror")
}

// mirror returns a mirror, and reports what is wrong with it for itself.
func (k *compiler) mirror(m *configv1.Mirror, path string) *Mirror {
	if m == nil {
		return nil
	}
	mirror := &Mirror{Off: m.GetOff(), Backend: m.GetBackend(), MirrorConfig: backend.MirrorConfig{
		Percent: m.GetPercent(), MaxInFlight: int(m.GetMaxInFlight()), Timeout: m.GetTimeout().AsDuration(),
		MaxMessage: int(k.size(m.GetMaxMessage(), path+".max_message", leastMirrored, mostMirrored)),
	}}
	switch {
	case mirror.Off && *mirror != Mirror{Off: true}:
		k.on(path+".off", "remove one or the other", "is set beside what it turns off")
	case !mirror.Off && mirror.Backend == "":
		k.missing(path, path+".backend", "", "is %s", k.absence(path+".backend"))
	case !mirror.Off:
		k.use(mirror.Backend, path+".backend")
	}
	return mirror
}

// absence says in what way a required setting is not there.
func (k *compiler) absence(path string) string {
	if _, ok := k.places[path]; ok {
		return "empty"
	}
	return "missing"
}

// together reports what only a service and its methods together show to be wrong with where calls go.
func (k *compiler) together(i int) {
	s := &k.cfg.Services[i]
	path := item("services", i)
	if s.Backend == "" && len(s.Split) == 0 {
		k.missing(path, path+".backend", "", "is %s", k.absence(path+".backend"))
	}
	if s.Mirror != nil && s.Mirror.Off {
		k.on(path+".mirror.off", "remove it", "is for a method whose service has a mirror")
	}
	k.notItself(s.traffic(i, -1))
	for j := range s.Methods {
		m := &s.Methods[j]
		at := item(path+".methods", j)
		if m.Mirror != nil && m.Mirror.Off && s.Mirror == nil {
			k.on(at+".mirror.off", "remove it", "turns off a mirror that the service does not have")
		}
		k.notItself(s.traffic(i, j))
	}
}

// notItself reports a mirror whose backend gets the calls as well: it would have some of them twice.
func (k *compiler) notItself(t Traffic) {
	if t.Mirror == nil || t.Mirror.Backend == "" {
		return
	}
	at := ""
	if t.Backend == t.Mirror.Backend {
		at = t.Path + ".backend"
	}
	for i := range t.Rules {
		if t.Rules[i].Backend == t.Mirror.Backend && at == "" {
			at = fmt.Sprintf("%s.split[%d]", t.Path, i)
		}
	}
	if at != "" {
		p := k.place(at)
		k.on(t.MirrorPath+".backend", "", "gets the calls themselves, by %s in line %d, column %d", at, p.line, p.column)
	}
}
