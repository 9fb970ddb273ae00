// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package redistest provides real Redis servers for tests, which can be stopped, killed, frozen and started again.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for a server. None takes that long unless something is broken.
const patience = 20 * time.Second

// Server is a redis-server on a free port of loopback, which ends with the test.
type Server struct {
	// Address is its "host:port", the same after a restart.
	Address string

	before  []string // arguments before and behind those that all have
	args    []string
	process *exec.Cmd
	dir     string
}

// Start runs a server. More arguments are as those of redis-server.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, nil, args...)
}

func start(t testing.TB, before []string, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("%v: make test installs it", err)
	}
	s := &Server{Address: free(t), before: before, args: args, dir: t.TempDir()}
	s.Restart(t)
	t.Cleanup(func() { s.Kill(t) })
	return s
}

// free returns an address that nobody listens on.
func free(t testing.TB) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// Restart runs the server again, with nothing in it; it returns when it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(s.before), "--port", port, "--bind", host, "--dir", s.dir, "--loglevel", "warning")
	if len(s.before) == 0 {
		args = append(args, "--save", "", "--appendonly", "no")
	}
	s.process = exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", append(args, s.args...)...) //nolint:gosec // the test's own
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(patience)
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		answer, err := s.Do("PING")
		if err == nil && strings.HasPrefix(answer, "+PONG") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("redis-server does not answer: %q, %v", answer, err)
		}
		<-ticker.C
	}
}

// Do sends a command in a connection of its own, and returns the first line of the answer.
func (s *Server) Do(words ...string) (string, error) {
	const limit = 2 * time.Second
	c, err := (&net.Dialer{Timeout: limit}).Dial("tcp", s.Address)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	command := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		command += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.Write([]byte(command)); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// Must is Do for commands that cannot fail.
func (s *Server) Must(t testing.TB, words ...string) string {
	t.Helper()
	answer, err := s.Do(words...)
	if err != nil || strings.HasPrefix(answer, "-") {
		t.Fatalf("%s: %s, %v", strings.Join(words, " "), answer, err)
	}
	return answer
}

// Kill ends the server at once, if it runs.
func (s *Server) Kill(t testing.TB) { s.end(t, syscall.SIGKILL) }

// Stop ends the server as an operator does.
func (s *Server) Stop(t testing.TB) { s.end(t, syscall.SIGTERM) }

func (s *Server) end(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Process.Signal(signal); err != nil {
		t.Errorf("redis-server: %v", err)
	}
	_ = s.process.Wait() // how it ended is what the test wanted
	s.process = nil
}

// Freeze stops the server without ending it; its connections stay.
func (s *Server) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Server) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatalf("redis-server: %v", err)
	}
}
