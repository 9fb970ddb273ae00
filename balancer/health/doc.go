// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package health provides active health checks: what finds out over an endpoint's connection whether it should get
// calls.
//
// [Watch] is the standard way (gRFC A17): one stream of grpc.health.v1.Health/Watch to each endpoint, on which the
// server says when its health changes. [Poll] calls something again and again: a method of the
// user's choice by its name, or a function.
//
// A [Check] runs on the connection that calls use, beside them, so a dead connection needs no check of its own. A
// balancer starts it when a connection stands, and stops it when that is lost.
package health
