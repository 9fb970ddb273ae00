// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package main

import "os"

// notifyReload does nothing: there is no signal that asks for a reload. The admin API does.
func notifyReload(chan<- os.Signal) {}

// notifyReopen does nothing: a file that was moved is begun anew by itself.
func notifyReopen(chan<- os.Signal) {}
