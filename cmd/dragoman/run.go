// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/internal/heapfloor"
)

func newRun(t *terminal) *cobra.Command {
	var in input
	floor := size(heapfloor.Default)
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Run the gateway in the foreground",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.checkFlags(); err != nil {
				return err
			}
			if in.file == "" {
				return &exitError{code: exitUsage, err: errors.New("-c is missing: name the configuration file")}
			}
			cfg, err := in.load(t, nil)
			if err != nil {
				return err
			}
			if wrong := app.Check(cfg); len(wrong) > 0 {
				t.problems(wrong)
				return &exitError{code: exitInvalid, err: fmt.Errorf("%s has %s", in.file, counted(len(wrong), "problem"))}
			}
			return (&service{terminal: t, config: cfg, heapFloor: &floor, reread: func() (*config.Config, error) { return config.Load(in.file, config.Options{}) }}).run(cmd.Context())
		},
	}
	in.fileFlag(cmd)
	cmd.Flags().Var(&floor, "heap-floor", "how large the heap may grow before the garbage collector runs, at least; 0B leaves it to Go, as GOGC in the environment does")
	return cmd
}

func newGraph(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "graph",
		Short: "Print how the process is wired, in the language of Graphviz",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			graph, err := app.Graph()
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			t.printf("%s", graph)
			return nil
		},
	}
}
