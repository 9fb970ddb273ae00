// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// memoryCgroup makes a cgroup of the kernel with a limit, in version 1 or 2, and returns its file of processes, or why it cannot.
func memoryCgroup(t *testing.T, limit int) (procs string, err error) {
	t.Helper()
	var errs []error
	for _, version := range []struct{ root, needs, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "cgroup.controllers", "memory.max"},
	} {
		if _, err := os.Stat(filepath.Join(version.root, version.needs)); err != nil {
			errs = append(errs, err)
			continue
		}
		dir, err := os.MkdirTemp(version.root, "dragoman-test-") //nolint:usetesting // it has to be there
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		if err := os.WriteFile(filepath.Join(dir, version.file), fmt.Append(nil, limit), 0o600); err != nil {
			errs = append(errs, err)
			continue
		}
		return filepath.Join(dir, "cgroup.procs"), nil
	}
	return "", errors.Join(errs...)
}

// cgroup is what the kernel tells a process of its cgroup.
type cgroup struct {
	line  string            // of /proc/self/cgroup
	mount string            // the kind and the options of the mount
	files map[string]string // below it
}

// command runs the gateway in a namespace of mounts in which the kernel tells that.
func (c cgroup) command(t *testing.T) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	for name, text := range c.files {
		if err := os.MkdirAll(filepath.Join(tree, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, tree, name, text)
	}
	write(t, dir, "cgroup", c.line+"\n")
	write(t, dir, "mountinfo", fmt.Sprintf("42 32 0:26 / %s rw,relatime - %s\n", tree, c.mount))
	cmd := exec.CommandContext(t.Context(), "sh", "-c", //nolint:gosec // it is this folder
		`mount --bind "$0/cgroup" /proc/$$/cgroup && mount --bind "$0/mountinfo" /proc/$$/mountinfo && exec dragoman run -c dragoman.yaml`, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if id := os.Geteuid(); id != 0 { // root in a namespace of users suffices
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

// In a cgroup the gateway takes nine tenths of the memory that there is, and says so.
func TestMemoryIsLimitedByTheCgroup(t *testing.T) {
	t.Parallel()
	const (
		limit    = 1 << 30
		version1 = "cgroup cgroup rw,memory"
		version2 = "cgroup2 cgroup2 rw"
	)
	type row struct {
		name    string
		command func(t *testing.T) *exec.Cmd
		limit   int // 0 for none
	}
	rows := []row{
		{"version 2", cgroup{"0::/pod", version2, map[string]string{"pod/memory.max": fmt.Sprintln(limit)}}.command, limit},
		{"version 2, by what is above", cgroup{"0::/pod/container", version2, map[string]string{
			"pod/memory.max": fmt.Sprintln(limit), "pod/container/memory.max": "max\n",
		}}.command, limit},
		{"version 2, no limit", cgroup{"0::/pod", version2, map[string]string{"pod/memory.max": "max\n"}}.command, 0},
		{"version 1", cgroup{"4:memory:/pod", version1, map[string]string{"pod/memory.limit_in_bytes": fmt.Sprintln(limit)}}.command, limit},
		{"version 1, no limit", cgroup{"4:memory:/pod", version1, map[string]string{"pod/memory.limit_in_bytes": "9223372036854771712\n"}}.command, 0},
	}
	// Nobody but the kernel knows whether that is what it tells.
	if procs, err := memoryCgroup(t, limit); err != nil {
		t.Logf("no cgroup with a limit of memory can be made here: %v", err)
	} else {
		rows = append(rows, row{"the kernel's", func(t *testing.T) *exec.Cmd {
			t.Helper()
			return exec.CommandContext(t.Context(), "sh", "-c", `echo $$ >"$0" && exec dragoman run -c dragoman.yaml`, procs)
		}, limit})
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			saysMemory(t, r.command(t), r.limit)
		})
	}
}

// saysMemory holds that the gateway, run by the command, says that its cgroup has the limit.
func saysMemory(t *testing.T, cmd *exec.Cmd, limit int) {
	t.Helper()
	dir := bookstoreProtos(t)
	write(t, dir, "dragoman.yaml", givenConfig)
	writeCertificate(t, dir, 1)
	edit(t, dir, "dragoman.yaml", "192.0.2.1:1\"", "127.0.0.1:0\"")
	edit(t, dir, "dragoman.yaml", "192.0.2.1:2\"", "127.0.0.1:0\"")
	p := startCommand(t, dir, nil, cmd)
	line := p.says(p.err, `^\{.*"msg":"resources of the process".*\}$`)[0]
	var said struct {
		Limits struct {
			CPUs   int `json:"cpus"`
			Memory int `json:"memory"`
			Cgroup int `json:"cgroup_memory"`
			From   string
			Error  string
		}
	}
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Fatal(err)
	}
	from := "cgroup"
	if limit == 0 {
		from = ""
	}
	if l := said.Limits; l.Cgroup != limit || l.Memory != limit*9/10 || l.From != from || l.Error != "" || l.CPUs < 1 {
		t.Errorf("it says %s; want nine tenths of %d", line, limit)
	}
	p.serving()
	p.signal(syscall.SIGTERM)
	p.exits(exitDone)
}
