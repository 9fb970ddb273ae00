// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// memoryCgroup makes a cgroup with a limit, in version 1 or 2, and returns its file of processes. It skips the test where nobody may make one.
func memoryCgroup(t *testing.T, limit int) string {
	t.Helper()
	var errs []string
	for _, version := range []struct{ root, needs, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "cgroup.controllers", "memory.max"},
	} {
		if _, err := os.Stat(filepath.Join(version.root, version.needs)); err != nil {
			errs = append(errs, err.Error())
			continue
		}
		dir, err := os.MkdirTemp(version.root, "dragoman-test-") //nolint:usetesting // it has to be there
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		if err := os.WriteFile(filepath.Join(dir, version.file), fmt.Append(nil, limit), 0o600); err != nil {
			errs = append(errs, err.Error())
			continue
		}
		return filepath.Join(dir, "cgroup.procs")
	}
	t.Skipf("no cgroup with a limit of memory can be made here: %s", strings.Join(errs, "; "))
	return ""
}

// In a cgroup the gateway takes nine tenths of the memory that there is, and says so.
func TestMemoryIsLimitedByTheCgroup(t *testing.T) {
	t.Parallel()
	const limit = 1 << 30
	procs := memoryCgroup(t, limit)
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", givenConfig)
	writeCertificate(t, dir, 1)
	edit(t, dir, "dragoman.yaml", "192.0.2.1:1\"", "127.0.0.1:0\"")
	edit(t, dir, "dragoman.yaml", "192.0.2.1:2\"", "127.0.0.1:0\"")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `echo $$ >"$0" && exec dragoman run -c dragoman.yaml`, procs)
	p := startCommand(t, dir, nil, cmd)
	line := p.says(p.err, `^\{.*"msg":"resources of the process".*\}$`)[0]
	var said struct {
		Limits struct {
			CPUs   int   `json:"cpus"`
			Memory int64 `json:"memory"`
			Cgroup int64 `json:"cgroup_memory"`
			From   string
		}
	}
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Fatal(err)
	}
	if l := said.Limits; l.Cgroup != limit || l.Memory != limit*9/10 || l.From != "cgroup" || l.CPUs < 1 {
		t.Errorf("it says %s; want nine tenths of %d", line, limit)
	}
	p.serving()
	p.signal(syscall.SIGTERM)
	p.exits(exitDone)
}
