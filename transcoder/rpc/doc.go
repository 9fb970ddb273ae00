// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package rpc provides what the RPC protocols have in common: messages in protobuf or JSON, enveloped or bare, compressed or not.
//
// [Reader] is the request's half of such a protocol and [Writer] the answer's; gRPC, gRPC-Web and Connect put their own heads,
// trailers and errors around them.
package rpc
