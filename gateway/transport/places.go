// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import "sync"

// places counts the connections of a listener, however they come: over TCP and over QUIC.
type places struct {
	mu     sync.Mutex
	free   *sync.Cond // told when what is below changes
	most   int        // guarded by mu, as is all below
	taken  int
	closed bool
}

func newPlaces(most int) *places {
	p := &places{most: most}
	p.free = sync.NewCond(&p.mu)
	return p
}

// await waits until there is a place, and leaves it. It reports false when the listener is closed.
func (p *places) await() bool { return p.wait(0) }

// take waits for a place and takes it.
func (p *places) take() bool { return p.wait(1) }

func (p *places) wait(places int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.taken >= p.most && !p.closed {
		p.free.Wait()
	}
	p.taken += places
	return !p.closed
}

// try takes a place if there is one.
func (p *places) try() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= p.most || p.closed {
		return false
	}
	p.taken++
	return true
}

func (p *places) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.free.Broadcast()
}

// resize changes how many there are. Who has one keeps it.
func (p *places) resize(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
	p.free.Broadcast()
}

// close ends all waiting.
func (p *places) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.free.Broadcast()
}
