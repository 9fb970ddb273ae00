// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package processtest

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// nobody is the user and the group that own no file.
const nobody = 65534

// Unprivileged says whether the permissions of files hold this process: they do not hold the superuser. For that one it runs the test again, whose result is
// then the test's, in a process of nobody, and returns false.
func Unprivileged(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	var only []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		only = append(only, "^"+regexp.QuoteMeta(part)+"$")
	}
	program := os.Args[0]
	if runtime.GOOS == "linux" {
		program = "/proc/self/exe" // the folder of the program is often closed to all but the superuser
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run="+strings.Join(only, "/"), "-test.v", "-test.timeout=2m")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("in a process of nobody: %v\n%s", err, out)
	}
	return false
}
