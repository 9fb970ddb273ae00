// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// checked is what `dragoman check` found, as --json prints it.
type checked struct {
	OK       bool          `json:"ok"`
	Methods  int           `json:"methods"`
	Routes   int           `json:"routes"`
	Warnings int           `json:"warnings"`
	Problems []problemLine `json:"problems"`
	// Skipped are sources that were not loaded, because that asks a backend.
	Skipped []string `json:"skipped,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// checkFlags are the flags of `dragoman check`.
type checkFlags struct {
	in                               input
	strict, online, overlaps, asJSON bool
}

func newCheck(t *terminal) *cobra.Command {
	f := checkFlags{in: input{strict: true}}
	cmd := &cobra.Command{
		Use:   "check [-c FILE | PROTO_DIR …]",
		Short: "Check a configuration and its schemas, and print every problem with its place",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if !f.asJSON {
				_, err := f.check(cmd, t, dirs)
				return err
			}
			t.kept = []problemLine{}
			found, err := f.check(cmd, t, dirs)
			found.OK, found.Problems = err == nil, t.kept
			if err != nil {
				if e, ok := errors.AsType[*exitError](err); !ok || e.code == exitUsage {
					return err
				}
				found.Error = err.Error()
			}
			return errors.Join(json.NewEncoder(t.out).Encode(found), err)
		},
	}
	f.in.fileFlag(cmd)
	f.in.schemaFlags(cmd)
	cmd.Flags().BoolVar(&f.strict, "strict", false, "exit with 3 for warnings too")
	cmd.Flags().BoolVar(&f.online, "online", false, "also load what has to be asked from a backend, and connect to all backends")
	cmd.Flags().BoolVar(&f.overlaps, "overlaps", false, "list all pairs of routes that match one path, not only some")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON, with all problems")
	return cmd
}

func (f *checkFlags) check(cmd *cobra.Command, t *terminal, dirs []string) (found checked, err error) {
	loaded, cfg, err := t.look(cmd, &f.in, dirs, f.online)
	if err != nil {
		return found, err
	}
	defer loaded.Close()
	mux := loaded.Snapshot.Mux
	found = checked{Methods: methodsOf(mux), Routes: len(mux.Routes().Bindings()), Warnings: len(cfg.Warnings), Skipped: loaded.Skipped}
	said := t.heard(loaded.Diagnostics)
	if f.overlaps || !t.quiet {
		said = append(said[:len(said):len(said)], overlapNotes(mux.Routes(), loaded.Declared, f.overlaps)...)
	}
	if f.online {
		unready, err := app.Dial(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			return found, failed(err)
		}
		found.Warnings += len(unready)
		said = append(said[:len(said):len(said)], unready...)
	}
	t.show(said)
	wrong := app.Check(cfg)
	t.problems(wrong)
	for _, d := range loaded.Diagnostics {
		if d.Level != schema.Note {
			found.Warnings++
		}
	}
	if !f.asJSON {
		for _, name := range loaded.Skipped {
			t.note("note: %s was not loaded, because that asks a backend; --online does", name)
		}
	}
	if len(wrong) > 0 || (f.strict && found.Warnings > 0) {
		return found, &exitError{code: exitInvalid, err: fmt.Errorf("%s, %s", counted(len(wrong), "problem"), counted(found.Warnings, "warning"))}
	}
	if !f.asJSON && !t.quiet {
		t.printf("ok: %s, %s, %s\n", counted(found.Methods, "method"), counted(found.Routes, "REST route"), counted(found.Warnings, "warning"))
	}
	return found, nil
}
