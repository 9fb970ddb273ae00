// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// NewStream makes a call that streams. Until the first of its answer comes, or more of its request than is kept has been sent, it can be
// tried again: by the goroutine that receives, in Header or RecvMsg.
func (d *delivery) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	d.call.Streaming = true
	if err := d.enter(ctx); err != nil {
		return nil, err
	}
	r := &replayed{
		delivery: d, ctx: ctx, desc: desc, method: method, opts: opts, call: &d.call, changed: make(chan struct{}),
		committed: !d.repeatable || d.policy.retries.attempts == 1,
	}
	d.stream = r
	for {
		s, err := r.begin() //nolint:contextcheck // it has the context
		if err == nil {
			r.current = s
			return r, nil
		}
		if !d.again(ctx, r.call, err, nil) {
			return nil, outcomeOf(err, r.call)
		}
		r.call = r.call.Retry()
	}
}

// replayed is a stream that may be another attempt than it was.
type replayed struct {
	delivery *delivery
	ctx      context.Context //nolint:containedctx // the call's, as grpc.ClientStream has
	desc     *grpc.StreamDesc
	method   string
	opts     []grpc.CallOption

	// Of the goroutine that receives.
	call    *picker.Call
	pending error // what the next RecvMsg returns: Header has seen it

	mu         sync.Mutex
	current    *try                 // guarded by mu
	generation int                  // of current; guarded by mu
	kept       []transcoder.Message // of the request, until committed; guarded by mu
	size       int                  // of kept; guarded by mu
	closed     bool                 // the request has ended; guarded by mu
	committed  bool                 // current is the last one; guarded by mu
	changed    chan struct{}        // closed, and replaced, when current or committed changes; guarded by mu
}

// try is one attempt.
type try struct {
	grpc.ClientStream

	call   *picker.Call
	kept   transcoder.Try // what is kept of it
	told   bool           // it is; of the goroutine that receives
	limit  time.Duration
	slow   *carefulStream // the stream, when it outlives its caller
	timer  *time.Timer    // ends an attempt that is not answered in time; nil for none
	cancel context.CancelFunc
}

// answered stops the timer; it is false when the timer was first.
func (t *try) answered() bool { return t.timer == nil || t.timer.Stop() }

// RecvMsg implements grpc.ClientStream. An end without any answer is none: see errCut.
func (t *try) RecvMsg(m any) error {
	err := t.ClientStream.RecvMsg(m)
	if errors.Is(err, io.EOF) && t.call.Stage() == picker.StageSent {
		return errCut
	}
	return err
}

// begin opens another attempt.
func (r *replayed) begin() (*try, error) {
	d := r.delivery
	t := &try{call: r.call, limit: d.limit(r.ctx)}
	traced := d.outgoing(r.ctx)
	t.kept = d.began(traced, d.kind())
	ctx := picker.WithCall(traced, r.call)
	if !r.isCommitted() {
		ctx, t.cancel = context.WithCancel(ctx) //nolint:gosec // called for an attempt that is given up, and the parent ends with the call
	}
	if t.cancel != nil && t.limit > 0 {
		t.timer = time.AfterFunc(t.limit, t.cancel)
	}
	s, err := r.open(ctx, t)
	if err != nil {
		if !t.answered() && r.ctx.Err() == nil {
			err = tryTimeout{t.limit}
		}
		if t.cancel != nil {
			t.cancel()
		}
		d.tried(t.kept, t.call, err)
		return nil, err
	}
	t.ClientStream = s
	return t, nil
}

// open opens the stream of an attempt.
func (r *replayed) open(ctx context.Context, t *try) (grpc.ClientStream, error) {
	d := r.delivery
	if !d.backend.channel.ResetsLow() {
		return d.backend.channel.NewStream(ctx, r.desc, r.method, r.opts...)
	}
	s, err := d.openCarefully(ctx, t.call, r.desc, r.method, r.opts)
	if err != nil {
		return nil, err
	}
	t.slow = s
	return s, nil
}

func (r *replayed) stream() *try {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

func (r *replayed) isCommitted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.committed
}

// commit makes the current attempt the last one: nothing need be kept any more.
func (r *replayed) commit() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commitLocked()
}

func (r *replayed) commitLocked() {
	if r.committed {
		return
	}
	r.committed = true
	for i := range r.kept {
		r.kept[i].Free()
	}
	r.delivery.backend.replays.give(r.size)
	r.kept, r.size = nil, 0
	r.changedLocked()
}

func (r *replayed) changedLocked() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// messageOverhead is what a message takes beside its bytes, so that empty ones are not free.
const messageOverhead = 64

// keepLocked keeps a message, or gives up keeping: what is not ours, or too much, cannot be sent again.
func (r *replayed) keepLocked(v any) {
	m, ok := v.(*transcoder.Message)
	if !ok {
		r.commitLocked()
		return
	}
	n := m.Data.Len() + messageOverhead
	if !r.delivery.backend.replays.take(n, r.size) {
		r.commitLocked()
		return
	}
	m.Data.Ref()
	r.size += n
	r.kept = append(r.kept, *m)
}

// SendMsg implements grpc.ClientStream. What fails to be sent on an attempt that is given up is sent on the next one.
func (r *replayed) SendMsg(m any) error {
	r.mu.Lock()
	if !r.committed {
		r.keepLocked(m)
	}
	s, generation := r.current, r.generation
	r.mu.Unlock()
	err := s.SendMsg(m)
	for err != nil {
		r.mu.Lock()
		moved, settled, changed := r.generation != generation, r.committed, r.changed
		r.mu.Unlock()
		switch {
		case moved:
			return nil // it was among what is kept
		case settled:
			return err
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return err
		}
	}
	return nil
}

// CloseSend implements grpc.ClientStream.
func (r *replayed) CloseSend() error {
	r.mu.Lock()
	r.closed = true
	s := r.current
	r.mu.Unlock()
	return s.CloseSend()
}

// Header implements grpc.ClientStream. That there is no head may mean that the attempt failed: its end tells.
func (r *replayed) Header() (metadata.MD, error) {
	for {
		s := r.stream()
		md, err := s.Header()
		if r.isCommitted() {
			return md, err
		}
		if md != nil && s.answered() {
			r.commit()
			return md, nil
		}
		if err = r.end(s); errors.Is(err, io.EOF) || !r.retry(s, err) {
			r.commit()
			r.pending = outcomeOf(err, s.call)
			return nil, nil //nolint:nilnil // as grpc-go has it
		}
	}
}

// end returns how an attempt ended that had no head, or had it too late.
func (r *replayed) end(s *try) error {
	var none transcoder.Message
	for {
		err := s.RecvMsg(&none)
		none.Free()
		if err != nil {
			return r.errorOf(s, err)
		}
	}
}

// errorOf returns what the error of an attempt means.
func (r *replayed) errorOf(s *try, err error) error {
	if !errors.Is(err, io.EOF) && !s.answered() && r.ctx.Err() == nil {
		return tryTimeout{s.limit}
	}
	return err
}

// RecvMsg implements grpc.ClientStream.
func (r *replayed) RecvMsg(m any) error {
	if r.pending != nil {
		return r.pending
	}
	for {
		s := r.stream()
		err := s.RecvMsg(m)
		if r.isCommitted() {
			return outcomeOf(err, s.call)
		}
		switch {
		case err == nil && s.answered(), errors.Is(err, io.EOF):
			r.commit()
			return err
		case err == nil:
			if late, ok := m.(*transcoder.Message); ok {
				late.Free()
			}
			err = r.end(s)
		default:
			err = r.errorOf(s, err)
		}
		if !r.retry(s, err) {
			r.commit()
			return outcomeOf(err, s.call)
		}
	}
}

// retry puts another attempt in the place of one that failed, if that is right and works.
func (r *replayed) retry(failed *try, err error) bool {
	r.delivery.ended(failed, err)
	trailer := failed.Trailer()
	for r.delivery.again(r.ctx, r.call, err, trailer) {
		call := r.call
		r.call = call.Retry()
		var t *try
		if t, err = r.begin(); err == nil {
			return r.replay(t)
		}
		trailer = nil
	}
	return false
}

// giveUp is told that an attempt is not the current one any more, or that the call is over.
func (r *replayed) giveUp(t *try) {
	if t.cancel != nil {
		t.cancel()
	}
	if t.slow != nil {
		t.slow.leave(r.delivery)
	}
}

// replay sends what was kept on a new attempt, and makes it the current one. It is false when in the meantime more was sent than is kept.
func (r *replayed) replay(t *try) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.committed {
		r.giveUp(t)
		return false
	}
	r.giveUp(r.current)
	var err error
	for i := range r.kept {
		if err = t.SendMsg(&r.kept[i]); err != nil {
			break // RecvMsg has the reason
		}
	}
	if err == nil && r.closed {
		_ = t.CloseSend() // likewise
	}
	r.current = t
	r.generation++
	r.changedLocked()
	return true
}

// Trailer implements grpc.ClientStream.
func (r *replayed) Trailer() metadata.MD { return r.stream().Trailer() }

// Context implements grpc.ClientStream.
func (r *replayed) Context() context.Context { return r.stream().Context() }
