// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// sharedVariables are the flags that have one variable for all commands.
var sharedVariables = map[string]string{
	"color": "DRAGOMAN_COLOR", "log-level": "DRAGOMAN_LOG_LEVEL", "log-format": "DRAGOMAN_LOG_FORMAT", "quiet": "DRAGOMAN_QUIET",
	"config": "DRAGOMAN_CONFIG", "admin": "DRAGOMAN_ADMIN", "token": "DRAGOMAN_ADMIN_TOKEN",
}

// Every flag of every command has a variable, that of its command and its name, which counts where the command line says nothing.
func TestEveryFlagHasAVariable(t *testing.T) {
	t.Parallel()
	set := func(args []string, variable, value string) (*cobra.Command, error) {
		root := newRoot(&terminal{out: os.Stdout, err: os.Stderr})
		cmd, rest, err := root.Find(args)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Fatal(err)
		}
		return cmd, setFlags(cmd, func(name string) string {
			if name == variable {
				return value
			}
			return ""
		})
	}
	owners := map[string]string{}
	eachCommand(newRoot(&terminal{out: os.Stdout, err: os.Stderr}), func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		path := strings.Fields(cmd.CommandPath())[1:]
		cmd.Flags().AddFlagSet(cmd.Root().PersistentFlags())
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			what := cmd.CommandPath() + " --" + f.Name
			variable := variableOf(cmd, f)
			if f.Name == "help" || f.Name == "version" {
				if variable != "" {
					t.Errorf("%s is a question, and has the variable %s", what, variable)
				}
				return
			}
			want := "DRAGOMAN_" + strings.ToUpper(strings.ReplaceAll(strings.Join(append(path[:len(path):len(path)], f.Name), "_"), "-", "_"))
			listens := cmd.Name() == "dev" || cmd.Name() == "demo" || cmd.Name() == "init" // their --admin is where they listen
			if shared, ok := sharedVariables[f.Name]; ok && !listens || ok && f.Name != "admin" {
				want = shared
			}
			if variable != want {
				t.Errorf("%s has the variable %s; want %s", what, variable, want)
			}
			owner := what
			if want == sharedVariables[f.Name] {
				owner = "--" + f.Name
			}
			if other, taken := owners[variable]; taken && other != owner {
				t.Errorf("%s is the variable of %s and of %s", variable, other, owner)
			}
			owners[variable] = owner
			if f.Name == "config" {
				return // what it counts is for usualFile to say
			}
			good := map[string][2]string{
				"bool": {"true", "true"}, "int": {"7", "7"}, "int32": {"7", "7"}, "duration": {"90s", "1m30s"}, "SIZE": {"1MiB", "1MiB"}, "string": {"a b", "a b"},
				"stringArray": {"a\nb, c\n", `[a,"b, c"]`}, "stringSlice": {"a,b\nc", "[a,b,c]"},
			}[f.Value.Type()]
			ran, err := set(path, variable, good[0])
			if got := ran.Flag(f.Name); err != nil || got.Value.String() != good[1] || !got.Changed {
				t.Errorf("%s=%q: --%s of kind %s is %q, error %v; want %q", variable, good[0], f.Name, f.Value.Type(), got.Value, err, good[1])
			}
			if ran, err = set(path, variable, ""); err != nil || ran.Flag(f.Name).Changed {
				t.Errorf("an empty %s sets something, error %v", variable, err)
			}
			if f.Value.Type() != "string" && !strings.HasPrefix(f.Value.Type(), "string") {
				if _, err := set(path, variable, "much"); err == nil || !strings.HasPrefix(err.Error(), variable+` is "much"; it must be `) {
					t.Errorf("%s=much: error %v", variable, err)
				}
			}
			if f.NoOptDefVal == "" { // it takes a value
				line, _, _ := strings.Cut(good[0], "\n")
				ran, err := set(append(path[:len(path):len(path)], "--"+f.Name, line), variable, "of the environment")
				if err != nil || strings.Contains(ran.Flag(f.Name).Value.String(), "environment") {
					t.Errorf("--%s of the command line counts less than %s, error %v", f.Name, variable, err)
				}
			}
		})
	})
	for _, name := range []string{"DRAGOMAN_RUN_HEAP_FLOOR", "DRAGOMAN_CALL_AT", "DRAGOMAN_KEYS_NEW_SUBJECT", "DRAGOMAN_DEV_ADMIN", "DRAGOMAN_ADMIN_TOKEN"} {
		if owners[name] == "" {
			t.Errorf("no flag has the variable %s", name)
		}
	}
}
