// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Bench compares Dragoman with what else can stand between clients and gRPC servers: by the processor time of the gateway for each request
// above all, by throughput, by the latency that it adds, by memory and by its start. The peers take turns; every answer is checked. It writes a page and
// plots. make bench-peers runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"

	"github.com/dragoman-gateway/dragoman/bench/serve"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		exit(serve.Serve(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context) error {
	program := flag.String("dragoman", "", "the gateway's program (required)")
	rounds := flag.Int("rounds", 5, "how often each scenario runs with each peer")
	only := flag.String("only", "", "a regular expression: only scenarios whose group and name it matches, and nothing is written")
	profiled := flag.Bool("profile", false, "run the gateway within this program instead of its own, with the profile that "+serve.ProfileVariable+" names")
	out := flag.String("out", "", "the folder to write to; empty writes the page to standard output, and no plots")
	readme := flag.String("readme", "", "a document to write the summary into; empty writes none")
	flag.Parse()
	if *program == "" {
		return fmt.Errorf("-dragoman is missing: build it and name its program")
	}
	names, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	s, err := newStage(folder, *program)
	if err != nil {
		return err
	}
	defer s.stop()
	all, err := scenarios(folder)
	if err != nil {
		return err
	}
	if *profiled {
		for _, sc := range all {
			sc.peers = []string{allocating}
		}
	}
	results, err := s.run(ctx, all, *rounds, func(sc *scenario) bool { return names.MatchString(sc.group + ": " + sc.name) })
	if err != nil {
		return err
	}
	if *only != "" {
		return nil
	}
	if *readme != "" {
		if err := writeSummary(*readme, results); err != nil {
			return err
		}
	}
	return s.report(ctx, all, results, *rounds, *out)
}
