// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package balancer provides gRPC channels whose endpoints come from our resolvers and whose calls are
// placed by our policies; it is usable as a library in any grpc-go client.
//
// [New] opens a [Channel] to one backend, on HTTP/2 connections of our own (package engine). It says of each endpoint what
// state it is in, since when and why, takes an endpoint out of service without cutting its
// calls, and changes policy without touching a connection. Who wants a *grpc.ClientConn, with all that grpc-go has,
// takes the target and the dial options from [Options]: it is balanced likewise.
//
// What happens on the way of a call, from the bottom:
//
//   - A source (package resolver) says which endpoints there are. gRPC hears of them through
//     resolver.Builder, for one channel, without a registry.
//   - The host in this package is the balancer.Builder that gRPC knows by [Name]. It keeps a
//     connection to every endpoint, and more when a server's streams are used up; races an endpoint's
//     addresses when it has several (RFC 8305), connects again with jittered pauses, and keeps the state
//     of each. Decision 2 says why it manages connections itself.
//   - A check (package health), if there is one, says over each connection whether the endpoint
//     behind it is healthy.
//   - A policy (package picker) chooses among the endpoints that are ready. The default is the adaptive
//     one with passive ejection (package outlier); docs/balancing has the measurements behind that.
//
// # Failing calls
//
// While no endpoint is ready, a call waits as long as there is hope, that is while the first
// connection attempt or the one after a lost connection is under way, and fails at once with
// UNAVAILABLE when all have failed. A backend may answer UNAVAILABLE too: attach a [picker.Call] to
// the call's context and [IsUnready] tells the two apart.
package balancer
