// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package testbackend provides the test service (dragoman.test.v1) as a real gRPC server.
//
// A backend answers with what it saw: the method, all metadata, the peer, the deadline that was left, and the message. It
// counts each call that arrives, known or not, and acts as the request's Behavior asks: it waits, fails, sends metadata, many
// messages or large ones. [Backend.Hold] and [Backend.Wait] let tests order events without sleeping.
//
// All methods of all services are served by one handler, from their descriptors, so that the backend can also break the
// rules that a generated server keeps: no message with OK, two messages in a unary call, a status behind a message.
package testbackend
