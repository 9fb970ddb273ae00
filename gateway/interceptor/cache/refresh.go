// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Bounds of how long an answer may take that nobody waits for: what the call had, within these.
const (
	leastRefresh = time.Second
	mostRefresh  = 30 * time.Second
)

// refresh fetches a new answer while the call has a stale one, unless somebody does already, or too many are fetched. It does not wait.
func (l *lookup) refresh() {
	k, g := l.cache, l.route.generation
	_, f, leads := k.memory.begin(l.key, time.Now())
	if !leads {
		return
	}
	if !k.mayRefresh() {
		k.memory.end(l.key, f, nil, true)
		return
	}
	if !g.hold() { // the snapshot is on its way out
		<-k.refreshing
		k.memory.end(l.key, f, nil, true)
		return
	}
	own := l.detached()
	go func() {
		var stored *entry
		defer func() { <-k.refreshing }()
		defer g.running.Done()
		defer func() { k.memory.end(l.key, f, stored, stored == nil) }()
		defer func() {
			if p := recover(); p != nil { // what nobody waits for must not end the process
				k.counters.refreshesFailed.Add(1)
				k.config.Log.Error("an answer that was fetched for the cache panicked", slog.String("method", own.method.of.Path),
					slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			}
		}()
		stored = own.fetchBeside()
	}()
}

// mayRefresh takes a place among what is fetched beside calls, if there is one.
func (k *Cache) mayRefresh() bool {
	select {
	case k.refreshing <- struct{}{}:
		return true
	default:
		k.counters.refreshesLeft.Add(1)
		return false
	}
}

// detached is the lookup for a call that is nobody's: as the client's, and without the client. Whatever the client's call holds is the
// client's, and gone with it.
func (l *lookup) detached() *lookup {
	c := l.call
	head := *c.Request
	head.Header = slices.Clone(head.Header)
	call := transcoder.NewCall(l.route.generation.ctx, &head)
	call.Protocol, call.Method, call.Binding, call.RequestID, call.TraceID = c.Protocol, c.Method, c.Binding, c.RequestID, c.TraceID
	call.Client, call.Host, call.Identity = c.Client, c.Host, c.Identity
	call.Metadata, call.AnswerEncoding = slices.Clone(c.Metadata), c.AnswerEncoding
	allowed := mostRefresh
	if !c.Deadline.IsZero() {
		allowed = min(max(c.Deadline.Sub(c.Start), leastRefresh), mostRefresh)
	}
	call.Deadline = time.Now().Add(allowed)
	return &lookup{
		cache: l.cache, route: l.route, method: l.method, call: call, key: l.key,
		request: transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(l.request.Data.Materialize())}},
	}
}

// fetchBeside has the backend answer a detached call, and returns what was stored of it.
func (l *lookup) fetchBeside() *entry {
	k := l.cache
	k.counters.refreshes.Add(1)
	ctx, cancel := context.WithDeadline(l.call.Context(), l.call.Deadline)
	defer cancel()
	l.call.SetContext(ctx)
	since := k.memory.purges.Load()
	r := replay{request: &l.request}
	defer r.free()
	if err := l.route.next.Forward(l.call, &r); err != nil {
		k.counters.refreshesFailed.Add(1)
		return nil
	}
	stored, _ := k.store(l.method, l.key, l.call, &r.answer, since)
	return stored
}
