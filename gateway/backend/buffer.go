// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// The defaults of a BufferConfig.
const (
	// DefaultBufferPerCall is how many bytes of a stream's request are kept for a retry.
	DefaultBufferPerCall = 64 << 10
	// DefaultBufferTotal is how many bytes are kept for all streams of a backend.
	DefaultBufferTotal = 16 << 20
	// maxBuffer bounds what can be set.
	maxBuffer = 1 << 30
)

// BufferConfig bounds what is kept of the requests of streams so that they can be sent again. A stream that has sent more is not tried
// again. The one message of a request that does not stream is there until its call is over in any case.
type BufferConfig struct {
	// PerCall is for one call; at most 1 GiB. 0: DefaultBufferPerCall.
	PerCall int
	// Total is for all calls of the backend; PerCall to 1 GiB. 0: DefaultBufferTotal, or PerCall if that is more.
	Total int
}

func (c BufferConfig) check() (BufferConfig, error) {
	setDefault(&c.PerCall, DefaultBufferPerCall)
	setDefault(&c.Total, max(DefaultBufferTotal, c.PerCall))
	var errs []error
	if c.PerCall < 1 || c.PerCall > maxBuffer {
		errs = append(errs, fmt.Errorf("retry_buffer: per_call is %d; it must be 1 to %d", c.PerCall, maxBuffer))
	}
	if c.Total < c.PerCall || c.Total > maxBuffer {
		errs = append(errs, fmt.Errorf("retry_buffer: total is %d; it must be per_call, %d, to %d", c.Total, c.PerCall, maxBuffer))
	}
	return c, errors.Join(errs...)
}

// memory is what the streams of a backend keep together.
type memory struct {
	cfg  BufferConfig
	used atomic.Int64
}

func newMemory(cfg BufferConfig) *memory { return &memory{cfg: cfg} }

// take takes n bytes for a stream that has had so many, if they are there.
func (m *memory) take(n, had int) bool {
	if had+n > m.cfg.PerCall {
		return false
	}
	if m.used.Add(int64(n)) > int64(m.cfg.Total) {
		m.used.Add(-int64(n))
		return false
	}
	return true
}

func (m *memory) give(n int) { m.used.Add(-int64(n)) }
