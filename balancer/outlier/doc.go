// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package outlier provides passive ejection: a wrapper for any policy that takes endpoints out of use by what
// their calls say.
//
// What ejects an endpoint is what gRFC A50 and Envoy use: failures in a row, a success rate far below the
// others', a share of failures; and a latency far above the others'. At most half of the endpoints
// are out at a time. An endpoint comes back otherwise than there: when its time is over, one
// call is placed on it, and it is back in use when that answers well; if not, its next time is
// longer. So an endpoint that still fails costs one call and not a second of everybody's.
//
// The wrapper starts no goroutine and reads no clock: it acts when calls end and when the balancer
// asks for the next picker.
package outlier
