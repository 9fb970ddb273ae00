// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package bookstore provides the demo's backend: a bookstore in memory that behaves as a real service does.
//
// A [Store] holds the shelves, books and covers. A [Service] serves a store as bookstore.v1.BookstoreService and
// bookstore.v1.CoverService, and any number of services can serve one store. [Start] runs several of them, each a gRPC server
// with health checks and reflection on a loopback port of its own, so that balancing can be seen: each puts its name into
// the response header [InstanceHeader].
package bookstore
