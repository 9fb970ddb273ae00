// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package systemd provides what passes between the process and systemd, where that has started it: sockets that are open already, and
// how the service fares.
package systemd
