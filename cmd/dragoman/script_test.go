// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the commands that end by themselves.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/script", 1)
}

// TestBadConfigurations holds the whole of what `dragoman check` says of files with mistakes.
func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/bad_config", 12)
}

// TestBadProtos holds the whole of what `dragoman check` says of protos with mistakes (T2).
func TestBadProtos(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/bad_proto", 12)
}

func runScripts(t *testing.T, dir string, atLeast int) {
	t.Helper()
	if files, err := filepath.Glob(filepath.Join(dir, "*.txtar")); err != nil || len(files) < atLeast {
		t.Fatalf("%s has %d scripts, error %v; want %d or more", dir, len(files), err, atLeast)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", raceOptions)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "same_routes": sameRoutes, "serves": serves, "stops": stops},
	})
}

// serves is the command `serves FILE`: a gateway runs with this configuration until the script ends, and commands find it by their environment.
func serves(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 1 {
		ts.Fatalf("usage: serves FILE")
	}
	cmd := exec.Command("dragoman", "run", "-c", args[0]) //nolint:noctx // the end of the script ends it
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "GORACE="+raceOptions)
	for _, name := range []string{"DRAGOMAN_ADMIN_TOKEN", "BACKEND", "PROTOS", "SECURE_PORT", "CA"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	out := newTranscript()
	cmd.Stderr = out
	ts.Check(cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // a script that ends kills it
	}()
	ts.Defer(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	})
	address := regexp.MustCompile(`"msg":"serving".*"listeners":\{"[^"]*":"([^" ]+).*"admin":"([^"]+)"`)
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		text, more := out.read()
		if found := address.FindStringSubmatch(text); found != nil {
			ts.Setenv("LISTENER", found[1])
			ts.Setenv("DRAGOMAN_ADMIN", found[2])
			ts.Setenv("GATEWAY", strconv.Itoa(cmd.Process.Pid))
			return
		}
		select {
		case <-more:
		case <-ended:
			ts.Fatalf("the gateway ended: %s", out)
		case <-deadline.C:
			ts.Fatalf("the gateway does not serve: %s", out)
		}
	}
}

// stops is the command `stops`: the gateway of the script ends, and nobody answers at its address any more.
func stops(ts *testscript.TestScript, not bool, args []string) {
	pid, err := strconv.Atoi(ts.Getenv("GATEWAY"))
	if not || len(args) != 0 || err != nil {
		ts.Fatalf("usage: stops, after serves")
	}
	p, err := os.FindProcess(pid)
	ts.Check(err)
	ts.Check(p.Signal(os.Interrupt))
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", ts.Getenv("DRAGOMAN_ADMIN")) //nolint:noctx // it is refused or accepted at once
		if err != nil {
			return
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			ts.Fatalf("the gateway does not end")
		}
	}
}

// exits is the command `exits CODE PROGRAM ARG…`: the program ends, with just this code.
func exits(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code is %d; want %d", got, want)
	}
}

// sameRoutes is the command `same_routes FILE FILE`: two outputs of `dragoman routes --json` list the same, wherever they are
// from: places in sources and backends are not compared.
func sameRoutes(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 2 {
		ts.Fatalf("usage: same_routes FILE FILE")
	}
	var lists [2][]routeLine
	for i, file := range args {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &lists[i]))
		for j := range lists[i] {
			lists[i][j].Declared, lists[i][j].Backend = "", ""
		}
	}
	if diff := cmp.Diff(lists[0], lists[1]); diff != "" || len(lists[0]) == 0 {
		ts.Fatalf("%d and %d routes (-%s +%s):\n%s", len(lists[0]), len(lists[1]), args[0], args[1], diff)
	}
}
