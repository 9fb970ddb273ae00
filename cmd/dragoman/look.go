// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// look loads a configuration to look at it, and prints what is wrong.
func (t *terminal) look(cmd *cobra.Command, in *input, dirs []string, online bool) (*app.Loaded, *config.Config, error) {
	in.find(t, dirs)
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
