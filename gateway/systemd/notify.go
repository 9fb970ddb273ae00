// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Variables by which the process learns that systemd wants to be told.
const (
	notifySocket = "NOTIFY_SOCKET"
	watchdogTime = "WATCHDOG_USEC"
	watchdogPID  = "WATCHDOG_PID"
)

// notifyTime bounds what telling may take: systemd reads at once, or is not there.
const notifyTime = time.Second

// maxStatus is how many bytes of a status are told; `systemctl status` shows one line.
const maxStatus = 512

// Notifier tells systemd how the service fares. Where nobody wants to know it does nothing. Its methods may be called from any
// goroutine; what could not be told is in the log, for nothing depends on it.
//
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
type Notifier struct {
	log *slog.Logger
	// send tells; nil where nobody listens.
	send func(text string) error
	// every is the longest that systemd waits for a sign of life; 0 for ever.
	every time.Duration
}

// NewNotifier reads from the environment whether systemd wants to be told. The error says which variable is wrong.
func NewNotifier(log *slog.Logger) (*Notifier, error) {
	n := &Notifier{log: log}
	socket := os.Getenv(notifySocket)
	if socket == "" {
		return n, nil
	}
	n.send = func(text string) error { return send(socket, text) }
	every := os.Getenv(watchdogTime)
	if pid := os.Getenv(watchdogPID); every == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n, nil
	}
	micros, err := strconv.ParseInt(every, 10, 64)
	if err != nil || micros <= 0 {
		return nil, fmt.Errorf("%s is %q; it must be a number of microseconds", watchdogTime, every)
	}
	n.every = time.Duration(micros) * time.Microsecond
	return n, nil
}

// Ready tells that the service serves, after its start or after a reload. The status is a line for people.
func (n *Notifier) Ready(status string) { n.tell("READY=1", statusLine(status)) }

// Reloading tells that a reload was asked for; Ready follows when it is over, however it went.
func (n *Notifier) Reloading() {
	n.tell("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic()))
}

// Status tells people something.
func (n *Notifier) Status(status string) { n.tell(statusLine(status)) }

// Stopping tells that the service ends, and how long that may take at most: systemd waits for so long, whatever the unit says.
func (n *Notifier) Stopping(status string, within time.Duration) {
	n.tell("STOPPING=1", statusLine(status), fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()))
}

// Watch gives signs of life until ctx ends, as long as alive finds the service so; it blocks. Without a watchdog it returns at once.
// alive is asked twice in the time that systemd waits, and has half of that to answer.
func (n *Notifier) Watch(ctx context.Context, alive func(context.Context) error) {
	if n.send == nil || n.every == 0 {
		return
	}
	const share = 2
	period := n.every / share
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, period)
		err := alive(asked)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			n.log.Error("the gateway does not answer itself; systemd will end it unless that changes", slog.Any("error", err))
		default:
			n.tell("WATCHDOG=1")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// tell sends assignments, one to a line.
func (n *Notifier) tell(lines ...string) {
	if n.send == nil {
		return
	}
	if err := n.send(strings.Join(lines, "\n")); err != nil {
		n.log.Warn("systemd was not told", slog.Any("error", err))
	}
}

// statusLine is a status as one line, not too long.
func statusLine(status string) string {
	status, _, _ = strings.Cut(status, "\n")
	if len(status) > maxStatus {
		status = strings.ToValidUTF8(status[:maxStatus], "")
	}
	return "STATUS=" + status
}

// send writes to the socket of systemd.
func send(socket, text string) error {
	if name, abstract := strings.CutPrefix(socket, "@"); abstract {
		socket = "\x00" + name
	}
	conn, err := (&net.Dialer{Timeout: notifyTime}).DialContext(context.Background(), "unixgram", socket)
	if err != nil {
		return fmt.Errorf("%s: %w", notifySocket, err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(notifyTime)); err != nil {
		return fmt.Errorf("%s: %w", notifySocket, err)
	}
	if _, err := conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("%s: %w", notifySocket, err)
	}
	return nil
}
