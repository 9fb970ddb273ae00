// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package networktest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// variable says that the process has a network of its own.
const variable = "DRAGOMAN_TEST_NETWORK"

// mtu is that of a real network: packets of loopback are too large to lose one in twenty of them.
const mtu = "1500"

// Own runs a test again in a process whose network is a new namespace, and returns true there. The namespace ends with the process.
func Own(t *testing.T) bool {
	t.Helper()
	if os.Getenv(variable) != "" {
		Run(t, "ip", "link", "set", "lo", "up", "mtu", mtu)
		Run(t, "nft", "add table inet faults")
		Run(t, "nft", "add chain inet faults in { type filter hook input priority 0; }")
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m") //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if id := os.Geteuid(); id != 0 { // root in a namespace of users suffices
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	t.Logf("in a network of its own:\n%s", out)
	if err != nil {
		t.Error(err)
	}
	return false
}

// Run runs a command in the network.
func Run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// Drop drops packets to and from a port of TCP: all that match what nft's language says beside it, "" for all.
func Drop(t *testing.T, port, which string) {
	t.Helper()
	for _, side := range []string{"dport", "sport"} {
		Run(t, "nft", fmt.Sprintf("add rule inet faults in tcp %s %s %s drop", side, port, which))
	}
}

// Mend lets all packets through again.
func Mend(t *testing.T) {
	t.Helper()
	Run(t, "nft", "flush chain inet faults in")
}
