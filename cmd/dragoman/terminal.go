// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// terminal is where a command speaks to: answers to out, everything else to err.
type terminal struct {
	out, err *os.File
	color    string // auto, always or never
	logLevel string
}

func (t *terminal) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// checkFlags refuses values of the global flags that are not known.
func (t *terminal) checkFlags() error {
	switch t.color {
	case "auto", "always", "never":
	default:
		return &exitError{code: exitUsage, err: fmt.Errorf("--color is %q; it must be auto, always or never", t.color)}
	}
	if _, err := t.level(""); err != nil {
		return err
	}
	return nil
}

// colors tells whether to colour what goes to f.
func (t *terminal) colors(f *os.File) bool {
	switch {
	case t.color == "always":
		return true
	case t.color == "never" || os.Getenv("NO_COLOR") != "":
		return false
	}
	return isTerminal(f)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// level is the log level: the flag's, else the configuration's.
func (t *terminal) level(configured string) (slog.Level, error) {
	name := configured
	if t.logLevel != "" {
		name = t.logLevel
	}
	switch name {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	default:
		return 0, &exitError{code: exitUsage, err: fmt.Errorf("--log-level is %q; it must be debug, info, warn or error", name)}
	}
}

// logger writes the gateway's own log to w.
func logger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// diagnose prints diagnostics to the error output.
func (t *terminal) diagnose(diagnostics []schema.Diagnostic) {
	var b strings.Builder
	if err := schema.Render(&b, diagnostics, schema.RenderOptions{Color: t.colors(t.err)}); err == nil {
		fmt.Fprint(t.err, b.String())
	}
}

// counted is "1 file" or "2 files".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
