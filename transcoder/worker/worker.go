// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package worker provides goroutines that have served a request and wait for the next one, of whatever connection.
package worker

import (
	"runtime"
	"sync"
)

// spare is how many goroutines for each processor wait for requests, while there are connections.
const spare = 64

// Job is what a worker does.
type Job interface {
	// Serve serves a request. It is called once.
	Serve()
}

// waiting are the goroutines that have served a request. Their stacks have grown already, which was a twentieth of the cost of a small call.
var waiting pool //nolint:gochecknoglobals // connections share them

type pool struct {
	mu    sync.Mutex
	idle  []*worker // the last one to wait is the first to work; guarded by mu, as is conns
	conns int
}

type worker struct{ job chan Job }

// Join says that there is a connection more, Leave that there is one less: with the last one the workers go.
func Join() { waiting.join() }

// Leave is called by whoever has called Join.
func Leave() { waiting.leave() }

// Do serves a job in a goroutine that waits, or in a new one. Its caller has joined.
func Do(job Job) { waiting.do(job) }

func (p *pool) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns++
}

func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns--; p.conns > 0 {
		return
	}
	for _, w := range p.idle {
		close(w.job)
	}
	p.idle = nil
}

func (p *pool) do(job Job) {
	p.mu.Lock()
	n := len(p.idle)
	if n == 0 {
		p.mu.Unlock()
		go p.serve(job)
		return
	}
	w := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.mu.Unlock()
	w.job <- job
}

// rest lets a worker wait; it reports whether there is room for it.
func (p *pool) rest(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == 0 || len(p.idle) >= spare*runtime.GOMAXPROCS(0) {
		return false
	}
	p.idle = append(p.idle, w)
	return true
}

func (p *pool) serve(job Job) {
	w := &worker{job: make(chan Job, 1)}
	for job != nil {
		job.Serve()
		job = nil // it is not held while nothing is done
		if !p.rest(w) {
			return
		}
		job = <-w.job
	}
}
