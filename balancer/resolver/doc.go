// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package resolver provides where endpoints come from, one source to a file, and the one adapter
// that turns any of them into grpc-go's resolver.
//
// A source is one of two things. A [Lookuper] is asked again and again: it answers once, and knows
// nothing of intervals, failures or change. A [Watcher] tells: it stays and reports each change.
// Start with a Lookuper; write a Watcher when the place that knows the endpoints can push.
//
// [NewBuilder] does the rest for both, so that no source does it again: it asks at intervals and sooner
// when gRPC has lost a connection, backs off with jitter while a source fails, keeps the last good
// answer (and says so), merges changes that come within a tenth of a second, drops repetitions, and shuffles,
// so that not every process starts with the same endpoint.
//
// To add one: a file here, and a test that calls resolvertest.Run.
package resolver
