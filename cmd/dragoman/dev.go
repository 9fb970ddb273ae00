// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/admin"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// defaultListen is where `dev` and `demo` serve calls: on this machine only.
const defaultListen = "127.0.0.1:8080"

func newDev(t *terminal) *cobra.Command {
	var (
		in                    input
		address, adminAddress string
	)
	cmd := &cobra.Command{
		Use:   "dev [PROTO_DIR …] --to HOST:PORT",
		Short: "Serve folders of protos, or a backend that serves reflection, now and with live reload",
		Example: `  dragoman dev ./proto --to localhost:50051
  dragoman dev --to localhost:50051                                       asks the backend by reflection
  dragoman dev ./etcdserverpb --import-path etcd/api=. --to localhost:2379   imports that begin with etcd/api/`,
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if in.to == "" {
				return &exitError{code: exitUsage, err: errors.New("--to is missing: say where the backend is, such as --to localhost:50051; without a backend, try dragoman demo")}
			}
			cfg, err := in.load(t, dirs)
			if err != nil {
				return err
			}
			if err := listen(cfg, address, adminAddress); err != nil {
				return err
			}
			t.forPeople(cfg)
			s := &screen{terminal: t, asks: true, mode: "dev mode: no auth, console on, reloads on save", again: "dragoman routes " + strings.Join(routesArguments(&in, dirs), " ")}
			return (&service{terminal: t, config: cfg, started: s.print, reloaded: s.reloaded, draining: s.draining}).run(cmd.Context())
		},
	}
	in.schemaFlags(cmd)
	listenFlags(cmd, &address, &adminAddress)
	return cmd
}

// devDrain is how long Ctrl-C waits for calls that are under way: whoever pressed it is waiting too.
const devDrain = 3 * time.Second

// forPeople makes logs readable and quiet: the screen says what happens.
func (t *terminal) forPeople(cfg *config.Config) {
	cfg.Shutdown.Drain = devDrain
	cfg.Admin.Capture = &config.Capture{Bodies: true} // who develops wants to see what was said
	cfg.Observability.TellNearest = true              // and mistypes paths
	cfg.Observability.Log = config.Log{Level: slog.LevelError, Format: config.FormatText}
	cfg.Observability.AccessLog.Format = config.FormatText
	if t.quiet {
		cfg.Observability.AccessLog.Output = config.OutputOff
	}
}

func listenFlags(cmd *cobra.Command, address, adminAddress *string) {
	cmd.Flags().StringVar(address, "listen", defaultListen, "where calls are served, host:port; port 0 takes a free one")
	cmd.Flags().StringVar(adminAddress, "admin", admin.DefaultAddress, "where /livez and /readyz are served, host:port")
}

// routesArguments are the arguments of `dragoman routes` that load the same.
func routesArguments(in *input, dirs []string) []string {
	args := append([]string{}, dirs...)
	for _, p := range in.importPaths {
		args = append(args, "--import-path", p)
	}
	for _, s := range in.descriptorSets {
		args = append(args, "--descriptor-set", s)
	}
	if len(args) == 0 {
		args = append(args, "--to", in.to)
	}
	return args
}
