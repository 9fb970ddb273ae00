// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

func newSchema(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "schema", Short: "List and show what schemas hold, ask servers for theirs, write descriptor sets, send them to a gateway, and find changes that break clients", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSchemaList(t), newSchemaShow(t), newSchemaPull(t), newSchemaBuild(t), newSchemaDiff(t), newSchemaPush(t))
	return cmd
}

// serviceLine is a service as `dragoman schema ls --json` prints it.
type serviceLine struct {
	Source  string   `json:"source"`
	Service string   `json:"service"`
	File    string   `json:"file"`
	Methods []string `json:"methods"`
}

func newSchemaList(t *terminal) *cobra.Command {
	var (
		in     input
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "ls [-c FILE | PROTO_DIR …]",
		Short: "List services and methods, and the file of each",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			loaded, _, err := t.look(cmd, &in, dirs, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			lines := []serviceLine{}
			for _, s := range loaded.Schemas {
				for _, service := range s.Services() {
					line := serviceLine{Source: s.Source(), Service: string(service.FullName()), File: s.Locate(service).String()}
					for i := range service.Methods().Len() {
						line.Methods = append(line.Methods, string(service.Methods().Get(i).Name()))
					}
					lines = append(lines, line)
				}
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(lines)
			}
			for _, l := range lines {
				t.printf("%s   %s\n", l.Service, l.File)
				for _, m := range l.Methods {
					t.printf("  %s\n", m)
				}
			}
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newSchemaBuild(t *terminal) *cobra.Command {
	var (
		in     input
		output string
	)
	cmd := &cobra.Command{
		Use:   "build [-c FILE | PROTO_DIR …] -o FILE",
		Short: "Write what is loaded, with all imports, as a descriptor set",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if output == "" {
				return &exitError{code: exitUsage, err: errors.New("-o is missing: name the file to write, or - for the standard output")}
			}
			loaded, _, err := t.look(cmd, &in, dirs, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			if err := t.writeSchemas(output, loaded.Schemas); err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write, - for the standard output")
	return cmd
}

// writeSchemas writes a descriptor set to a file, or to the standard output for "-".
func (t *terminal) writeSchemas(output string, schemas []*schema.Schema) error {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(descriptorSet(schemas))
	if err != nil {
		return err
	}
	if output == "-" {
		_, err = t.out.Write(data)
		return err
	}
	const mode = 0o644
	return os.WriteFile(output, data, mode)
}

// descriptorSet is all files of the schemas, imports before those that import them.
func descriptorSet(schemas []*schema.Schema) *descriptorpb.FileDescriptorSet {
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] || f.IsPlaceholder() {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	for _, s := range schemas {
		for _, f := range s.Files() {
			add(f)
		}
	}
	return set
}
