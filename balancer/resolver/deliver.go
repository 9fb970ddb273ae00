// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

// letter is what the source has said since the last delivery: its newest list, and whether it has
// failed after that.
type letter struct {
	endpoints []endpoint.Endpoint // nil: no list since
	err       error               // nil: the newest word is the list
}

// post leaves the source's word for the delivering goroutine.
func (r *resolution) post(endpoints []endpoint.Endpoint, err error) {
	r.mu.Lock()
	if err == nil {
		r.letter.endpoints = endpoints
	}
	r.letter.err = err
	r.mu.Unlock()
	signal(r.mail)
}

// again posts a list once more that gRPC has refused, unless there is a newer one.
func (r *resolution) again(endpoints []endpoint.Endpoint) {
	r.mu.Lock()
	if r.letter.endpoints == nil {
		r.letter.endpoints = endpoints
	}
	r.mu.Unlock()
	signal(r.mail)
}

func (r *resolution) take() letter {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.letter
	r.letter = letter{}
	return l
}

// deliverAll passes the source's words on until ctx is done: the first at once, later ones not
// more often than once in Coalesce.
func (r *resolution) deliverAll(ctx context.Context) {
	d := delivery{r: r}
	var delivered time.Time
	for {
		if d.refused != nil {
			if !sleep(ctx, r.cfg.MinInterval) {
				return
			}
			r.again(d.refused)
		}
		select {
		case <-ctx.Done():
			return
		case <-r.mail:
		}
		if !delivered.IsZero() && !sleep(ctx, r.cfg.Coalesce-time.Since(delivered)) {
			return
		}
		l := r.take()
		if l.endpoints != nil {
			d.list(l.endpoints)
		}
		if l.err != nil {
			d.failure(l.err)
		}
		delivered = time.Now()
	}
}

// delivery is what the delivering goroutine remembers.
type delivery struct {
	r       *resolution
	inForce map[string]endpoint.Endpoint // by key; the last good answer
	failing bool
	refused []endpoint.Endpoint // a list that gRPC did not take, to be tried again
}

// list puts a good answer in force.
func (d *delivery) list(endpoints []endpoint.Endpoint) {
	cfg := &d.r.cfg
	d.refused = nil
	unique := make(map[string]endpoint.Endpoint, len(endpoints))
	kept := make([]grpcresolver.Endpoint, 0, len(endpoints))
	for _, e := range endpoints {
		if _, ok := unique[e.Key()]; ok || e.IsZero() {
			continue
		}
		unique[e.Key()] = e
		kept = append(kept, e.GRPC())
	}
	if len(kept) == 0 {
		d.failure(errEmpty)
		return
	}
	if d.failing {
		d.failing = false
		cfg.Logger.Info("endpoints are resolved again", slog.String("source", cfg.Source.Name), slog.Int("endpoints", len(kept)))
	}
	cfg.Observe(Report{At: time.Now(), Endpoints: len(kept)})
	if sameEndpoints(d.inForce, unique) {
		return
	}
	rand.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	d.inForce = unique
	if err := d.r.cc.UpdateState(grpcresolver.State{Endpoints: kept, Attributes: cfg.Attributes}); err != nil {
		// The balancer refused it and wants another try.
		d.inForce = nil
		d.refused = endpoints
	}
}

// failure keeps what is in force, and says so once until the source answers again. While nothing is
// in force yet, calls fail with the source's error instead of waiting.
func (d *delivery) failure(err error) {
	cfg := &d.r.cfg
	if !d.failing {
		d.failing = true
		cfg.Logger.Warn("endpoints cannot be resolved; the last known stay in use",
			slog.String("source", cfg.Source.Name), slog.Int("endpoints", len(d.inForce)), slog.Any("error", err))
	}
	cfg.Observe(Report{At: time.Now(), Endpoints: len(d.inForce), Err: err})
	if d.inForce == nil {
		d.r.cc.ReportError(fmt.Errorf("no endpoints from %s: %w", cfg.Source.Name, err))
	}
}

func sameEndpoints(a, b map[string]endpoint.Endpoint) bool {
	if a == nil || len(a) != len(b) {
		return false
	}
	for k, e := range a {
		if o, ok := b[k]; !ok || !e.Equal(o) {
			return false
		}
	}
	return true
}
