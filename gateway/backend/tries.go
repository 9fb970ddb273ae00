// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// traceParent is the field in which an attempt says to which part of which trace it belongs.
const traceParent = "traceparent"

// tries keeps the attempts of a call, some of which run beside each other.
type tries struct {
	mu    sync.Mutex
	kept  [transcoder.MaxTries]transcoder.Try // guarded by mu
	count int                                 // guarded by mu
}

func (t *tries) add(one transcoder.Try) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count < len(t.kept) {
		t.kept[t.count] = one
		t.count++
	}
}

// all returns what was kept. An attempt that nobody waited for may still be added, and is in none of what was returned.
func (t *tries) all() []transcoder.Try {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept[:t.count:t.count]
}

// kind says why the next attempt is made.
func (d *delivery) kind() transcoder.TryKind {
	if d.retried > 0 {
		return transcoder.TryRetry
	}
	return transcoder.TryFirst
}

// began returns an attempt that begins, in the context that traced returned.
func (d *delivery) began(ctx context.Context, kind transcoder.TryKind) transcoder.Try {
	t := transcoder.Try{Kind: kind, Offset: time.Since(d.start)}
	if d.trace != nil && d.trace.Sampled {
		t.Span, _ = ctx.Value(spanKey{}).([8]byte)
	}
	return t
}

// tried keeps an attempt that has ended.
func (d *delivery) tried(t transcoder.Try, call *picker.Call, err error) {
	t.Took = time.Since(d.start) - t.Offset
	t.Endpoint, t.Code = call.Endpoint().Address(), grpcstatus.Code(err)
	d.tries.add(t)
}

// ended keeps the attempt of a stream, once. The first error counts.
func (d *delivery) ended(t *try, err error) {
	if t == nil || t.told {
		return
	}
	t.told = true
	d.tried(t.kept, t.call, err)
}

// spanKey is the context key of the part of a trace that an attempt is.
type spanKey struct{}

// traced makes an attempt a part of its call's trace, if that is recorded: what the backend does is then a part of the attempt.
func (d *delivery) traced(ctx context.Context) context.Context {
	if d.trace == nil || !d.trace.Sampled {
		return ctx
	}
	span := transcoder.NewSpanID()
	md, _ := metadata.FromOutgoingContext(ctx)
	if md == nil {
		md = metadata.MD{}
	}
	md.Set(traceParent, d.trace.ParentText(span))
	return context.WithValue(metadata.NewOutgoingContext(ctx, md), spanKey{}, span)
}
