// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// look loads a configuration to look at it, and prints what is wrong.
func (t *terminal) look(cmd *cobra.Command, in *input, dirs []string, online bool) (*app.Loaded, *config.Config, error) {
	if err := t.checkFlags(); err != nil {
		return nil, nil, err
	}
	cfg, err := in.load(t, dirs)
	if err != nil {
		return nil, nil, err
	}
	loaded, err := app.Load(cmd.Context(), cfg, slog.New(slog.DiscardHandler), online)
	if err != nil {
		return nil, nil, t.startError(err)
	}
	return loaded, cfg, nil
}

func newCheck(t *terminal) *cobra.Command {
	var (
		in             = input{strict: true}
		strict, online bool
	)
	cmd := &cobra.Command{
		Use:   "check [-c FILE | PROTO_DIR …]",
		Short: "Check a configuration and its schemas, and print every problem with its place",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			loaded, cfg, err := t.look(cmd, &in, dirs, online)
			if err != nil {
				return err
			}
			defer loaded.Close()
			t.diagnose(loaded.Diagnostics)
			wrong := app.Check(cfg)
			t.problems(wrong)
			for _, name := range loaded.Skipped {
				fmt.Fprintf(t.err, "note: %s was not loaded, because that asks a backend; --online does\n", name)
			}
			doubts := len(loaded.Diagnostics) + len(cfg.Warnings)
			if len(wrong) > 0 || (strict && doubts > 0) {
				return &exitError{code: exitInvalid, err: fmt.Errorf("%s, %s", counted(len(wrong), "problem"), counted(doubts, "warning"))}
			}
			mux := loaded.Snapshot.Mux
			t.printf("ok: %s, %s, %s\n", counted(len(mux.Methods()), "method"), counted(len(mux.Routes().Bindings()), "REST route"), counted(doubts, "warning"))
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 3 for warnings too")
	cmd.Flags().BoolVar(&online, "online", false, "also load what has to be asked from a backend")
	return cmd
}

// routeLine is a route as `dragoman routes --json` prints it.
type routeLine struct {
	Verb     string `json:"verb"`
	Path     string `json:"path"`
	Method   string `json:"method"`
	Kind     string `json:"kind"`
	Body     string `json:"body,omitempty"`
	Response string `json:"response_body,omitempty"`
	Backend  string `json:"backend,omitempty"`
	Timeout  string `json:"timeout,omitempty"`
	Origin   string `json:"origin"`
	Declared string `json:"declared"`
}

func newRoutes(t *terminal) *cobra.Command {
	var (
		in     input
		asJSON bool
		match  string
	)
	cmd := &cobra.Command{
		Use:   "routes [-c FILE | PROTO_DIR …]",
		Short: "List every route: HTTP method and path, gRPC method, backend, timeout, where it is declared",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if _, err := path.Match(match, ""); err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--match is %q, which is no pattern: %w", match, err)}
			}
			loaded, cfg, err := t.look(cmd, &in, dirs, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			lines := routeLines(loaded, cfg, match)
			if asJSON {
				return json.NewEncoder(t.out).Encode(lines)
			}
			t.table(lines)
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&match, "match", "", "only routes whose path or method matches a pattern, such as '*Shelf*'")
	return cmd
}

func routeLines(loaded *app.Loaded, cfg *config.Config, match string) []routeLine {
	mux := loaded.Snapshot.Mux
	lines := []routeLine{}
	for _, b := range mux.Routes().Bindings() {
		name := methodName(b)
		m := mux.Method("/" + name)
		line := routeLine{
			Verb: b.HTTPMethod, Path: b.Template.String(), Method: name, Kind: m.Kind(), Origin: b.Place.Origin.String(),
			Declared: m.Schema.Locate(b.Method).String(),
		}
		switch b.Body {
		case httprule.BodyWhole:
			line.Body = "*"
		case httprule.BodyField:
			line.Body = string(b.BodyField.Name())
		case httprule.BodyNone:
		}
		if b.ResponseField != nil {
			line.Response = string(b.ResponseField.Name())
		}
		if i, ok := cfg.ServiceFor(m.Service); ok {
			line.Backend = cfg.Services[i].Backend
		}
		if policy, _ := cfg.PolicyFor(m.Service, m.Name); m.Unary() {
			line.Timeout = policy.Deadline.Timeout.String()
		}
		if match == "" || matches(match, line.Path) || matches(match, line.Method) {
			lines = append(lines, line)
		}
	}
	return lines
}

// matches compares without regard to slashes, which path.Match would stop at.
func matches(pattern, s string) bool {
	flat := strings.NewReplacer("/", ".")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(s))
	return err == nil && ok
}

func (t *terminal) table(lines []routeLine) {
	wide := [3]int{}
	for _, l := range lines {
		wide[0], wide[1], wide[2] = max(wide[0], len(l.Verb)), max(wide[1], len(l.Path)), max(wide[2], len(l.Method))
	}
	for _, l := range lines {
		t.printf("%-*s  %-*s  %-*s  %-13s  %-12s %s\n", wide[0], l.Verb, wide[1], l.Path, wide[2], l.Method, l.Kind, l.Backend, l.Declared)
	}
}

func newSchema(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Short: "List what schemas hold, and write descriptor sets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newSchemaList(t), newSchemaBuild(t))
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
