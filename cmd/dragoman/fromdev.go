// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// fromDev is the configuration that serves what `dragoman dev` does with the same folders and flags, as a file to go on with.
func (in *input) fromDev(dirs []string, address, adminAddress string) (string, error) {
	if in.to == "" {
		return "", &exitError{code: exitUsage, err: errors.New("--from-dev needs the folders and flags of dragoman dev: --to is missing")}
	}
	cfg, err := in.fromFlags(dirs)
	if err != nil {
		return "", err
	}
	if err := listen(cfg, address, adminAddress); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# yaml-language-server: $schema=dragoman.schema.json
#
# What dragoman dev serves with the same arguments. Check it with: dragoman check -c dragoman.yaml
# What else there is: docs/configuration.md
version: v1

listeners:
  - {name: public, address: %q}

schemas:
  # Of two methods that claim one route the first has it, as in dev; without this line neither is accepted.
  on_conflict: %s
  sources:
`, address, config.ConflictFirstWins)
	for i := range cfg.Schemas.Sources {
		fmt.Fprintf(&b, "    - {%s}\n", in.source(&cfg.Schemas.Sources[i]))
	}
	fmt.Fprintf(&b, `
backends:
  %s: {target: %q}

# Everybody may call, as in dev. To ask who does: docs/auth.md
services:
  - {match: "**", backend: %s}

# The admin API, health and the console.
admin: {address: %q, capture: {bodies: true}}
`, onlyBackend, in.to, onlyBackend, adminAddress)
	return b.String(), nil
}

// source is a source as a file has it.
func (in *input) source(s *config.Source) string {
	list := func(values []string) string {
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = fmt.Sprintf("%q", v)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	switch {
	case s.Protos != nil:
		text := "protos: {dirs: " + list(s.Protos.Dirs)
		if len(in.importPaths) > 0 {
			text += ", import_paths: " + list(in.importPaths)
		}
		return text + ", watch: true}"
	case s.DescriptorSet != nil:
		return fmt.Sprintf("descriptor_set: {path: %q, watch: true}", s.DescriptorSet.Path)
	default:
		return fmt.Sprintf("reflection: {backend: %s, interval: %s}", onlyBackend, reflectionInterval)
	}
}
