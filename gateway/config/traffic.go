// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/backend/split"
)

// Traffic says where the calls of a method go.
type Traffic struct {
	// Config is the choice among backends; with no Rules, all go to its Backend.
	split.Config

	// Mirror is where copies go; nil sends none.
	Mirror *Mirror
	// Path is where the choice is written: services[1], or services[1].methods[0].
	Path string
	// MirrorPath is where the mirror is written; "" without one.
	MirrorPath string
}

// Mirror says where copies of calls go, and which.
type Mirror struct {
	backend.MirrorConfig

	// Off is true where a method has no mirror although its service has one; nothing else is set then.
	Off bool
	// Backend is the name of the backend that gets them.
	Backend string
}

// Backends returns the names of the backends that calls may go to, each once, in the order of the file; not that of the mirror.
func (t *Traffic) Backends() []string {
	var names []string
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	add(t.Backend)
	for i := range t.Rules {
		add(t.Rules[i].Backend)
	}
	return names
}

// TrafficFor returns where the calls of a method go, by the entry of Services that is in force; false when none is. The service's
// name is the full one, the method's is its own alone.
func (c *Config) TrafficFor(service, method string) (Traffic, bool) {
	i, ok := c.ServiceFor(service)
	if !ok {
		return Traffic{}, false
	}
	return c.TrafficAt(i, c.Services[i].Method(method)), true
}

// TrafficAt returns where the calls go of the methods that an exception of an entry of Services is for, by their indices: -1 for no
// exception.
func (c *Config) TrafficAt(service, method int) Traffic {
	return c.Services[service].traffic(service, method)
}

// traffic is where the calls go of the method at an index of Methods; or, with -1, of those that have no entry there. i is the index of
// the service itself.
func (s *Service) traffic(i, method int) Traffic {
	path := fmt.Sprintf("services[%d]", i)
	t := Traffic{Config: split.Config{Rules: s.Split, Key: s.Sticky, Backend: s.Backend}, Mirror: s.Mirror, Path: path, MirrorPath: path + ".mirror"}
	if method >= 0 {
		m := &s.Methods[method]
		path = fmt.Sprintf("%s.methods[%d]", path, method)
		if m.Backend != "" || len(m.Split) > 0 {
			t.Config, t.Path = split.Config{Rules: m.Split, Key: m.Sticky, Backend: m.Backend}, path
		}
		if m.Mirror != nil {
			t.Mirror, t.MirrorPath = m.Mirror, path+".mirror"
		}
	}
	if t.Mirror == nil || t.Mirror.Off {
		t.Mirror, t.MirrorPath = nil, ""
	}
	return t
}
