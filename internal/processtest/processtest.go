// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package processtest provides parts of a test in processes of their own, which can be stopped, killed and started anew. Each is the test's own program in
// a role that its TestMain knows.
package processtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// variable has the role of the process and its argument.
const variable = "DRAGOMAN_TEST_ROLE"

// Role is what a process does. It prints one line when it is ready, and returns when it has done its work; the process ends with it, and when the
// test has.
type Role func(argument string)

// Play plays the role that the process has been started in, and ends it; in the process of the tests it does nothing. It is called first in TestMain.
func Play(roles map[string]Role) {
	name, argument, _ := strings.Cut(os.Getenv(variable), " ")
	if name == "" {
		return
	}
	role, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no role %q\n", name)
		os.Exit(2) //nolint:forbidigo,mnd // it is the main of its process; as of a flag that is not known
	}
	go func() { // the test keeps the input open as long as it lives
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) //nolint:forbidigo // likewise
	}()
	role(argument)
	os.Exit(0) //nolint:forbidigo // likewise
}

// Process is a process in a role. It is used by one goroutine.
type Process struct {
	// Line is what it said when it was ready.
	Line string

	cmd *exec.Cmd
	in  io.Closer
}

// Start starts a process, waits until it is ready, and ends it with the test.
func Start(t testing.TB, role, argument string) *Process {
	t.Helper()
	p := &Process{}
	p.Again(t, role, argument)
	t.Cleanup(p.end)
	return p
}

// Again starts a process that has ended anew.
func (p *Process) Again(t testing.TB, role, argument string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^$") //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), variable+"="+role+" "+argument)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.cmd, p.in = cmd, in
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.end()
		t.Fatalf("the process %s did not come to be ready: %v", role, err)
	}
	p.Line = strings.TrimSpace(line)
}

// Signal sends a signal.
func (p *Process) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Error(err)
	}
}

// Wait waits for the end, however it comes.
func (p *Process) Wait() {
	_ = p.cmd.Wait()
	_ = p.in.Close()
}

// end ends the process in whatever state it is.
func (p *Process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // it may have ended
	_ = p.in.Close()
	_ = p.cmd.Wait()
}
