// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// FuzzParse: no panic, whatever the bytes; a refusal is a list of problems that can be shown (fuzz target 18).
func FuzzParse(f *testing.F) {
	for _, file := range files(f, ".yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := config.Parse("fuzz.yaml", data, environment)
		if err == nil {
			cfg.PolicyFor("a.B", "C")
			return
		}
		if cfg != nil {
			t.Error("a configuration came with the error")
		}
		for _, p := range problems(t, err) {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%#v has no place or no message", p)
			}
		}
		text := render(t, problems(t, err))
		if strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && c != '\t' && unicode.IsControl(c) }) {
			t.Errorf("control characters in %q", text)
		}
		if strings.Contains(text, secret) && !strings.Contains(string(data), secret) {
			t.Errorf("a message shows what an environment variable holds:\n%s", text)
		}
	})
}
