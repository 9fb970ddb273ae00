// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"context"
	"reflect"
	"slices"
	"sync"
)

// Keep keeps what parts of an assembly know beside calls (keys that were fetched, what was counted against limits) while the configuration
// changes elsewhere: a part that the next assembly wants in the same words is the same part. It is safe for concurrent use.
type Keep struct {
	ctx     context.Context //nolint:containedctx // that of the work beside calls, which ends with the process; nil where nothing is to be done
	running sync.WaitGroup

	mu    sync.Mutex
	parts []*part // guarded by mu
}

// part is something that is kept, and how many use it.
type part struct {
	name   string
	config any   // compared by value
	on     []any // compared by identity: channels of backends
	value  any
	uses   int
	stop   context.CancelFunc // of its work; nil before that has begun
}

// NewKeep returns an empty Keep. The work of its parts ends with ctx; with a nil ctx there is none, for looking at a configuration.
func NewKeep(ctx context.Context) *Keep { return &Keep{ctx: ctx} }

// Wait returns when the work of all parts has ended, which it does with the context of the Keep.
func (k *Keep) Wait() { k.running.Wait() }

// acquire returns the part of a name that was made of the same configuration on the same channels, or makes one. What has work to do
// beside calls is a runner. The part is given back with release.
func acquire[T any](k *Keep, name string, config any, on []any, open func() (T, error)) (T, *part, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.parts {
		if v, ok := p.value.(T); ok && p.name == name && slices.Equal(p.on, on) && reflect.DeepEqual(p.config, config) {
			p.uses++
			return v, p, nil
		}
	}
	v, err := open()
	if err != nil {
		return v, nil, err
	}
	p := &part{name: name, config: config, on: on, value: v, uses: 1}
	k.parts = append(k.parts, p)
	return v, p, nil
}

// run begins the work of parts, once each.
func (k *Keep) run(parts []*part) {
	if k.ctx == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range parts {
		r, ok := p.value.(runner)
		if !ok || p.stop != nil {
			continue
		}
		var ctx context.Context
		ctx, p.stop = context.WithCancel(k.ctx)
		k.running.Go(func() { r.Run(ctx) })
	}
}

// hold takes one use more of each part.
func (k *Keep) hold(parts []*part) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range parts {
		p.uses++
	}
}

// release gives back one use of each part. The work of one that nobody uses any more ends.
func (k *Keep) release(parts []*part) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range parts {
		if p.uses--; p.uses > 0 {
			continue
		}
		if p.stop != nil {
			p.stop()
		}
		k.parts = slices.DeleteFunc(k.parts, func(o *part) bool { return o == p })
	}
}
