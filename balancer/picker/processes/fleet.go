// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

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
	"strings"
	"sync"
)

// fleet is the servers, each a process.
type fleet struct {
	self    string // this program
	setup   *setup
	servers []*remote
}

// remote is a server.
type remote struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	address string
}

func startFleet(ctx context.Context, s *setup) (*fleet, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &fleet{self: self, setup: s}
	for range s.servers {
		r, err := f.start(ctx)
		if err != nil {
			return nil, errors.Join(err, f.stop())
		}
		f.servers = append(f.servers, r)
	}
	return f, nil
}

func (f *fleet) start(ctx context.Context) (*remote, error) {
	cmd := exec.CommandContext(ctx, f.self, "-role", serverRole, "-workers", fmt.Sprint(f.setup.workers), "-mean", f.setup.mean.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("a server said no address: %w", err)
	}
	return &remote{cmd: cmd, in: in, address: strings.TrimSpace(line)}, nil
}

// stop ends the servers, which end with their input.
func (f *fleet) stop() error {
	var errs []error
	for _, r := range f.servers {
		errs = append(errs, r.in.Close(), r.cmd.Wait())
	}
	return errors.Join(errs...)
}

// set changes what a server does.
func (f *fleet) set(i int, speed float64, failing bool) error {
	_, err := fmt.Fprintf(f.servers[i].in, "speed %g\nfailing %t\n", speed, failing)
	return err
}

// call runs all clients to their end and returns their samples.
func (f *fleet) call(ctx context.Context, policy string, rate float64) ([]sample, error) {
	args := []string{
		"-role", clientRole, "-policy", policy, "-rate", fmt.Sprint(rate / float64(f.setup.clients)), "-length", f.setup.length.String(),
	}
	for _, r := range f.servers {
		args = append(args, r.address)
	}
	outs, errs := make([]bytes.Buffer, f.setup.clients), make([]error, f.setup.clients)
	var clients sync.WaitGroup
	for i := range outs {
		clients.Go(func() {
			cmd := exec.CommandContext(ctx, f.self, args...)
			cmd.Stdout, cmd.Stderr = &outs[i], os.Stderr
			errs[i] = cmd.Run()
		})
	}
	clients.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", policy, err)
	}
	var all []sample
	for i := range outs {
		var some []sample
		if err := json.Unmarshal(outs[i].Bytes(), &some); err != nil {
			return nil, fmt.Errorf("%s: %w", policy, err)
		}
		all = append(all, some...)
	}
	return all, nil
}
