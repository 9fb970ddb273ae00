// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
)

// spareWorkers is how many goroutines for each processor wait for requests, while there are connections.
const spareWorkers = 64

// workers are goroutines that have served a request and wait for the next one, of whatever connection: their stacks have grown already, which was
// a twentieth of the cost of a small call.
var workers pool //nolint:gochecknoglobals // connections share them

type pool struct {
	mu    sync.Mutex
	idle  []*worker // the last one to wait is the first to work; guarded by mu, as is conns
	conns int
}

type worker struct{ job chan *stream }

// join says that there is a connection more, leave that there is one less: with the last one the workers go.
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

// work serves a stream in a goroutine that waits, or in a new one.
func (p *pool) work(s *stream) {
	p.mu.Lock()
	n := len(p.idle)
	if n == 0 {
		p.mu.Unlock()
		go p.serve(s)
		return
	}
	w := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.mu.Unlock()
	w.job <- s
}

// rest lets a worker wait; it reports whether there is room for it.
func (p *pool) rest(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == 0 || len(p.idle) >= spareWorkers*runtime.GOMAXPROCS(0) {
		return false
	}
	p.idle = append(p.idle, w)
	return true
}

func (p *pool) serve(s *stream) {
	w := &worker{job: make(chan *stream, 1)}
	for s != nil {
		s.serve()
		s = nil // it is not held while nothing is done
		if !p.rest(w) {
			return
		}
		s = <-w.job
	}
}

// serve serves the request, and tells its connection that it did.
func (s *stream) serve() {
	c := s.conn
	defer c.running.Done()
	defer c.served(s)
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.panicked()
		if p != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
			c.config.Log.Error("serving a request panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	c.config.Serve(s)
}
