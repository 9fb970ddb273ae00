// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package process starts the servers of the benchmark and tells what they cost: time on processors, and memory.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a server may take to start, and to end.
const patience = 20 * time.Second

// Process is a server that runs.
type Process struct {
	// Name says which it is.
	Name string
	// Address is where it serves, host:port.
	Address string

	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ended chan error
	log   string
}

// Start starts a server that serves at address once it does. Without an address it is one of package serve: it prints its own, and
// answers Memory.
func Start(ctx context.Context, name, address string, command ...string) (*Process, error) {
	p := &Process{Name: name, Address: address, ended: make(chan error, 1)}
	log, err := os.CreateTemp("", "bench-*.log")
	if err != nil {
		return nil, err
	}
	p.log = log.Name()
	defer func() { _ = log.Close() }()
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...) // Stop ends it
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = log
	if address == "" {
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		p.out = bufio.NewReader(out)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if address == "" {
		line, err := p.out.ReadString('\n')
		if err != nil {
			return nil, p.failed(errors.Join(err, p.cmd.Wait()))
		}
		p.Address = strings.TrimSpace(line)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, p.reachable(ctx)
}

// reachable waits until the server takes connections.
func (p *Process) reachable(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	dialer := net.Dialer{Timeout: time.Second}
	for {
		c, err := dialer.DialContext(ctx, "tcp", p.Address)
		if err == nil {
			return c.Close()
		}
		select {
		case ended := <-p.ended:
			return p.failed(fmt.Errorf("it ended: %w", ended))
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return p.failed(errors.Join(err, p.Stop()))
		}
	}
}

// failed puts the server's last words beside an error.
func (p *Process) failed(err error) error {
	words, _ := os.ReadFile(p.log)
	const last = 2000
	return fmt.Errorf("%s: %w\n%s", p.Name, err, words[max(0, len(words)-last):])
}

// Stop ends the server.
func (p *Process) Stop() error {
	defer func() { _ = os.Remove(p.log) }()
	if p.in != nil {
		_ = p.in.Close()
	} else if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end within %v", p.Name, patience)
	}
	return nil
}

// family returns the process and those that it started.
func (p *Process) family() ([]int, error) {
	all := []int{p.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			text, err := os.ReadFile(list) //nolint:gosec // of the kernel's
			if err != nil {
				continue // the thread has ended
			}
			for _, word := range strings.Fields(string(text)) {
				id, err := strconv.Atoi(word)
				if err != nil {
					return nil, err
				}
				all = append(all, id)
			}
		}
	}
	return all, nil
}

// CPU returns the time that the server's processes have had on processors, in the kernel and out of it, to the nanosecond.
func (p *Process) CPU() (time.Duration, error) {
	ids, err := p.family()
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, id := range ids {
		// The clock of another process, as clock_getcpuclockid(3) makes it.
		const scheduled = 2
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^id)<<3|scheduled, &t); err != nil { //nolint:gosec // process ids are small
			return 0, fmt.Errorf("the processor time of process %d: %w", id, err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// Memory is what a server holds, and has held at most, in bytes of memory of its own.
type Memory struct{ Resident, Peak int64 }

// Memory reads it from the kernel.
func (p *Process) Memory() (Memory, error) {
	ids, err := p.family()
	if err != nil {
		return Memory{}, err
	}
	var m Memory
	for _, id := range ids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if err != nil {
			return m, err
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			for name, to := range map[string]*int64{"VmRSS:": &m.Resident, "VmHWM:": &m.Peak} {
				if len(fields) == 3 && fields[0] == name {
					kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
					if err != nil {
						return m, err
					}
					*to += kilobytes << 10
				}
			}
		}
	}
	return m, nil
}

// Allocated returns how many objects a server of package serve has allocated since it started, and how many bytes.
func (p *Process) Allocated() (objects, bytes int64, err error) {
	if p.in == nil {
		return 0, 0, fmt.Errorf("%s does not tell", p.Name)
	}
	if _, err := io.WriteString(p.in, "?\n"); err != nil {
		return 0, 0, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return 0, 0, p.failed(err)
	}
	if _, err := fmt.Sscan(line, &objects, &bytes); err != nil {
		return 0, 0, err
	}
	return objects, bytes, nil
}

// FreePorts returns ports of loopback that nobody listens on.
func FreePorts(ctx context.Context, n int) ([]int, error) {
	var ports []int
	var sockets []net.Listener
	defer func() {
		for _, l := range sockets {
			_ = l.Close()
		}
	}()
	for range n {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, l)
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("%s is no address of TCP", l.Addr())
		}
		ports = append(ports, address.Port)
	}
	return slices.Clip(ports), nil
}
