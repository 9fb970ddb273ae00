// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// What systemd is told of a service with Type=notify.
//
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
const (
	notifyReady     = "READY=1"
	notifyReloading = "RELOADING=1" // ready follows, when the reload is over
	notifyStopping  = "STOPPING=1"
)

// notifyTime bounds what telling may take: systemd reads at once, or is not there.
const notifyTime = time.Second

// notify tells systemd something, where it has started the process. The error is for the log: nothing depends on it.
func notify(text string) error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	if name, abstract := strings.CutPrefix(socket, "@"); abstract {
		socket = "\x00" + name
	}
	conn, err := (&net.Dialer{Timeout: notifyTime}).DialContext(context.Background(), "unixgram", socket)
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(notifyTime)); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	if _, err := conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return nil
}
