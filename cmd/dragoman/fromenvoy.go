// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/config/envoy"
)

func newConfigFromEnvoy(t *terminal) *cobra.Command {
	var (
		output string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "from-envoy FILE …",
		Short: "Convert a configuration of Envoy, and list what has to be done by hand",
		Long: `Convert a configuration of Envoy, version 3 of its API, in YAML or JSON: a bootstrap, or single listeners, clusters and route
configurations, in one file or in several that belong together. The configuration goes to the standard output, what there is to say to the
standard error:

  left open   what refuses calls in Envoy and nothing does here, until you have done it
  left        what has no equal, or has to be done by hand
  note        what needs nothing, or is different here

It exits with 3 when something is left; the configuration is written all the same, and has it in comments at its top. What
version 3 does not know is a mistake, and then nothing is written.`,
		Example: "  dragoman config from-envoy envoy.yaml -o dragoman.yaml\n  dragoman config from-envoy listeners.yaml clusters.yaml >dragoman.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, names []string) error {
			var files []envoy.File
			for _, name := range names {
				data, err := readEnvoy(name)
				if err != nil {
					return &exitError{code: exitFailed, err: err}
				}
				files = append(files, envoy.File{Name: name, Data: data})
			}
			r, err := envoy.Convert(files...)
			if p, ok := errors.AsType[*config.Problems](err); ok {
				t.problems(p.List)
				return &exitError{code: exitInvalid, err: fmt.Errorf("%s; nothing was converted", counted(len(p.List), "problem"))}
			}
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			if err := t.converted(r, output, asJSON); err != nil {
				return err
			}
			if open, left := r.Count(envoy.Guard), r.Count(envoy.Left); open+left > 0 {
				return &exitError{code: exitInvalid, err: fmt.Errorf("%s to do by hand, %d of them left open", counted(open+left, "thing"), open)}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; one that is there is left as it is")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the configuration and the notes as JSON")
	return cmd
}

// readEnvoy reads a file, and - as the standard input. What is larger than any configuration is refused by who reads it.
func readEnvoy(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(os.Stdin, envoy.MaxSize+1))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, envoy.MaxSize+1))
	return data, errors.Join(err, f.Close())
}

// noteLine is a note as --json prints it.
type noteLine struct {
	Kind    string `json:"kind"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

// converted prints a configuration and what there is to say of it.
func (t *terminal) converted(r *envoy.Result, output string, asJSON bool) error {
	if asJSON {
		lines := []noteLine{}
		for i := range r.Notes {
			n := &r.Notes[i]
			lines = append(lines, noteLine{Kind: n.Kind.String(), File: n.File, Line: n.Line, Column: n.Column, Path: n.Path, Message: n.Message})
		}
		return failed(json.NewEncoder(t.out).Encode(map[string]any{"yaml": r.YAML, "notes": lines}))
	}
	for _, kind := range []envoy.Kind{envoy.Done, envoy.Left, envoy.Guard} {
		if t.quiet && kind == envoy.Done {
			continue
		}
		for i := range r.Notes {
			if n := &r.Notes[i]; n.Kind == kind {
				fmt.Fprintf(t.err, "%-10s  %s\n", kind, n)
			}
		}
	}
	if output == "" {
		t.printf("%s", r.YAML)
		return nil
	}
	const mode = 0o644
	f, err := os.OpenFile(output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	_, err = f.WriteString(r.YAML)
	return failed(errors.Join(err, f.Close()))
}
