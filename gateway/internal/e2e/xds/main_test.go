// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package xds_test provides the test of a backend whose servers an xDS control plane knows, in a gateway that is built with the tag xds.
package xds_test
