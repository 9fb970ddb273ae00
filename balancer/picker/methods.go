// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"maps"
	"sync"
	"sync/atomic"
)

// maxMethods is how many methods are told apart: names may come from clients. What more there are share one
// mean.
const maxMethods = 1024

// methods is how long each method takes on average, over all endpoints.
type methods struct {
	known  atomic.Pointer[map[string]*methodMean] // replaced when it grows, with mu held
	others methodMean
	mu     sync.Mutex
}

func newMethods() *methods {
	m := new(methods)
	m.known.Store(&map[string]*methodMean{})
	return m
}

// of returns the mean of a method. It allocates the first time.
func (m *methods) of(name string) *methodMean {
	if known := (*m.known.Load())[name]; known != nil {
		return known
	}
	return m.add(name)
}

func (m *methods) add(name string) *methodMean {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := *m.known.Load()
	if known[name] != nil {
		return known[name]
	}
	if len(known) == maxMethods {
		return &m.others
	}
	grown := maps.Clone(known)
	grown[name] = new(methodMean)
	m.known.Store(&grown)
	return grown[name]
}

// methodMean is how long one method takes.
type methodMean struct {
	mean
}

// relative returns a latency in parts of the mean, both longer by resolution; 1 while there is no mean.
func (m *methodMean) relative(latency, resolution float64) float64 {
	if mean := m.value(); mean > 0 {
		return (latency + resolution) / (mean + resolution)
	}
	return 1
}
