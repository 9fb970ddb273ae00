// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package http2

// peek cannot look at sockets here.
func peek(uintptr) sight { return nothing }

// writeOnce cannot write without waiting here.
func writeOnce(uintptr, []byte) (int, error) { return 0, nil }

// free cannot look at sockets here.
func free(uintptr) int { return 0 }
