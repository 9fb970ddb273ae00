// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package processes provides the comparison of policies on real processes: gRPC servers on loopback whose speed it controls,
// and clients that each are a process too and call whatever happens. It writes docs/balancing/processes.md.
//
// Policies take turns within each repetition, so that what else the machine does hits all of them alike; a run in which
// the clients themselves came late with their calls says more about the machine than about a policy, and is
// repeated. Where it may, run it with a priority that other work does not have: chrt -r 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "processes:", err)
		os.Exit(1) //nolint:forbidigo // a program decides how its process ends
	}
}

// The roles that the program starts itself in.
const (
	serverRole = "server"
	clientRole = "client"
)

func run(ctx context.Context) error {
	var s setup
	role := flag.String("role", "", "for the program itself: server or client")
	policy := flag.String("policy", "", "for a client: how it balances")
	rate := flag.Float64("rate", 0, "for a client: how many calls a second")
	out := flag.String("out", ".", "the folder to write to")
	only := flag.String("policies", strings.Join(usualPolicies, ","), "the policies to compare")
	in := flag.String("scenarios", strings.Join(scenarioNames(), ","), "the scenarios to compare them in")
	flag.IntVar(&s.servers, "servers", 8, "how many servers")
	flag.IntVar(&s.clients, "clients", 4, "how many clients")
	flag.IntVar(&s.workers, "workers", 4, "how many calls a server works on at a time")
	flag.DurationVar(&s.mean, "mean", 20*time.Millisecond, "how long it takes for one on average")
	flag.Float64Var(&s.load, "load", 0.8, "the load, as a part of what the servers that work can serve")
	flag.DurationVar(&s.length, "length", 12*time.Second, "how long each run is; the first two seconds are not counted")
	flag.IntVar(&s.repeat, "repeat", 3, "how often everything is repeated")
	flag.IntVar(&s.attempts, "attempts", 3, "how often a run is tried until the machine left it alone; the last one counts")
	flag.Parse()
	switch *role {
	case serverRole:
		return serve(ctx, s.workers, s.mean, os.Stdin, os.Stdout)
	case clientRole:
		conn, closing, err := open(*policy, flag.Args())
		if err != nil {
			return err
		}
		defer closing()
		return generate(ctx, conn, *rate, s.length, os.Stdout)
	case "":
	default:
		return fmt.Errorf("role is %q; it must be %q or %q", *role, serverRole, clientRole)
	}
	for _, f := range []struct {
		into *[]string
		from string
	}{{&s.policies, *only}, {&s.scenarios, *in}} {
		*f.into = strings.Split(f.from, ",")
	}
	r, err := compare(ctx, s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*out, "processes.md"), r.markdown(), 0o644)
}
