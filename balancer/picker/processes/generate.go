// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"
)

// timeout is how long a client waits for an answer.
const timeout = 2 * time.Second

// sample is one call: what a client prints.
type sample struct {
	// Due is when the call was to begin, and Late how much later it did: how disturbed the client was.
	Due, Late time.Duration
	// Took is how long after it was due it ended: a client that comes late does not hide it.
	Took time.Duration
	// Failed says that it ended with an error.
	Failed bool
}

// generate calls so many times a second, at random moments and whatever becomes of the calls, for so long, and
// writes the samples.
func generate(ctx context.Context, conn grpc.ClientConnInterface, rate float64, length time.Duration, out io.Writer) error {
	var (
		calls   sync.WaitGroup
		mu      sync.Mutex
		samples []sample
	)
	client := testpb.NewTestServiceClient(conn)
	start := time.Now()
	for due := next(0, rate); due < length; due = next(due, rate) {
		if wait := due - time.Since(start); wait > 0 {
			time.Sleep(wait)
		}
		calls.Go(func() {
			s := sample{Due: due, Late: time.Since(start) - due}
			ctx, cancel := context.WithDeadline(ctx, start.Add(due+timeout))
			defer cancel()
			_, err := client.UnaryCall(ctx, &testpb.SimpleRequest{})
			s.Took, s.Failed = time.Since(start)-due, err != nil
			mu.Lock()
			samples = append(samples, s)
			mu.Unlock()
		})
	}
	calls.Wait()
	return json.NewEncoder(out).Encode(samples)
}

// next returns when the call after one is due.
func next(due time.Duration, rate float64) time.Duration {
	return due + time.Duration(rand.ExpFloat64()/rate*float64(time.Second))
}
