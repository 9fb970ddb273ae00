// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package xdstest provides an xDS control plane for tests. It is empty unless it is built with the tag xds.
package xdstest
