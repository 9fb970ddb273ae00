// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

var (
	binaries = flag.String("bin", "", "the folder of dragoman, helm and nfpm")
	packages = flag.String("packages", "", "the folder of the packages")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *binaries == "" || *packages == "" {
		fmt.Fprintln(os.Stderr, "these tests need -bin and -packages: run make package-check")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// tool is the path of a program that make built.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(*binaries, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a program, which has to succeed, and returns what it prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, nil, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// try runs a program with more environment, and returns what it prints on both outputs.
func try(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// put writes a file and the folders above it.
func put(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
