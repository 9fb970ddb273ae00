// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	adminv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/admin/v1"
)

// starter is the file that `dragoman config init` writes.
//
//go:embed starter.yaml
var starter string

func newConfig(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Write a starter file; show a configuration with its defaults; compare it with a gateway that runs; convert one of Envoy; print the JSON Schema", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigInit(t), newConfigShow(t), newConfigDiff(t), newConfigFromEnvoy(t), newConfigSchema(t))
	return cmd
}

func newConfigInit(t *terminal) *cobra.Command {
	var (
		file, address, adminAddress string
		dev                         bool
		in                          input
	)
	cmd := &cobra.Command{
		Use: "init [--from-dev [PROTO_DIR …] --to HOST:PORT]", Short: "Print a commented configuration to begin with, or write it to a file that is not there yet",
		Example: `  dragoman config init -o dragoman.yaml
  dragoman config init --from-dev ./proto --to localhost:50051 -o dragoman.yaml   what dragoman dev ./proto --to localhost:50051 serves`,
		RunE: func(cmd *cobra.Command, dirs []string) error {
			text := starter
			if dev {
				var err error
				if text, err = in.fromDev(dirs, address, adminAddress); err != nil {
					return err
				}
			} else if err := onlyFromDev(cmd, dirs); err != nil {
				return err
			}
			if file == "" {
				t.printf("%s", text)
				return nil
			}
			const mode = 0o644
			f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			_, err = f.WriteString(text)
			if err = errors.Join(err, f.Close()); err == nil {
				t.note("%s is written; edit it, then: dragoman check -c %s", file, file)
			}
			return failed(err)
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "the file to write; one that is there is left as it is")
	cmd.Flags().BoolVar(&dev, "from-dev", false, "what dragoman dev serves with the same folders and flags")
	in.schemaFlags(cmd)
	listenFlags(cmd, &address, &adminAddress)
	return cmd
}

// onlyFromDev refuses what goes with --from-dev alone.
func onlyFromDev(cmd *cobra.Command, dirs []string) error {
	for _, name := range []string{"to", "import-path", "descriptor-set", "listen", "admin"} {
		if cmd.Flags().Changed(name) {
			return &exitError{code: exitUsage, err: fmt.Errorf("--%s is for --from-dev", name)}
		}
	}
	if len(dirs) > 0 {
		return &exitError{code: exitUsage, err: fmt.Errorf("%s is for --from-dev", dirs[0])}
	}
	return nil
}

func newConfigSchema(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the configuration, for editors", Args: cobra.NoArgs,
		Long: `Print the JSON Schema of the configuration. Editors with the YAML language server know the file by its first line:

  # yaml-language-server: $schema=dragoman.schema.json`,
		RunE: func(*cobra.Command, []string) error {
			t.printf("%s", config.Schema)
			return nil
		},
	}
}

// settingLine is a setting as `dragoman config show --json` prints it.
type settingLine struct {
	Path    string `json:"path"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Written string `json:"written,omitempty"`
	Effect  string `json:"effect,omitempty"`
}

func newConfigShow(t *terminal) *cobra.Command {
	var (
		in       input
		asJSON   bool
		asYAML   bool
		defaults bool
	)
	cmd := &cobra.Command{
		Use:   "show [-c FILE]",
		Short: "Print the settings of a configuration, with where each is from; --defaults those too that it does not set",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := in.need(t)
			if err != nil {
				return err
			}
			if asYAML {
				t.printf("%s", cfg.YAML())
				return nil
			}
			settings := cfg.Settings()
			if defaults {
				settings = cfg.Effective()
			}
			lines := []settingLine{}
			for i := range settings {
				s := &settings[i]
				lines = append(lines, settingLine{Path: s.Path, Value: s.Value, Origin: string(s.Origin), Line: s.Line, Column: s.Column, Written: s.Written, Effect: string(s.Effect)})
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(lines)
			}
			for _, l := range lines {
				origin := l.Origin
				if l.Line > 0 {
					origin = fmt.Sprintf("%s:%d:%d", cfg.File, l.Line, l.Column)
				}
				if l.Written != "" {
					origin += " " + l.Written
				}
				t.printf("%-48s %-32s %s\n", l.Path, l.Value, origin)
			}
			return nil
		},
	}
	in.fileFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&asYAML, "yaml", false, "print the file as YAML, without comments and secrets")
	cmd.Flags().BoolVar(&defaults, "defaults", false, "print what is built in where the file says nothing, too")
	return cmd
}

// need returns the configuration of a file that has to be named.
func (in *input) need(t *terminal) (*config.Config, error) {
	in.find(t, nil)
	if in.file == "" {
		return nil, errNoFile()
	}
	return in.load(t, nil)
}

func newConfigDiff(t *terminal) *cobra.Command {
	var own input
	c := &control{terminal: t}
	cmd := &cobra.Command{
		Use:   "diff [-c FILE]",
		Short: "Compare a file with what a gateway that runs has in force; where there is none here, its own as it is on the disk",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := &adminv1.DiffConfigRequest{}
			own.find(t, nil)
			if file := own.file; file != "" {
				data, err := os.ReadFile(file)
				if err != nil {
					return &exitError{code: exitFailed, err: err}
				}
				if len(data) == 0 {
					return &exitError{code: exitInvalid, err: fmt.Errorf("%s is empty", file)}
				}
				in.Yaml = string(data)
			}
			wrong := 0
			err := unary(c, cmd, func(ctx context.Context, conn *grpc.ClientConn) (*adminv1.DiffConfigResponse, error) {
				answer, err := adminv1.NewConfigServiceClient(conn).DiffConfig(ctx, in)
				wrong = len(answer.GetProblems())
				return answer, err
			}, func(answer *adminv1.DiffConfigResponse) error {
				t.diagnose(diagnosticsOf(answer.GetProblems()))
				for _, change := range answer.GetChanges() {
					t.change(change)
				}
				if len(answer.GetChanges()) == 0 && wrong == 0 {
					t.printf("nothing differs\n")
				}
				return nil
			})
			if err == nil && wrong > 0 {
				return &exitError{code: exitInvalid, err: fmt.Errorf("the configuration has %s", counted(wrong, "problem"))}
			}
			return err
		},
	}
	c.flags(cmd)
	own.fileFlag(cmd)
	return cmd
}
