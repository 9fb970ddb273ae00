// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package benchpb provides generated messages for the benchmarks of the codec, so that it can be compared with what
// generated code and protojson do.
package benchpb

//go:generate buf generate --template {"version":"v2","plugins":[{"local":"protoc-gen-go","out":".","opt":"paths=source_relative"}]} .
