// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

func newOpenAPI(t *terminal) *cobra.Command {
	var (
		in     input
		asYAML bool
		globs  []string
	)
	cmd := &cobra.Command{
		Use:   "openapi [-c FILE | PROTO_DIR …]",
		Short: "Print the OpenAPI 3.1 document of what is served",
		Example: `  dragoman openapi ./proto > openapi.json
  dragoman openapi -c dragoman.yaml --service 'acme.users.**' --yaml`,
		RunE: func(cmd *cobra.Command, dirs []string) error {
			include, err := serviceFilter(globs)
			if err != nil {
				return err
			}
			loaded, _, err := t.look(cmd, &in, dirs, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			if len(globs) > 0 && !slices.ContainsFunc(loaded.Snapshot.Mux.Services(), include) {
				return &exitError{code: exitFailed, err: fmt.Errorf("--service is %s, which is none of the services: %s",
					strings.Join(globs, ", "), strings.Join(loaded.Snapshot.Mux.Services(), ", "))}
			}
			document, err := loaded.OpenAPI(include)
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			data := document.JSON()
			if asYAML {
				if data, err = document.YAML(); err != nil {
					return &exitError{code: exitFailed, err: err}
				}
			}
			if _, err := t.out.Write(data); err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			for _, route := range document.Unlisted() {
				t.note("note: OpenAPI has no place for %s; it is listed under x-unlisted", route)
			}
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&asYAML, "yaml", false, "print YAML")
	cmd.Flags().StringArrayVar(&globs, "service", nil, "only services that a glob matches, such as 'acme.users.**' (repeatable)")
	return cmd
}

// serviceFilter returns what matches one of the globs; nil, which is all, for none.
func serviceFilter(globs []string) (func(string) bool, error) {
	if len(globs) == 0 {
		return nil, nil //nolint:nilnil // no filter is no error
	}
	var parsed []config.Glob
	for _, s := range globs {
		g, err := config.ParseGlob(s)
		if err != nil {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("--service is %q, which %w", s, err)}
		}
		parsed = append(parsed, g)
	}
	return func(service string) bool {
		return slices.ContainsFunc(parsed, func(g config.Glob) bool { return g.Match(service) })
	}, nil
}
