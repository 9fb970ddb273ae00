// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package backend_test

// raceEnabled tells that the race detector is on.
const raceEnabled = false
