// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	grpcbalancer "google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// refusal is the gRPC picker while no endpoint is ready: its error makes calls wait or fail.
type refusal struct {
	err error
}

// Pick implements grpc-go's balancer.Picker.
func (r refusal) Pick(grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
	return grpcbalancer.PickResult{}, r.err
}

// placer is the gRPC picker that places calls as a policy's picker says, and keeps the count.
type placer struct {
	picker   picker.Picker
	finisher picker.Finisher // nil if the picker is none
}

func newPlacer(p picker.Picker) *placer {
	f, _ := p.(picker.Finisher)
	return &placer{picker: p, finisher: f}
}

// errNoChoice is a policy that broke its contract.
var errNoChoice = errors.New("the policy chose no endpoint")

// errFull ends a call that finds every endpoint with as many calls as it may have for it.
var errFull = status.Error(codes.ResourceExhausted, "every endpoint has as many calls as it may have")

// takeBack tells the policy that a call which it placed is none.
func (p *placer) takeBack(c *picker.Candidate, method string, call *picker.Call, now time.Duration) {
	if p.finisher != nil {
		p.finisher.Finish(c, picker.Outcome{Method: method, Call: call, Now: now, First: -1, Result: picker.Neither})
	}
}

// Pick implements grpc-go's balancer.Picker. It does not allocate.
func (p *placer) Pick(info grpcbalancer.PickInfo) (grpcbalancer.PickResult, error) {
	call, now := picker.CallFrom(info.Ctx), since()
	c, err := p.picker.Pick(picker.Info{
		Method: info.FullMethodName, Context: info.Ctx, Call: call, Now: now, Random: rand.Uint64(),
	})
	if err != nil {
		return grpcbalancer.PickResult{}, err
	}
	if c == nil {
		return grpcbalancer.PickResult{}, errNoChoice
	}
	if call != nil && call.Full(c) {
		p.takeBack(c, info.FullMethodName, call, now)
		return grpcbalancer.PickResult{}, errFull
	}
	ls, ok := c.Handle.(*links)
	if !ok || ls == nil {
		return grpcbalancer.PickResult{}, errNoChoice
	}
	l := ls.take()
	if l == nil {
		// All connections are full and another one comes: gRPC picks again then.
		p.takeBack(c, info.FullMethodName, call, now)
		return grpcbalancer.PickResult{}, grpcbalancer.ErrNoSubConnAvailable
	}
	c.Stats.Begin()
	if call != nil {
		call.Chose(c)
		call.Travels(&l.resets)
	}
	t, ok := tickets.Get().(*ticket)
	if !ok {
		t = newTicket()
	}
	t.candidate, t.link, t.finisher, t.method, t.call, t.began = c, l, p.finisher, info.FullMethodName, call, now
	return grpcbalancer.PickResult{SubConn: l.sc, Done: t.done}, nil
}

// ticket is a call that was placed, until gRPC says that it is over. gRPC says so exactly once for
// each pick, after which the ticket serves another call.
type ticket struct {
	candidate *picker.Candidate
	link      *link
	finisher  picker.Finisher
	method    string
	call      *picker.Call
	began     time.Duration
	done      func(grpcbalancer.DoneInfo) // t.end, made once: a method value allocates
}

var tickets sync.Pool

func newTicket() *ticket {
	t := new(ticket)
	t.done = t.end
	return t
}

// end is told how the call ended.
func (t *ticket) end(info grpcbalancer.DoneInfo) {
	at := since()
	o := picker.Outcome{
		Method: t.method, Call: t.call, Now: at, Latency: at - t.began, First: -1,
		Result: picker.ResultOf(info.Err), Err: info.Err, Trailer: info.Trailer, Load: info.ServerLoad,
	}
	c, l, finisher, began := t.candidate, t.link, t.finisher, t.began
	t.candidate, t.link, t.finisher, t.method, t.call = nil, nil, nil, "", nil
	tickets.Put(t)
	l.end()
	if isReset(&info) && (o.Call == nil || !o.Call.ResetPaid()) && l.resets.Charge() {
		l.m.host.hub.resetsAreLow()
	}

	if info.Err == nil && !info.BytesSent {
		// gRPC found the connection gone and picks again: this was no call.
		o.Result = picker.Neither
	}
	sample := o.Latency
	if o.Call != nil {
		o.Call.Ended(info.BytesSent, info.BytesReceived)
		if o.Call.Streaming {
			o.First = o.Call.FirstAfter(began)
			sample = o.First
		}
	}
	c.Stats.End(o.Result, sample, int64(at))
	if finisher != nil {
		finisher.Finish(c, o)
	}
}

//nolint:gochecknoglobals // the zero of a monotonic clock
var epoch = time.Now()

// isReset says whether a call was cancelled before the server had ended it. What a server itself says of a deadline mostly looks the same.
func isReset(info *grpcbalancer.DoneInfo) bool {
	if info.Err == nil || !info.BytesSent || len(info.Trailer) > 0 {
		return false
	}
	code := status.Code(info.Err)
	return code == codes.Canceled || code == codes.DeadlineExceeded
}

// since returns the time on a monotonic clock, which costs half of time.Now.
func since() time.Duration { return time.Since(epoch) }
