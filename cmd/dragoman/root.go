// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func newRoot(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dragoman",
		Short: "Serve gRPC services as REST and gRPC, from their .proto files",
		Long: `Dragoman is a gRPC-native API gateway. Drop in .proto files and point it at a server: every method is
served as REST/JSON and as gRPC on one port, with no code generation and no restart.

  dragoman demo                                  an example API with a built-in backend: nothing else needed
  dragoman dev ./proto --to localhost:50051      your own protos and your own server, reloaded on save`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Version:           version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		Args:              cobra.NoArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := setFlags(cmd, os.Getenv); err != nil {
				return err
			}
			return t.checkFlags()
		},
	}
	cmd.SetOut(t.out)
	cmd.SetErr(t.err)
	cmd.SetVersionTemplate("dragoman {{.Version}}\n")
	cmd.PersistentFlags().StringVar(&t.color, "color", "auto", "colour the output: auto, always or never (NO_COLOR is honoured)")
	cmd.PersistentFlags().StringVar(&t.logLevel, "log-level", "", "debug, info, warn or error; overrides the configuration")
	cmd.PersistentFlags().StringVar(&t.logFormat, "log-format", "", "text or json, for the log and the access log; overrides the configuration")
	cmd.PersistentFlags().BoolVarP(&t.quiet, "quiet", "q", false, "say nothing that is neither a problem nor an answer")
	cmd.SetFlagErrorFunc(flagError)
	usage := cmd.UsageFunc()
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		if err := usage(c); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.OutOrStderr(), "\n%s\n", variablesText)
		return err
	})
	cmd.AddCommand(newDev(t), newDemo(t), newRun(t), newCheck(t), newRoutes(t), newOpenAPI(t), newExplain(t), newCall(t), newSchema(t), newKeys(t), newVersion(t), newGraph(t),
		newStatus(t), newReload(t), newBackends(t), newConfig(t), newHealth(t), newTap(t), newCapture(t), newTop(t), newReplay(t), newAPIs(t), newCache(t))
	cmd.AddCommand(newMan())
	addCompletion(cmd)
	addCompletions(cmd, t)
	return cmd
}

// addCompletion adds the command that prints completion scripts. As cobra makes it, it answers a shell that it does not know with
// its help, as if all were well; a command that runs refuses what it does not know.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}
