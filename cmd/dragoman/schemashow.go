// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protosource"
)

// elementLine is an element as `dragoman schema show --json` prints it.
type elementLine struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Source string `json:"source"`
	Text   string `json:"text"`
}

func newSchemaShow(t *terminal) *cobra.Command {
	var (
		in     input
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "show NAME [-c FILE | PROTO_DIR …]",
		Short: "Print a service, method, message or enum as a .proto file has it, whatever source it is from",
		Example: `  dragoman schema show acme.users.v1.UserService ./proto
  dragoman schema show acme.users.v1.UserService/GetUser --to localhost:50051`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, _, err := t.look(cmd, &in, args[1:], true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			line, err := elementOf(loaded, args[0])
			if err != nil {
				return failed(err)
			}
			if asJSON {
				return failed(json.NewEncoder(t.out).Encode(line))
			}
			t.printf("// %s\n%s", line.File, line.Text)
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// elementOf finds an element by its full name, in which a method may stand behind a slash.
func elementOf(loaded *app.Loaded, name string) (*elementLine, error) {
	full := protoreflect.FullName(strings.Replace(strings.TrimPrefix(name, "/"), "/", ".", 1))
	for _, s := range loaded.Schemas {
		d, err := s.FindDescriptorByName(full)
		if err != nil {
			continue // another source may have it
		}
		text, err := protosource.Text(d)
		if err != nil {
			return nil, err
		}
		return &elementLine{Name: string(full), File: s.Locate(d).String(), Source: s.Source(), Text: text}, nil
	}
	return nil, fmt.Errorf("no schema has %s; dragoman schema ls lists services and methods", name)
}

func newSchemaPull(t *terminal) *cobra.Command {
	var (
		in     input
		output string
	)
	cmd := &cobra.Command{
		Use:     "pull --to HOST:PORT -o FILE",
		Short:   "Ask a server by reflection for its schema, and write it as a descriptor set",
		Example: `  dragoman schema pull --to localhost:50051 -o users.binpb`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output == "" {
				return &exitError{code: exitUsage, err: errors.New("-o is missing: name the file to write, or - for the standard output")}
			}
			if in.to == "" {
				return &exitError{code: exitUsage, err: errors.New("--to is missing: say where the server is, such as --to localhost:50051")}
			}
			loaded, _, err := t.look(cmd, &in, nil, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			return failed(t.writeSchemas(output, loaded.Schemas))
		},
	}
	cmd.Flags().StringVar(&in.to, "to", "", "the server, host:port, which serves reflection")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write, - for the standard output")
	return cmd
}
