// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package simulation provides the comparison of policies by discrete events: the pickers' own code, on a clock that is simulated,
// with servers, gateways and clients that are too. It writes docs/balancing/simulation.md and its plots.
//
//	go run ./balancer/picker/simulation/... -out docs/balancing
//
// Everything is drawn from one seed, so that a run can be repeated exactly. What a real machine adds (schedulers,
// networks, the cost of the pickers themselves) is not in it: the command beside it, processes, measures that.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	out := flag.String("out", ".", "the folder to write to")
	length := flag.Duration("length", time.Minute, "how long each run is measured, in simulated time")
	seed := flag.Uint64("seed", 1, "what all chance is drawn from")
	flag.Parse()
	if err := write(*out, *length, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "simulation:", err)
		os.Exit(1) //nolint:forbidigo // a program decides how its process ends
	}
}

// write runs everything and writes the report.
func write(dir string, length time.Duration, seed uint64) error {
	r, err := newReport(length, seed)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, s := range scenarios {
		if err := os.WriteFile(filepath.Join(dir, s.name+".svg"), r.plot(s), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "simulation.md"), r.markdown(), 0o644)
}
