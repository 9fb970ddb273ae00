// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package websockets

// Callers is how many callers are remembered.
func (l *Limit) Callers() int {
	l.open.mu.Lock()
	defer l.open.mu.Unlock()
	return len(l.open.by)
}
