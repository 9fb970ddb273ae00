// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package backend_test

// raceEnabled tells that the race detector is on: it makes pools forget at random, so allocations cannot be counted.
const raceEnabled = true
