// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startWithin is how long a process may take until it serves.
	startWithin = 30 * time.Second
	// stopWithin is how long it may take to end after it was interrupted.
	stopWithin = 15 * time.Second
	// pollEvery is how often something that will come is looked for.
	pollEvery = 20 * time.Millisecond
)

// process is a program that the test started and ends.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done

	out output // what it printed, on both outputs
}

// start starts a program. A program that is not there fails the test. It is killed at the end of the test if nobody
// stopped it before.
func start(t *testing.T, name, program string, args ...string) *process {
	t.Helper()
	p := &process{name: name, done: make(chan struct{})}
	// It outlives the context of the test, so that it can be told to end.
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.Env = append(os.Environ(), "NO_COLOR=1")
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended already, as a rule
		<-p.done
		if t.Failed() {
			t.Logf("%s printed:\n%s", name, p.out.tail())
		}
	})
	return p
}

// await calls ready until it returns true, and fails the test when the process ends before, or the time is over.
func (p *process) await(t *testing.T, what string, ready func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ready(ctx) {
		select {
		case <-p.done:
			t.Fatalf("%s ended before %s: %v", p.name, what, p.err)
		case <-ctx.Done():
			t.Fatalf("%s: %s did not come within %v", p.name, what, startWithin)
		case <-tick.C:
		}
	}
}

// interrupt sends SIGINT, as Ctrl-C does, and returns the exit code.
func (p *process) interrupt(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatalf("%s: interrupt: %v", p.name, err)
	}
	return p.wait(t, stopWithin)
}

// wait returns the exit code of a process that is about to end.
func (p *process) wait(t *testing.T, within time.Duration) int {
	t.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		t.Fatalf("%s did not end within %v", p.name, within)
	}
	if p.err == nil {
		return 0
	}
	ended, ok := errors.AsType[*exec.ExitError](p.err)
	if !ok {
		t.Fatalf("%s: %v", p.name, p.err)
	}
	return ended.ExitCode()
}

// output collects what a process prints.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(data)
}

// String returns all that was printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// tail returns the last lines.
func (o *output) tail() string {
	const most = 60
	lines := strings.Split(strings.TrimRight(o.String(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
