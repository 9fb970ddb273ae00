// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// The flags about logs count more than the configuration; to be quiet is to log warnings and errors, if no flag says otherwise.
func TestLogFlags(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	for _, test := range []struct {
		name          string
		terminal      terminal
		level         string // of the configuration
		format        config.Format
		wantL, wantFm string
	}{
		{"built in, into a file", terminal{}, "", config.FormatAuto, "info", "json"},
		{"as configured", terminal{}, "debug", config.FormatText, "debug", "text"},
		{"flags", terminal{logLevel: "error", logFormat: "json"}, "debug", config.FormatText, "error", "json"},
		{"a form for what is configured to find its own", terminal{logFormat: "text"}, "", config.FormatAuto, "info", "text"},
		{"quiet", terminal{quiet: true}, "debug", config.FormatAuto, "warn", "json"},
		{"quiet, and errors alone are configured", terminal{quiet: true}, "error", config.FormatAuto, "error", "json"},
		{"quiet, and yet to be detailed", terminal{quiet: true, logLevel: "debug"}, "", config.FormatAuto, "debug", "json"},
	} {
		level, err := test.terminal.level(test.level)
		if got := levelName(level); err != nil || got != test.wantL {
			t.Errorf("%s: the level is %s, error %v; want %s", test.name, got, err, test.wantL)
		}
		if got := test.terminal.format(test.format, file); got != test.wantFm {
			t.Errorf("%s: the form is %s; want %s", test.name, got, test.wantFm)
		}
	}
}
