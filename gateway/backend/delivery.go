// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// What gRFC A6 has in metadata.
const (
	previousAttempts = "grpc-previous-rpc-attempts"
	retryPushback    = "grpc-retry-pushback-ms"
)

// delivery is one call on its way to a backend: a channel that carries that call alone, in as many attempts as its policy and the
// backend's budget allow. It is used as a channel is by one call: by one goroutine, and by a second that sends a stream's request.
type delivery struct {
	backend    *Backend
	policy     *Policy
	hedger     *hedger // nil for a call that is not hedged
	repeatable bool    // it may be sent again although a backend may have seen it

	client  netip.Addr
	gate    *gate     // that the call goes through
	inside  bool      // it has gone through, and not left
	parked  bool      // parking gives back its place
	probe   bool      // of the circuit breaker
	entered time.Time // for the adaptive limit

	trace *transcoder.Trace // of the call
	start time.Time         // of the call
	tries tries
	dry   bool // a retry was due that the budget did not allow

	call    picker.Call  // of the first attempt
	last    *picker.Call // of the last hedge of an attempt, which knows of all before; nil if there was none
	retried int          // how many attempts there were beside the first, one after the other
	hedges  int          // and beside each other
	stream  *replayed    // nil for a unary call
}

var (
	_ grpc.ClientConnInterface  = (*delivery)(nil)
	_ transcoder.CompressedConn = (*delivery)(nil)
	_ transcoder.Carrier        = (*delivery)(nil)
)

// ReadsCompressed says what the configuration does. New has opened the channel with transcoder.DialOptions.
func (d *delivery) ReadsCompressed() bool { return d.backend.gzip }

// Carries says whether the channel takes calls as the transcoder has them: all but those that a control plane balances.
func (d *delivery) Carries() bool { return !d.backend.config.XDS() }

// Invoke makes a unary call, in the goroutine of the caller. Nothing of an answer has left for the client before it returns, so it may try
// again until then.
func (d *delivery) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if err := d.enter(ctx); err != nil {
		return err
	}
	err := d.invoke(ctx, method, args, reply, opts)
	d.leave(ctx, err)
	return err
}

func (d *delivery) invoke(ctx context.Context, method string, args, reply any, opts []grpc.CallOption) error {
	call := &d.call
	for {
		err := d.try(ctx, call, method, args, reply, opts)
		if err == nil {
			return nil
		}
		if !d.again(ctx, call, err, trailerOf(opts)) {
			return outcomeOf(err, call)
		}
		forget(reply, opts)
		if d.last != nil {
			call, d.last = d.last, nil
		}
		call = call.Retry()
	}
}

// try makes one attempt.
func (d *delivery) try(ctx context.Context, call *picker.Call, method string, args, reply any, opts []grpc.CallOption) error {
	limit := d.limit(ctx)
	ctx = d.outgoing(ctx)
	kind := d.kind()
	if limit <= 0 {
		return d.reach(ctx, call, kind, method, args, reply, opts)
	}
	own, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return overLimit(ctx, limit, d.reach(own, call, kind, method, args, reply, opts))
}

// reach calls the backend.
func (d *delivery) reach(ctx context.Context, call *picker.Call, kind transcoder.TryKind, method string, args, reply any, opts []grpc.CallOption) error {
	if request, ok := args.(*transcoder.Message); ok && d.backend.channel.ResetsLow() {
		return d.careful(ctx, call, kind, method, request, reply, opts)
	}
	if d.hedger != nil {
		return d.hedged(ctx, call, kind, method, args, reply, opts)
	}
	return d.send(ctx, call, kind, method, args, reply, opts)
}

// errCut is a stream that ended while grpc-go sent its request for the second time, of which grpc-go says io.EOF and not how it ended.
//
// google.golang.org/grpc v1.85.0: stream.go, clientStream.retryLocked.
var errCut = grpcstatus.Error(codes.Unavailable, "the stream ended before its request was sent")

// send makes one call on the channel, and keeps that it did.
func (d *delivery) send(ctx context.Context, call *picker.Call, kind transcoder.TryKind, method string, args, reply any, opts []grpc.CallOption) error {
	t := d.began(ctx, kind)
	err := d.invokeOn(picker.WithCall(ctx, call), method, args, reply, opts)
	d.tried(t, call, err)
	return err
}

// invokeOn makes one call on the channel.
func (d *delivery) invokeOn(ctx context.Context, method string, args, reply any, opts []grpc.CallOption) error {
	err := d.backend.channel.Invoke(ctx, method, args, reply, opts...)
	if err == io.EOF { //nolint:errorlint // the very error: grpc-go's statuses wrap others
		return errCut
	}
	return err
}

// outgoing returns the context of an attempt.
func (d *delivery) outgoing(ctx context.Context) context.Context {
	if d.retried > 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, previousAttempts, strconv.Itoa(d.retried))
	}
	return d.traced(ctx)
}

// limit returns how long the next attempt may take; 0 for as long as the call.
func (d *delivery) limit(ctx context.Context) time.Duration {
	r := &d.policy.retries
	if r.perTry == 0 || !d.repeatable || d.retried+1 >= r.attempts {
		return 0
	}
	limit := r.perTry
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/2) // what follows has as much
	}
	return max(limit, 1)
}

// tryTimeout is an attempt that took too long, of a call that has time left.
type tryTimeout struct {
	limit time.Duration
}

// Error implements error.
func (t tryTimeout) Error() string { return t.Unwrap().Error() }

// Unwrap returns what it means to the client.
func (t tryTimeout) Unwrap() error {
	return status.Errorf(codes.DeadlineExceeded, status.ReasonDeadlineExceeded, "the backend did not answer within %v", t.limit)
}

// overLimit returns what the error of an attempt means that had a limit, while the call, whose context ctx is, goes on. The backend
// was told of the limit, and may say itself that it has passed.
func overLimit(ctx context.Context, limit time.Duration, err error) error {
	if err != nil && ctx.Err() == nil && grpcstatus.Code(err) == codes.DeadlineExceeded {
		return tryTimeout{limit}
	}
	return err
}

// again says whether a call that failed is to be tried again, and waits for as long as it should before.
func (d *delivery) again(ctx context.Context, call *picker.Call, err error, trailer metadata.MD) bool {
	r := &d.policy.retries
	if d.retried+1 >= r.attempts || ctx.Err() != nil || !d.retryable(call, err) {
		return false
	}
	pause, ok := pushback(trailer)
	if !ok {
		return false
	}
	if pause < 0 {
		pause = r.pause(d.retried + 1)
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= pause {
		return false
	}
	if !d.backend.budget.retry() {
		d.backend.counts.overBudget.Add(1)
		d.dry = true
		return false
	}
	if !wait(ctx, pause) {
		return false
	}
	d.backend.counts.retries.Add(1)
	d.retried++
	return true
}

// retryable says whether what went wrong is a reason to try again, and safe.
func (d *delivery) retryable(call *picker.Call, err error) bool {
	if wasUnseen(err, call) {
		return true
	}
	if !d.repeatable || call.Stage() == picker.StageWaiting {
		return false // no endpoint is ready: there is nowhere to go
	}
	if _, ok := errors.AsType[tryTimeout](err); ok {
		return true
	}
	return d.policy.retries.covers(grpcstatus.Code(err))
}

// pushback returns how long the backend wants a retry to wait, below zero when it does not say. It is false when there is to
// be none: that is said with a negative number, and with anything that is none (gRFC A6).
func pushback(trailer metadata.MD) (time.Duration, bool) {
	values := trailer[retryPushback]
	if len(values) == 0 {
		return -1, true
	}
	ms, err := strconv.ParseInt(values[0], 10, 32)
	if len(values) > 1 || err != nil || ms < 0 {
		return 0, false
	}
	pause := time.Duration(ms) * time.Millisecond
	return pause, pause <= maxPause
}

// trailerOf returns the trailer that a call was asked to tell, once it has ended.
func trailerOf(opts []grpc.CallOption) metadata.MD {
	for _, o := range opts {
		switch t := o.(type) {
		case grpc.TrailerCallOption:
			return *t.TrailerAddr
		case *transcoder.AnswerOption:
			if said := t.Pushback(); said != nil {
				return metadata.MD{retryPushback: said}
			}
			return nil
		}
	}
	return nil
}

// forget takes back what an attempt has told, before another one.
func forget(reply any, opts []grpc.CallOption) {
	if m, ok := reply.(*transcoder.Message); ok {
		m.Free()
	}
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = nil
		case grpc.TrailerCallOption:
			*o.TrailerAddr = nil
		case *transcoder.AnswerOption:
			o.Reset()
		}
	}
}

// wait waits, and says whether the call is still wanted then.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
