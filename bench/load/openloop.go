// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Open is an open loop: each of its clients makes a request whenever it is due, whatever became of those before, and an answer's latency
// counts from when its request was due.
type Open struct {
	Clients  int
	Rate     int // of each client, a second
	Requests int // of all clients
	// Call makes one request of a client and checks the answer.
	Call func(ctx context.Context, client int) error
}

// Latencies are those of all answers, in order.
type Latencies []time.Duration

// At returns a quantile, 0 to 1.
func (l Latencies) At(q float64) time.Duration {
	return l[min(len(l)-1, int(q*float64(len(l))))]
}

// Run makes the requests.
func (o Open) Run(ctx context.Context) (Latencies, error) {
	var (
		mu   sync.Mutex
		all  Latencies
		errs []error
		wg   sync.WaitGroup
	)
	began := time.Now()
	step := time.Second / time.Duration(o.Rate)
	for client := range o.Clients {
		wg.Go(func() {
			var calls sync.WaitGroup
			defer calls.Wait()
			timer := time.NewTimer(0)
			<-timer.C
			for i := range o.Requests / o.Clients {
				// The clients take turns within a step.
				due := began.Add(time.Duration(i)*step + step*time.Duration(client)/time.Duration(o.Clients))
				timer.Reset(time.Until(due))
				<-timer.C
				calls.Go(func() {
					err := o.Call(ctx, client)
					took := time.Since(due)
					mu.Lock()
					defer mu.Unlock()
					all, errs = append(all, took), append(errs, err)
				})
			}
		})
	}
	wg.Wait()
	slices.Sort(all)
	return all, errors.Join(errs...)
}
