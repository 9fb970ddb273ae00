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

// sample is one call: what a generator prints.
type sample struct {
	// Began is when the call was due, and Took how long from then until it ended: a generator that comes late
	// does not hide it.
	Began, Took time.Duration
	// Failed says that it ended with an error.
	Failed bool
}

// generate calls as many times a second as rate says, at random moments, whatever becomes of the calls, for so long, and
// writes the samples.
func generate(ctx context.Context, conn grpc.ClientConnInterface, rate float64, length time.Duration, out io.Writer) error {
	var (
		calls   sync.WaitGroup
		mu      sync.Mutex
		samples []sample
	)
	client := testpb.NewTestServiceClient(conn)
	start := time.Now()
	due := time.Duration(0)
	for {
		due += time.Duration(rand.ExpFloat64() / rate * float64(time.Second))
		if due > length {
			break
		}
		if wait := due - time.Since(start); wait > 0 {
			time.Sleep(wait)
		}
		due := due
		calls.Go(func() {
			ctx, cancel := context.WithDeadline(ctx, start.Add(due+timeout))
			defer cancel()
			_, err := client.UnaryCall(ctx, &testpb.SimpleRequest{})
			s := sample{Began: due, Took: time.Since(start) - due, Failed: err != nil}
			mu.Lock()
			samples = append(samples, s)
			mu.Unlock()
		})
	}
	calls.Wait()
	return json.NewEncoder(out).Encode(samples)
}
