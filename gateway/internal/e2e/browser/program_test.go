// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// runWithin is how long a run of Node may take, the start of the browser included. Its cases have limits of their own.
	runWithin = 6 * time.Minute
	// endWithin is how long Node and what it started may take to end.
	endWithin = 15 * time.Second
	// marker is the name of the variable by which the processes of a run are known: they all inherit it.
	marker = "DRAGOMAN_TEST_RUN"
)

// outcome is what Node says of a case: one line of its output.
type outcome struct {
	Case   string  `json:"case"`
	Error  string  `json:"error"` // "" where it went well
	Millis float64 `json:"ms"`
}

// run runs a program of the folder in Node, with what it needs to know, and makes a subtest of each case of the table. A case that did not
// run fails, and so does one that the table does not have.
func run(t *testing.T, program string, world any, table []row) {
	t.Helper()
	outcomes := start(t, program, world)
	for _, r := range table {
		name := strings.ReplaceAll(r.name, " ", "_")
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(outcomes, func(o outcome) bool { return o.Case == r.name })
			if i < 0 {
				t.Fatalf("%s did not run", r.name)
			}
			if outcomes[i].Error != "" {
				t.Errorf("%s (%s): %s", r.name, r.proves, outcomes[i].Error)
			}
			t.Logf("it took %.0f ms", outcomes[i].Millis)
		})
	}
	for _, o := range outcomes {
		if !slices.ContainsFunc(table, func(r row) bool { return r.name == o.Case }) {
			t.Errorf("%s is not in the table of the cases", o.Case)
		}
	}
	if len(outcomes) > len(table) {
		t.Errorf("%d outcomes of %d cases", len(outcomes), len(table))
	}
}

// start runs a program in Node to its end and returns what it said. Nothing that it started is left behind.
func start(t *testing.T, program string, world any) []outcome {
	t.Helper()
	folder := javascript(t)
	told, err := json.Marshal(world)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), runWithin)
	defer cancel()
	mark := marker + "=" + strconv.Itoa(os.Getpid()) + "-" + filepath.Base(t.TempDir()) + "-" + t.Name()
	cmd := exec.CommandContext(ctx, "node", program)
	cmd.Dir = folder
	// The browser makes its profile in TMPDIR.
	cmd.Env = append(os.Environ(), mark, "DRAGOMAN_WORLD="+string(told), "TMPDIR="+t.TempDir(), "NO_COLOR=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Told to end, it ends the browser; what does not obey is killed.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	outcomes, readErr := readOutcomes(stdout)
	waitErr := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // of its group nobody is left, as a rule
	for _, left := range leftBehind(t, mark) {
		t.Errorf("%s left a process behind: %s", program, left)
	}
	if err := errors.Join(readErr, waitErr, ctx.Err()); err != nil {
		t.Errorf("node %s: %v\n%s", program, err, stderr.String())
	} else if stderr.Len() > 0 {
		t.Logf("node %s printed:\n%s", program, stderr.String())
	}
	return outcomes
}

func readOutcomes(from io.Reader) ([]outcome, error) {
	var all []outcome
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return all, nil
		}
		if err != nil {
			return all, fmt.Errorf("the output ends with %q: %w", line, err)
		}
		var o outcome
		if err := json.Unmarshal(line, &o); err != nil || o.Case == "" {
			return all, fmt.Errorf("%q is no outcome of a case: %w", line, err)
		}
		all = append(all, o)
	}
}

// leftBehind waits until no process has the mark in its environment; those that still have it when the time is over are killed, and
// returned. The browser's processes are in groups of their own, so the group of Node does not tell.
func leftBehind(t *testing.T, mark string) []string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(endWithin); ; <-tick.C {
		left := marked(t, mark)
		if len(left) == 0 {
			return nil
		}
		if time.Now().Before(end) {
			continue
		}
		var names []string
		for pid, name := range left {
			names = append(names, name)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return names
	}
}

// marked returns the processes that have the mark, with their command lines.
func marked(t *testing.T, mark string) map[int]string {
	t.Helper()
	found := map[int]string{}
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	if len(environments) == 0 {
		t.Fatal("this test finds its processes in /proc, which is not there")
	}
	for _, file := range environments {
		data, err := os.ReadFile(file)
		if err != nil || !slices.Contains(strings.Split(string(data), "\x00"), mark) {
			continue // it has ended, or is another's
		}
		folder := filepath.Dir(file)
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			t.Fatal(err)
		}
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline")) // of one that has ended it is empty
		found[pid] = strings.ReplaceAll(string(line), "\x00", " ")
	}
	return found
}
