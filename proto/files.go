// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package proto provides the sources of schemas in this folder to programs that compile them at run time. Descriptors in
// generated code have lost the comments, which are the manual.
package proto

import "embed"

// Bookstore holds the demo's schema, below bookstore/. Its imports are google/api and google/protobuf.
//
//go:embed bookstore
var Bookstore embed.FS

// Test holds the test service's schema, below dragoman/test/. Its imports are google/api, google/rpc and google/protobuf.
//
//go:embed dragoman/test
var Test embed.FS
