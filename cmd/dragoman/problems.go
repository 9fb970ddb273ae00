// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// problemLine is a problem as `dragoman check --json` prints it.
type problemLine struct {
	Level   string   `json:"level"`
	Code    string   `json:"code,omitempty"`
	Path    string   `json:"path,omitempty"` // the setting
	Message string   `json:"message"`
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Column  int      `json:"column,omitempty"`
	Help    []string `json:"help,omitempty"`
}

// problems prints what is wrong with a configuration file.
func (t *terminal) problems(list []config.Problem) {
	if t.kept != nil {
		for i := range list {
			p := &list[i]
			line := problemLine{Level: schema.Error.String(), Path: p.Path, Message: p.Message, File: p.File, Line: p.Line, Column: p.Column}
			if p.Warning {
				line.Level = schema.Warning.String()
			}
			if p.Hint != "" {
				line.Help = []string{p.Hint}
			}
			t.kept = append(t.kept, line)
		}
		return
	}
	var b strings.Builder
	if err := config.Render(&b, list, t.colors(t.err)); err == nil {
		fmt.Fprint(t.err, b.String())
	}
}

// diagnose prints those diagnostics to the error output that are to be heard.
func (t *terminal) diagnose(diagnostics []schema.Diagnostic) { t.show(t.heard(diagnostics)) }

// heard are diagnostics without those that are no problems, where it is to be quiet.
func (t *terminal) heard(diagnostics []schema.Diagnostic) []schema.Diagnostic {
	if !t.quiet {
		return diagnostics
	}
	return slices.DeleteFunc(slices.Clone(diagnostics), func(d schema.Diagnostic) bool { return d.Level == schema.Note })
}

// show prints diagnostics to the error output.
func (t *terminal) show(diagnostics []schema.Diagnostic) {
	if t.kept != nil {
		for i := range diagnostics {
			d := &diagnostics[i]
			at := d.Position()
			t.kept = append(t.kept, problemLine{
				Level: d.Level.String(), Code: d.Code, Message: d.Message, File: at.File, Line: at.Line, Column: at.Column, Help: append(d.Help[:len(d.Help):len(d.Help)], d.Notes...),
			})
		}
		return
	}
	var b strings.Builder
	if err := schema.Render(&b, diagnostics, schema.RenderOptions{Color: t.colors(t.err)}); err == nil {
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
