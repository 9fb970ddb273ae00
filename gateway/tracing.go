// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// TracingConfig says of which calls traces are kept.
type TracingConfig struct {
	// Percent is the share of the traces that are recorded, 0 to 100, where nobody before has decided.
	Percent float64
	// IgnoreParent decides by Percent alone, also where the client says whether its trace is recorded.
	IgnoreParent bool
}

// Tracing decides which calls are recorded as parts of traces. Every call has a trace then, also one that is not recorded, so that who
// stands behind the gateway decides alike (decision 21). It is immutable.
type Tracing struct {
	bound        uint64 // ids below it are recorded
	ignoreParent bool
}

// idBits is how many bits of a trace's id decide, as they do in the samplers of OpenTelemetry: so that of one trace all decide alike.
const idBits = 63

// NewTracing returns a Tracing.
func NewTracing(cfg TracingConfig) (*Tracing, error) {
	const all = 100
	if !(cfg.Percent >= 0 && cfg.Percent <= all) {
		return nil, fmt.Errorf("tracing: %v percent are to be recorded; it must be 0 to 100", cfg.Percent)
	}
	t := &Tracing{ignoreParent: cfg.IgnoreParent, bound: 1 << idBits}
	if cfg.Percent < all {
		t.bound = uint64(cfg.Percent / all * (1 << idBits))
	}
	return t, nil
}

// SetTracing has traces kept of the calls that begin from now on; nil of none. It may be called at any time.
func (g *Gateway) SetTracing(t *Tracing) { g.tracing.Store(t) }

// begin gives a call its place in a trace, the client's if it has one; what is told of it is for identify to write.
func (t *Tracing) begin(c *transcoder.Call) {
	trace := &c.Trace
	trace.Span = transcoder.NewSpanID()
	parent := false
	if c.TraceID != "" { // it is well formed
		v := c.Request.Header.Get(traceParent)
		const flags = 53
		var decided [1]byte
		_, errFlags := hex.Decode(decided[:], []byte(v[flags:flags+2]))
		_, errID := hex.Decode(trace.ID[:], []byte(c.TraceID))
		_, errParent := hex.Decode(trace.Parent[:], []byte(v[flags-17:flags-1]))
		parent = errFlags == nil && errID == nil && errParent == nil
		trace.Sampled = decided[0]&1 == 1
		trace.State = stateOf(joined(c.Request.Header, traceState))
	}
	if !parent {
		trace.ID, trace.Parent, trace.State = transcoder.NewTraceID(), [8]byte{}, ""
	}
	if !parent || t.ignoreParent {
		trace.Sampled = binary.BigEndian.Uint64(trace.ID[8:])>>1 < t.bound
	}
}
