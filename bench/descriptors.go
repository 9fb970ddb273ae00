// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "syscall"

const (
	// idleConnections is how many are held open at a time, where processes may have as many descriptors as that needs.
	idleConnections = 10_000
	// perConnection is how many descriptors HAProxy keeps ready for each connection.
	perConnection = 2
	// besides is how many descriptors a peer has for other things, at most.
	besides = 1000
)

// allowIdle raises the limit of descriptors for this process and those that it starts, where it may, and returns how many connections they can hold
// open then: idleConnections at most.
func allowIdle() (int, error) {
	const needed = perConnection*idleConnections + besides
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	raised := syscall.Rlimit{Cur: needed, Max: max(limit.Max, needed)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		return idleConnections, nil
	}
	raised = syscall.Rlimit{Cur: limit.Max, Max: limit.Max} // only root may have more
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
		return 0, err
	}
	return min(idleConnections, int(limit.Max-besides)/perConnection), nil
}
