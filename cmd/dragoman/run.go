// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/internal/heapfloor"
)

func newRun(t *terminal) *cobra.Command {
	var in input
	floor := size(heapfloor.Default)
	cmd := &cobra.Command{
		Use:   "run [-c FILE]",
		Short: "Run the gateway in the foreground",
		Long: `Run the gateway in the foreground. Without -c the configuration is dragoman.yaml in this folder, or the file that DRAGOMAN_CONFIG names, or
/etc/dragoman/dragoman.yaml: the first that is there.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.file == "" {
				in.file = usualFile()
			}
			if in.file == "" {
				return errNoFile()
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

// Where the configuration file is looked for when none is named.
const (
	hereFile       = "dragoman.yaml"
	configVariable = "DRAGOMAN_CONFIG" // the variable of the environment that names one
	packagedFile   = "/etc/dragoman/dragoman.yaml"
)

// usualFile returns the configuration file that is there where none is named; "" where none is. A file that the environment names is
// the one, whether it is there or not.
func usualFile() string {
	for _, name := range []string{hereFile, os.Getenv(configVariable), packagedFile} {
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err == nil || name == os.Getenv(configVariable) {
			return name
		}
	}
	return ""
}

// errNoFile is said where a configuration file is needed and none is there.
func errNoFile() error {
	return &exitError{code: exitUsage, err: errors.New("there is no dragoman.yaml here: name the configuration file with -c, or write one with dragoman config init -o dragoman.yaml")}
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
