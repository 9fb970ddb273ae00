// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package httprule provides google.api.http: the grammar of path templates, the bindings of methods to
// URLs, and the route table that finds the binding of a request.
//
// The way through it is short. [Build] takes method descriptors and a [Config] and gives a [Table], or every
// [Problem] that it found, all of them at once. [Table.Match] takes an HTTP method and an escaped path and fills a
// [Match] that the caller brings along, without allocating. [Binding.Claims] answers who may set a field.
//
// # Order
//
// The order of routes does not depend on the order in which files or methods arrive. Per segment a
// literal is preferred to `*`, and `*` to `**`; where the preferred way leads nowhere (because of a later segment, the HTTP
// method or the verb) the search goes back and tries the next. A verb is the text after a colon of the last segment, if
// a rule has that verb; the longest such text is tried first, and the colon is data when no rule answers.
// docs/decisions/0005-route-order.md has the reasons.
//
// # Decoding
//
// A path is decoded exactly once, when a value is read, and never before it is matched. So `%2F` never
// separates segments and `%3A` never separates a verb.
package httprule
