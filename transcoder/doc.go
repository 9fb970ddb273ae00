// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package transcoder provides the call: one method invocation, whatever the client speaks, as
// protobuf messages with metadata, a deadline and one resolved method.
//
// The pieces, in the order in which a call meets them:
//
//   - [Request] and [Exchange]: one HTTP request and its answer, whoever serves it.
//   - [Protocol]: what the client speaks. [Mux] asks each in turn whether a request is its own, and the one
//     that says yes resolves the method and gives a [Framer].
//   - [Call]: the resolved call, which policies read and change.
//   - [Stream]: the client's side of a call, made of an Exchange and a Framer.
//   - [Forward]: moves the messages between a Stream and a backend's channel, any [grpc.ClientConnInterface].
//
// The child packages rest, native, grpcweb and connect are protocols; schema, httprule, codec, bind, rpc, compression, wire and status are
// what they are built from, and protocoltest is what they are held to; nethttp serves an Exchange from net/http.
package transcoder
