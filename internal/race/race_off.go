// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package race

// Enabled tells whether the race detector is on.
const Enabled = false
