// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reference is where the commands are described.
const reference = "../../docs/cli.md"

// The reference of the commands, docs/cli.md, is what they say of themselves.
func TestReferenceIsOfTheCommands(t *testing.T) {
	t.Parallel()
	w := &commandWriter{}
	w.document(newRoot(&terminal{out: os.Stdout, err: os.Stderr}))
	if *update {
		if err := os.WriteFile(reference, []byte(w.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff.Diff(string(want), w.String()); d != "" {
		t.Errorf("%s (-want +got, make golden rewrites it):\n%s", reference, d)
	}
}

// Every command and every flag says what it is for.
func TestEveryCommandAndFlagIsDescribed(t *testing.T) {
	t.Parallel()
	eachCommand(newRoot(&terminal{out: os.Stdout, err: os.Stderr}), func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s has no description", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s has no description", cmd.CommandPath(), f.Name)
			}
		})
	})
}

// eachCommand calls do for a command and those below it that help lists, in the order of their names.
func eachCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	below := slices.Clone(cmd.Commands())
	slices.SortFunc(below, func(a, b *cobra.Command) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, c := range below {
		if c.IsAvailableCommand() && !c.IsAdditionalHelpTopicCommand() && c.Name() != "help" {
			eachCommand(c, do)
		}
	}
}

// commandWriter writes the reference of the commands.
type commandWriter struct{ strings.Builder }

func (w *commandWriter) document(root *cobra.Command) {
	fmt.Fprint(w, "# Reference of the commands\n\n<!-- Written by go test ./cmd/dragoman -run TestReference -update; do not edit. -->\n\n"+
		"What `dragoman --help` and `dragoman COMMAND --help` say, on one page.\n\n"+
		variablesText+"\n\n"+
		"| exit code | when |\n| --- | --- |\n")
	for _, e := range exitCodes {
		fmt.Fprintf(w, "| %s | %s |\n", e.code, e.when)
	}
	fmt.Fprint(w, "\n| command | |\n| --- | --- |\n")
	eachCommand(root, func(cmd *cobra.Command) {
		if cmd != root {
			fmt.Fprintf(w, "| [`%s`](#%s) | %s |\n", cmd.CommandPath(), strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cell(cmd.Short))
		}
	})
	eachCommand(root, w.command)
}

// exitCodes are the codes by which commands end, as scripts see them.
var exitCodes = []struct{ code, when string }{
	{fmt.Sprint(exitDone), "done"},
	{fmt.Sprint(exitFailed), "failed at run time"},
	{fmt.Sprint(exitUsage), "wrong usage"},
	{fmt.Sprint(exitInvalid), "the configuration or a schema is invalid"},
	{fmt.Sprint(exitForced), "drained by force: a second signal, or the time to drain was over"},
	{fmt.Sprint(exitUnreachable), "the admin address of a gateway does not answer"},
	{fmt.Sprint(exitBreaking), "`dragoman schema diff` found changes that break clients"},
	{"8 and its multiples", "`dragoman call`: the code of gRPC times eight"},
}

// command writes what one command says of itself.
func (w *commandWriter) command(cmd *cobra.Command) {
	fmt.Fprintf(w, "\n## %s\n\n", cmd.CommandPath())
	if cmd.Long == "" {
		fmt.Fprintf(w, "%s.\n", strings.TrimSuffix(cmd.Short, "."))
	}
	if cmd.Long != "" {
		fmt.Fprintf(w, "```\n%s\n```\n", strings.TrimSpace(cmd.Long))
	}
	if cmd.Runnable() && !cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n```\n%s\n```\n", strings.TrimSpace(cmd.UseLine()))
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\n```\n%s\n```\n", strings.Trim(cmd.Example, "\n"))
	}
	w.flags(cmd.NonInheritedFlags())
}

func (w *commandWriter) flags(flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprint(w, "\n| flag | |\n| --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			name += " " + strings.ToUpper(kind)
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			usage += "; default `" + f.DefValue + "`"
		}
		fmt.Fprintf(w, "| %s` | %s |\n", name, cell(usage))
	})
}

// cell is a text in a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", `\<`).Replace(s)
}
