// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

const (
	// parkedSlot is for how long a call that nobody waits for any more keeps its place in what its client may have.
	parkedSlot = 5 * time.Second
	// maxPlaceless is how many such calls there may be whose client has its place back.
	maxPlaceless = 1024
	// parkedLook is how often one looks whether it may be reset.
	parkedLook = time.Second / picker.ResetsPerSecond
)

// parking is where calls are that nobody waits for any more, and that are not reset because too many were of late on their connection. The
// backend knows their deadline and mostly ends them itself; if not, they are reset in their turn (threat H1).
type parking struct {
	calls     sync.WaitGroup
	all       atomic.Int64
	placeless atomic.Int64  // whose client has its place back
	over      chan struct{} // closed when the backend is
	end       func()        // closes over
}

func newParking() *parking {
	p := &parking{over: make(chan struct{})}
	p.end = sync.OnceFunc(func() { close(p.over) })
	return p
}

// careful makes a call whose end its stream outlives: when the client goes away or its time is up, the caller returns at once, and the
// stream is reset when that does not harm others. It takes two goroutines, and is for times in which streams are reset too often.
func (d *delivery) careful(ctx context.Context, call *picker.Call, kind transcoder.TryKind, method string, request *transcoder.Message, reply any, opts []grpc.CallOption) error {
	t := d.began(ctx, kind)
	own := newPatient(picker.WithCall(ctx, call))
	m := transcoder.Message{Data: request.Data, Encoding: request.Encoding}
	m.Data.Ref()
	a := &answer{call: call}
	ended := make(chan struct{})
	p := d.backend.parking
	p.calls.Go(func() { //nolint:contextcheck // it outlives the context on purpose
		defer close(ended)
		a.err = d.invokeOn(own, method, &m, &a.reply, a.options(opts))
		m.Free()
	})
	select {
	case <-ended:
		d.tried(t, call, a.err)
		a.tell(reply, opts)
		return a.err
	case <-ctx.Done():
	}
	d.tried(t, call, contextStatus(ctx))
	d.park(own, call, ended, ctx.Err(), func() { a.reply.Free() })
	return contextStatus(ctx)
}

// park keeps a call that nobody waits for any more until it has ended, or is reset. ended is closed when it has, and drop is called then.
func (d *delivery) park(own *patient, call *picker.Call, ended <-chan struct{}, why error, drop func()) {
	var g *gate // the first that is parked keeps the place of the call
	if !d.parked {
		d.parked, g = true, d.gate
	}
	p, client := d.backend.parking, d.client
	p.calls.Go(func() {
		p.all.Add(1)
		defer p.all.Add(-1)
		if p.wait(call, ended, func() bool { return g != nil && p.vacate(g, client) }) {
			g = nil
			defer p.placeless.Add(-1)
		}
		own.end(why)
		<-ended
		drop()
		if g != nil {
			g.leave(client)
		}
	})
}

// vacate gives a client its place back, unless too many calls have none already.
func (p *parking) vacate(g *gate, client netip.Addr) bool {
	if p.placeless.Add(1) > maxPlaceless {
		p.placeless.Add(-1)
		return false
	}
	g.leave(client)
	return true
}

// wait waits until a call has ended or may be reset, and says whether vacate, which is called when it takes long, has given up its place.
func (p *parking) wait(call *picker.Call, ended <-chan struct{}, vacate func() bool) (vacated bool) {
	expiry := time.NewTimer(parkedSlot)
	defer expiry.Stop()
	look := time.NewTicker(parkedLook)
	defer look.Stop()
	for !call.MayReset() {
		select {
		case <-ended:
			return vacated
		case <-p.over:
			return vacated
		case <-look.C:
		case <-expiry.C:
			vacated = vacate()
		}
	}
	return vacated
}
