// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// problems prints what is wrong with a configuration file.
func (t *terminal) problems(list []config.Problem) {
	var b strings.Builder
	if err := config.Render(&b, list, t.colors(t.err)); err == nil {
		fmt.Fprint(t.err, b.String())
	}
}

// startError tells why something did not start, and how to exit for it.
func (t *terminal) startError(err error) error {
	if e, ok := errors.AsType[*schema.LoadError](err); ok {
		t.diagnose(e.Diagnostics)
		wrong := 0
		for _, d := range e.Diagnostics {
			if d.Level == schema.Error {
				wrong++
			}
		}
		return &exitError{code: exitInvalid, err: fmt.Errorf("%s in the schemas", counted(wrong, "mistake"))}
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e
	}
	return &exitError{code: exitFailed, err: err}
}

// levelName is the name of a level as flags and files have it.
func levelName(l slog.Level) string { return strings.ToLower(l.String()) }
