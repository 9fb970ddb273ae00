// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package http1

// canReadDirectly tells that readSocket works; elsewhere sockets are read by net alone.
const canReadDirectly = false

func readSocket(uintptr, []byte) (int, error, bool) {
	return 0, nil, false
}
