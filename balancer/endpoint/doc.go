// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package endpoint provides what a resolver knows of one instance and a picker reads, typed.
//
// A resolver makes an [Endpoint] from a [Spec]; [Endpoint.GRPC] packs it into grpc-go's own
// endpoint type, on whose attributes it rides, and [FromGRPC] reads it back on the other side.
// An endpoint that another resolver made (grpc-go's own dns, say) has no such attribute: FromGRPC
// then makes one of its addresses, with the default weight.
//
// An Endpoint never changes. What changes about an instance while calls run on it, its load and
// its health, is kept by the picker package, not here.
package endpoint
