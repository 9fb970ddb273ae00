// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// batchLimits are the bounds of what waits to be sent, which are those of OpenTelemetry's SDKs.
//
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#batch-span-processor
type batchLimits struct {
	queue, batch   int           // how many spans wait at most, and are sent at a time
	delay, timeout time.Duration // how long they wait at most, and sending them may take
}

// Bounds of the settings above.
const (
	maxBatchQueue = 1 << 16
	maxBatchDelay = time.Hour
)

// batchLimitsOf returns what the environment says, or the defaults of OpenTelemetry.
func batchLimitsOf(getenv func(string) string) (batchLimits, error) {
	var errs []error
	number := func(name string, otherwise, most int) int {
		v := getenv(name)
		if v == "" {
			return otherwise
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			errs = append(errs, fmt.Errorf("%s is %q; it must be 1 to %d", name, v, most))
		}
		return n
	}
	const queue, batch, delay, timeout = 2048, 512, 5000, 30_000
	const longest = int(maxBatchDelay / time.Millisecond)
	l := batchLimits{
		queue: number("OTEL_BSP_MAX_QUEUE_SIZE", queue, maxBatchQueue), batch: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch, maxBatchQueue),
		delay:   time.Duration(number("OTEL_BSP_SCHEDULE_DELAY", delay, longest)) * time.Millisecond,
		timeout: time.Duration(number("OTEL_BSP_EXPORT_TIMEOUT", timeout, longest)) * time.Millisecond,
	}
	l.batch = min(l.batch, l.queue)
	return l, errors.Join(errs...)
}

// batches holds spans, as they are sent, until they are, in a goroutine of its own. What there is no room for is dropped and counted. It is safe for
// concurrent use.
type batches struct {
	limits  batchLimits
	send    func(context.Context, []byte)
	dropped atomic.Uint64

	mu      sync.Mutex
	waiting []batch  // whole batches, the oldest first; guarded by mu
	last    batch    // the one that grows; guarded by mu
	spans   int      // in all of them; guarded by mu
	spare   [][]byte // what was sent, for its room; guarded by mu

	full    chan struct{}
	stop    chan struct{}
	stopped sync.Once
	ending  context.Context //nolint:containedctx // it ends what is being sent when the end has taken too long
	give    context.CancelFunc
	working sync.WaitGroup
}

// batch is spans that are sent together.
type batch struct {
	data  []byte
	spans int
}

// maxSpare is how many bytes of room are kept of a batch that was sent.
const maxSpare = 1 << 20

func newBatches(limits batchLimits, send func(context.Context, []byte)) *batches {
	b := &batches{limits: limits, send: send, full: make(chan struct{}, 1), stop: make(chan struct{})}
	b.ending, b.give = context.WithCancel(context.Background())
	b.working.Go(b.work)
	return b
}

// add takes spans. It does not wait, and does not keep data.
func (b *batches) add(data []byte, spans int) {
	b.mu.Lock()
	if b.spans+spans > b.limits.queue {
		b.mu.Unlock()
		b.dropped.Add(uint64(spans)) //nolint:gosec // small
		return
	}
	cut := b.last.spans > 0 && b.last.spans+spans > b.limits.batch
	if cut {
		b.cutLocked()
	}
	b.last.data = append(b.last.data, data...)
	b.last.spans += spans
	b.spans += spans
	b.mu.Unlock()
	if cut {
		select {
		case b.full <- struct{}{}:
		default: // it knows
		}
	}
}

// cutLocked ends the batch that grows.
func (b *batches) cutLocked() {
	b.waiting = append(b.waiting, b.last)
	b.last = batch{}
	if n := len(b.spare); n > 0 {
		b.last.data, b.spare = b.spare[n-1][:0], b.spare[:n-1]
	}
}

// next takes the oldest batch, the one that grows only if all are wanted.
func (b *batches) next(all bool) (batch, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if all && b.last.spans > 0 && len(b.waiting) == 0 {
		b.cutLocked()
	}
	if len(b.waiting) == 0 {
		return batch{}, false
	}
	one := b.waiting[0]
	b.waiting = append(b.waiting[:0], b.waiting[1:]...)
	return one, true
}

// sent makes room where a batch was.
func (b *batches) sent(one batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spans -= one.spans
	if cap(one.data) <= maxSpare && len(b.spare) == 0 {
		b.spare = append(b.spare, one.data)
	}
}

// work sends batches that are whole at once, and the one that grows after a while.
func (b *batches) work() {
	while := time.NewTicker(b.limits.delay)
	defer while.Stop()
	for {
		select {
		case <-b.full:
			b.drain(false)
		case <-while.C:
			b.drain(true)
		case <-b.stop:
			b.drain(true)
			return
		}
	}
}

func (b *batches) drain(all bool) {
	for {
		one, ok := b.next(all)
		if !ok {
			return
		}
		if b.ending.Err() != nil { // there is no time left
			b.dropped.Add(uint64(one.spans)) //nolint:gosec // small
		} else {
			ctx, cancel := context.WithTimeout(b.ending, b.limits.timeout)
			b.send(ctx, one.data)
			cancel()
		}
		b.sent(one)
	}
}

// close sends what there is until ctx ends, and returns when all is quiet.
func (b *batches) close(ctx context.Context) {
	end := context.AfterFunc(ctx, b.give)
	defer end()
	b.stopped.Do(func() { close(b.stop) })
	b.working.Wait()
	b.give()
}

// Dropped returns how many spans were dropped because the collector did not keep up.
func (e *Exporter) Dropped() uint64 {
	if e.traces == nil {
		return 0
	}
	return e.traces.dropped()
}
