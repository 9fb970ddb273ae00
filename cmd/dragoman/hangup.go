// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyReload sends the signal that asks for a reload, SIGHUP, to a channel.
func notifyReload(c chan<- os.Signal) { signal.Notify(c, syscall.SIGHUP) }

// notifyReopen sends the signal that asks for the file of the access log to be begun anew, SIGUSR1, to a channel.
func notifyReopen(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR1) }
