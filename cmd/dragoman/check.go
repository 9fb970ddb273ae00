// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

func newCheck(t *terminal) *cobra.Command {
	var (
		in             = input{strict: true}
		strict, online bool
		overlaps       bool
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
			mux := loaded.Snapshot.Mux
			t.diagnose(append(slices.Clone(loaded.Diagnostics), overlapNotes(mux.Routes(), loaded.Declared, overlaps)...))
			wrong := app.Check(cfg)
			t.problems(wrong)
			for _, name := range loaded.Skipped {
				fmt.Fprintf(t.err, "note: %s was not loaded, because that asks a backend; --online does\n", name)
			}
			doubts := len(cfg.Warnings)
			for _, d := range loaded.Diagnostics {
				if d.Level != schema.Note {
					doubts++
				}
			}
			if len(wrong) > 0 || (strict && doubts > 0) {
				return &exitError{code: exitInvalid, err: fmt.Errorf("%s, %s", counted(len(wrong), "problem"), counted(doubts, "warning"))}
			}
			t.printf("ok: %s, %s, %s\n", counted(methodsOf(mux), "method"), counted(len(mux.Routes().Bindings()), "REST route"), counted(doubts, "warning"))
			return nil
		},
	}
	in.fileFlag(cmd)
	in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 3 for warnings too")
	cmd.Flags().BoolVar(&online, "online", false, "also load what has to be asked from a backend")
	cmd.Flags().BoolVar(&overlaps, "overlaps", false, "list all pairs of routes that match one path, not only some")
	return cmd
}
