// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"sync/atomic"
	"time"
)

// ComplaintInterval is how often it is told that an expression could not be evaluated, say.
const ComplaintInterval = time.Minute

// Complaint counts what is told now and then, and not for every call: who sends calls could fill the log. The zero value is ready. It is
// safe for concurrent use.
type Complaint struct {
	count atomic.Int64 // since it was told last
	told  atomic.Int64 // when, in nanoseconds of the Unix clock
}

// Due counts one more, and tells whether to say so now; and how many there were since that was so.
func (c *Complaint) Due(now time.Time) (int64, bool) {
	n := c.count.Add(1)
	last := c.told.Load()
	if now.UnixNano()-last < int64(ComplaintInterval) || !c.told.CompareAndSwap(last, now.UnixNano()) {
		return 0, false
	}
	c.count.Add(-n)
	return n, true
}
