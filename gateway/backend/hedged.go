// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// hedged makes one attempt at a call which, when it is late, is made once more on another endpoint. The first one is made in the goroutine of
// the caller; a goroutine more there is only for one that is late.
func (d *delivery) hedged(ctx context.Context, call *picker.Call, kind transcoder.TryKind, method string, args, reply any, opts []grpc.CallOption) error {
	late := d.hedger.call()
	began := time.Now()
	if late == 0 {
		err := d.send(ctx, call, kind, method, args, reply, opts)
		if err == nil {
			d.hedger.sample(time.Since(began))
		}
		return err
	}
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &race{delivery: d, ctx: own, cancel: cancel, first: call, call: call, method: method, args: args, opts: opts, late: late}
	r.changed.L = &r.mu
	r.schedule() //nolint:contextcheck // it has the context
	err := d.send(own, call, kind, method, args, reply, opts)
	err = r.settle(ctx, err, reply)
	if err == nil {
		d.hedger.sample(time.Since(began))
	}
	return err
}

// race is a call that may be made more than once at a time. The first answer that is none to wait for another wins.
type race struct {
	delivery *delivery
	ctx      context.Context //nolint:containedctx // of all, ends with the race
	cancel   context.CancelFunc
	method   string
	args     any
	first    *picker.Call
	opts     []grpc.CallOption // of the first
	late     time.Duration
	others   sync.WaitGroup // timers and what they have begun

	mu      sync.Mutex
	changed sync.Cond    // winner or running has changed
	call    *picker.Call // the last; guarded by mu
	timer   *time.Timer  // to the next; guarded by mu
	hedges  int          // begun; guarded by mu
	running int          // of them; guarded by mu
	winner  *answer      // nil while none has; guarded by mu
	over    bool         // nothing more may begin or win; guarded by mu
}

// schedule has another call made when it is late.
func (r *race) schedule() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scheduleLocked()
}

func (r *race) scheduleLocked() {
	if r.over || r.hedges+1 >= r.delivery.hedger.cfg.Attempts {
		return
	}
	r.others.Add(1)
	r.timer = time.AfterFunc(r.late, func() {
		defer r.others.Done()
		if h := r.begin(); h != nil {
			h.err = r.delivery.send(r.delivery.traced(r.ctx), h.call, transcoder.TryHedge, r.method, r.args, &h.reply, h.options(r.opts))
			r.ended(h)
		}
	})
}

// begin returns one more call, if there may be one.
func (r *race) begin() *answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.delivery.backend
	switch {
	case r.over || r.winner != nil || b.channel.ReadyEndpoints() < 2, b.channel.ResetsLow(): // another one than the first is needed, and who loses is reset
		return nil
	case !r.delivery.hedger.spend():
		b.counts.hedgesOverBudget.Add(1)
		return nil
	}
	b.counts.hedges.Add(1)
	r.hedges++
	r.running++
	r.call = r.call.Retry()
	r.scheduleLocked()
	return &answer{call: r.call}
}

// ended is told how a hedge ended.
func (r *race) ended(h *answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	if r.over || r.winner != nil || !r.delivery.final(h.call, h.err) {
		h.reply.Free()
	} else {
		r.winner = h
		r.cancel()
	}
	r.changed.Broadcast()
}

// final says whether an outcome ends a race: an answer does, and so does an error that another endpoint would give as well.
func (d *delivery) final(call *picker.Call, err error) bool {
	return err == nil || !wasUnseen(err, call) && !d.policy.retries.covers(grpcstatus.Code(err))
}

// settle is told how the first call ended, and returns how all did. Nothing of them runs any more then.
func (r *race) settle(ctx context.Context, err error, reply any) error {
	r.mu.Lock()
	if err != nil && ctx.Err() == nil {
		for r.winner == nil && r.running > 0 && !r.delivery.final(r.first, err) {
			r.changed.Wait()
		}
	}
	r.over = true
	if r.timer != nil && r.timer.Stop() {
		r.others.Done()
	}
	winner := r.winner
	if d := r.delivery; r.hedges > 0 {
		d.last = r.call
		d.hedges += r.hedges
	}
	r.mu.Unlock()
	r.cancel()
	r.others.Wait()
	switch {
	case winner == nil:
		return err
	case err == nil:
		winner.reply.Free()
		return nil
	}
	r.delivery.backend.counts.hedgesWon.Add(1)
	winner.tell(reply, r.opts)
	return winner.err
}
