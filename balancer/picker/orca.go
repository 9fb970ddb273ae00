// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"math"

	"google.golang.org/grpc/metadata"
)

// loadKey is the trailer of a per-call load report (gRFC A51): an xds.data.orca.v3.OrcaLoadReport.
const loadKey = "endpoint-load-metrics-bin"

// load is what WeightedRoundRobin reads of a load report.
type load struct {
	cpu, application float64 // utilization; 0: not reported
	rate, errors     float64 // a second
}

// The fields of an OrcaLoadReport that are read; all are doubles.
const (
	orcaCPU         = 1
	orcaRate        = 6
	orcaErrors      = 7
	orcaApplication = 9
)

// loadFrom returns the report in a trailer, if there is one that can be read. It reads the few fields
// itself: the generated message would allocate, and bring the modules of xDS into every program.
func loadFrom(trailer metadata.MD) (load, bool) {
	values := trailer[loadKey]
	if len(values) == 0 {
		return load{}, false
	}
	var l load
	for rest := values[len(values)-1]; rest != ""; {
		tag, n := uvarint(rest)
		if n == 0 {
			return load{}, false
		}
		rest = rest[n:]
		var size int
		switch tag & 7 {
		case 0: // varint
			_, size = uvarint(rest)
		case 1: // fixed64
			size = 8
		case 2: // bytes
			length, n := uvarint(rest)
			if n == 0 || length > uint64(len(rest)) {
				return load{}, false
			}
			size = n + int(length)
		case 5: // fixed32
			size = 4
		}
		if size == 0 || size > len(rest) {
			return load{}, false
		}
		if tag&7 == 1 {
			v := double(rest[:8])
			if !(v >= 0 && v <= math.MaxFloat64) {
				return load{}, false
			}
			switch tag >> 3 {
			case orcaCPU:
				l.cpu = v
			case orcaRate:
				l.rate = v
			case orcaErrors:
				l.errors = v
			case orcaApplication:
				l.application = v
			}
		}
		rest = rest[size:]
	}
	return l, true
}

// uvarint returns the varint that s begins with and its length; 0 when it does not begin with one.
func uvarint(s string) (v uint64, n int) {
	for i := 0; i < len(s) && i < 10; i++ {
		v |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

func double(s string) float64 {
	var bits uint64
	for i := range 8 {
		bits |= uint64(s[i]) << (8 * i)
	}
	return math.Float64frombits(bits)
}

// weight returns the weight that a report gives (gRFC A58): calls a second by utilization, which
// errors add to; 0 when the report does not say.
func (l load) weight(errorPenalty float64) float64 {
	utilization := l.application
	if utilization == 0 {
		utilization = l.cpu
	}
	if utilization == 0 || l.rate == 0 {
		return 0
	}
	return l.rate / (utilization + l.errors/l.rate*errorPenalty)
}
