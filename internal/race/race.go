// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package race provides tests with the knowledge whether the race detector is on, under which pools forget at random, so that allocations cannot be
// counted, and all is slower. What such tests leave out then, make allocs runs without it.
package race
