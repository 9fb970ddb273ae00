// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/compare"
)

// changeLine is a change as `dragoman schema diff --json` prints it.
type changeLine struct {
	Breaking bool     `json:"breaking"`
	Rule     string   `json:"rule"`
	Element  string   `json:"element"`
	Message  string   `json:"message"`
	Methods  []string `json:"methods,omitempty"`
}

func newSchemaDiff(t *terminal) *cobra.Command {
	var (
		in      input
		against string
	)
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use:   "diff [-c FILE | PROTO_DIR …] [--against SET]",
		Short: "List what changes for clients, from a descriptor set or a gateway that runs to these schemas; exit with 100 when something breaks them",
		Example: `  dragoman schema diff ./proto --against shipped.binpb     from what a version of an app was built with
  dragoman schema diff -c dragoman.yaml                    from what the gateway on this machine serves`,
		RunE: func(cmd *cobra.Command, dirs []string) error {
			loaded, _, err := t.look(cmd, &in, dirs, true)
			if err != nil {
				return err
			}
			defer loaded.Close()
			var after []protoreflect.MethodDescriptor
			for _, m := range loaded.Snapshot.Mux.Methods() {
				if !m.Local {
					after = append(after, m.Desc)
				}
			}
			before, err := c.shipped(cmd.Context(), against)
			if err != nil {
				return err
			}
			return c.showChanges(compare.Methods(before, after))
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	c.flags(cmd)
	cmd.Flags().StringVar(&against, "against", "", "the descriptor set to compare with; without it, a gateway that runs is asked")
	return cmd
}

// shipped returns the methods of a descriptor set: of a file, or of a gateway that runs.
func (c *control) shipped(ctx context.Context, file string) ([]protoreflect.MethodDescriptor, error) {
	var data []byte
	if file != "" {
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return nil, &exitError{code: exitFailed, err: err}
		}
	} else {
		err := c.ask(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
			body, err := adminv1.NewSchemaServiceClient(conn).DownloadDescriptors(ctx, &adminv1.DownloadDescriptorsRequest{})
			data = body.GetData()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	set := &descriptorpb.FileDescriptorSet{}
	err := proto.Unmarshal(data, set)
	if err == nil && len(set.GetFile()) == 0 {
		err = errors.New("it has no files")
	}
	if err != nil {
		return nil, &exitError{code: exitInvalid, err: fmt.Errorf("%s is no descriptor set: %w", file, err)}
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, &exitError{code: exitInvalid, err: fmt.Errorf("%s cannot be linked; it must have its imports, too: %w", file, err)}
	}
	var methods []protoreflect.MethodDescriptor
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				methods = append(methods, f.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	return methods, nil
}

// showChanges prints changes, and fails when some of them break clients.
func (c *control) showChanges(changes []compare.Change) error {
	t := c.terminal
	if c.asJSON {
		lines := []changeLine{}
		for i := range changes {
			x := &changes[i]
			lines = append(lines, changeLine{Breaking: x.Breaking, Rule: string(x.Rule), Element: x.Element, Message: x.Message, Methods: x.Methods})
		}
		if err := json.NewEncoder(t.out).Encode(lines); err != nil {
			return err
		}
	} else {
		for i := range changes {
			x := &changes[i]
			t.schemaChange(&adminv1.SchemaChange{Breaking: x.Breaking, Rule: string(x.Rule), Element: x.Element, Message: x.Message})
			for _, m := range x.Methods {
				if m != x.Element {
					t.printf("      in %s\n", m)
				}
			}
		}
		if len(changes) == 0 {
			t.printf("nothing differs\n")
		}
	}
	if n := compare.Breaking(changes); n > 0 {
		return &exitError{code: exitBreaking, err: fmt.Errorf("%s can break clients", counted(n, "change"))}
	}
	return nil
}
