// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package xds provides channels whose endpoints, routes and policies come from an xDS control plane, through grpc-go's own
// xDS client. It is empty unless it is built with the tag xds, for it makes a program half as large again.
//
// Such a channel is the control plane's: it says which policy places the calls, and what of it can be seen. Our
// policies, health checks and states are those of package balancer.
package xds
