// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// terminal is where a command speaks to: answers to out, everything else to err.
type terminal struct {
	out, err *os.File
	color    string // auto, always or never
	logLevel string
	// logFormat is text or json, "" for that of the configuration; quiet leaves out what is neither a problem nor an answer.
	logFormat string
	quiet     bool
	// kept are the problems that problems and diagnose would have printed; nil where they print them.
	kept []problemLine
}

func (t *terminal) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// checkFlags refuses values of the global flags that are not known.
func (t *terminal) checkFlags() error {
	switch t.color {
	case "auto", "always", "never":
	default:
		return &exitError{code: exitUsage, err: fmt.Errorf("--color is %q; it must be auto, always or never", t.color)}
	}
	switch t.logFormat {
	case "", string(config.FormatText), string(config.FormatJSON):
	default:
		return &exitError{code: exitUsage, err: fmt.Errorf("--log-format is %q; it must be text or json", t.logFormat)}
	}
	_, err := t.level("")
	return err
}

// note says what is good to know, and what nobody has to.
func (t *terminal) note(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.err, format+"\n", args...)
	}
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

// level is the log level: the flag's, else the configuration's; quiet, it is warn or error.
func (t *terminal) level(configured string) (slog.Level, error) {
	name := configured
	switch {
	case t.logLevel != "":
		name = t.logLevel
	case t.quiet && (name == "" || name == "info" || name == "debug"):
		name = "warn"
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
	if format == string(config.FormatText) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// counted is "1 file" or "2 files".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
