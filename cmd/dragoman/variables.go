// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// variablePrefix is how the names of our variables of the environment begin.
const variablePrefix = "DRAGOMAN_"

// variablesText says in help and manual how variables of the environment set flags.
const variablesText = "Every flag has a variable of the environment: DRAGOMAN_RUN_HEAP_FLOOR is --heap-floor of run, DRAGOMAN_LOG_LEVEL is the --log-level of all commands.\n" +
	"The command line counts more. What can be repeated is one value a line."

// Annotations of flags.
const (
	variableName = "dragoman-variable"      // the name of its variable, where that is not the one of command and flag
	fromVariable = "dragoman-from-variable" // the name of the variable that has set it
)

// wrongValueFmt is how a value is refused: by what it was set, the value, what it must be.
const wrongValueFmt = "%s is %q; it must be %s"

// nameVariable gives a flag a variable that it has in common with other commands.
func nameVariable(flags *pflag.FlagSet, flag, variable string) {
	_ = flags.SetAnnotation(flag, variableName, []string{variable}) // it fails for flags that are not there; a test walks them all
}

// variableOf returns the variable of the environment that sets a flag of a command; "" for --help and --version, which are questions.
func variableOf(cmd *cobra.Command, f *pflag.Flag) string {
	if f.Name == "help" || f.Name == "version" {
		return ""
	}
	if named := f.Annotations[variableName]; len(named) > 0 {
		return named[0]
	}
	path := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name())
	if cmd.Root().PersistentFlags().Lookup(f.Name) == f {
		path = ""
	}
	return variablePrefix + strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace(path+" "+f.Name)))
}

// setFlags sets the flags of a command that the command line does not set from the environment, in which an empty variable is as good as none.
// It returns everything that is wrong. -c is not among them: usualFile knows when its variable counts.
func setFlags(cmd *cobra.Command, getenv func(string) string) error {
	var wrong []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		variable := variableOf(cmd, f)
		if f.Changed || variable == "" || variable == configVariable {
			return
		}
		values := []string{getenv(variable)}
		if _, repeatable := f.Value.(pflag.SliceValue); repeatable {
			values = strings.Split(values[0], "\n")
		}
		for _, value := range values {
			if value == "" {
				continue
			}
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				wrong = append(wrong, wrongValue(variable, f, value, err).Error())
				continue
			}
			_ = cmd.Flags().SetAnnotation(f.Name, fromVariable, []string{variable}) // the flag is there
		}
	})
	if len(wrong) > 0 {
		return &exitError{code: exitUsage, err: errors.New(strings.Join(wrong, "\n"))}
	}
	return nil
}

// wrongValue says what a flag takes, under the name by which it was set.
func wrongValue(name string, f *pflag.Flag, value string, err error) error {
	switch f.Value.Type() {
	case "bool":
		return fmt.Errorf(wrongValueFmt, name, value, "true or false")
	case "duration":
		return fmt.Errorf(wrongValueFmt, name, value, "a duration, such as 1m30s")
	case "int", "int32":
		return fmt.Errorf(wrongValueFmt, name, value, "a whole number")
	case (*size)(nil).Type():
		return fmt.Errorf(wrongValueFmt, name, value, "a size, such as 64MiB")
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = invalid.Unwrap()
	}
	return fmt.Errorf("%s is %q: %w", name, value, err)
}

// flagError is what cobra says of flags that cannot be read, in our words.
func flagError(_ *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return wrongValue("--"+invalid.GetFlag().Name, invalid.GetFlag(), invalid.GetValue(), err)
	}
	return err
}

// variablesIn returns the variables that have set flags of which a text speaks.
func variablesIn(cmd *cobra.Command, text string) []string {
	var told []string
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n,;:()", r) })
	spoken := map[string]bool{}
	for _, word := range words {
		spoken[word] = true
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		set := f.Annotations[fromVariable]
		if len(set) > 0 && (spoken["--"+f.Name] || f.Shorthand != "" && spoken["-"+f.Shorthand]) {
			told = append(told, fmt.Sprintf("%s sets --%s", set[0], f.Name))
		}
	})
	return told
}
