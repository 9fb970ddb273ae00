// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// errEmpty is an answer that names no endpoint.
var errEmpty = errors.New("the answer has no endpoints")

// errReturned is a Watcher that ended without a reason.
var errReturned = errors.New("the watch ended")

// ask asks a Lookuper until ctx is done.
func (r *resolution) ask(ctx context.Context) {
	failures := 0
	for {
		asked := time.Now()
		endpoints, err := r.lookup(ctx)
		if ctx.Err() != nil {
			return
		}
		r.post(endpoints, err)
		pause := jitter(r.cfg.Interval)
		if err != nil {
			pause = min(pause, backoff(r.cfg.MinInterval, r.cfg.Interval, failures))
			failures++
		} else {
			failures = 0
		}
		if !r.rest(ctx, asked, pause) {
			return
		}
	}
}

func (r *resolution) lookup(ctx context.Context) ([]endpoint.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	endpoints, err := r.cfg.Source.Lookup.Lookup(ctx)
	if err == nil && len(endpoints) == 0 {
		err = errEmpty
	}
	return endpoints, err
}

// rest waits for pause, or until gRPC wants an answer, but never asks twice within MinInterval.
// It returns false when ctx is done.
func (r *resolution) rest(ctx context.Context, asked time.Time, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-r.now:
	}
	return sleep(ctx, r.cfg.MinInterval-time.Since(asked))
}

// listen runs a Watcher until ctx is done.
func (r *resolution) listen(ctx context.Context) {
	failures := 0
	for {
		began := time.Now()
		err := r.cfg.Source.Watch.Watch(ctx, func(endpoints []endpoint.Endpoint, err error) {
			if err == nil && len(endpoints) == 0 {
				err = errEmpty
			}
			r.post(endpoints, err)
		})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errReturned
		}
		r.post(nil, err)
		if time.Since(began) > maxPause {
			failures = 0
		}
		if !sleep(ctx, backoff(r.cfg.MinInterval, maxPause, failures)) {
			return
		}
		failures++
	}
}

// sleep waits for d. It returns false when ctx is done first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// jitter returns d less up to a tenth, so that processes that started together drift apart while
// none is ever later than d.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/10+1)
}

// backoff returns the pause after so many failures in a row before this one: first, doubled each
// time up to most, less up to a tenth.
func backoff(first, most time.Duration, failures int) time.Duration {
	d := first
	for range failures {
		if d >= most {
			break
		}
		d *= 2
	}
	return jitter(min(d, max(most, first)))
}
