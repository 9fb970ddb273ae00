// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// secret is what the environment holds in these tests and no message may show.
const secret = "hunter2x"

// environment is that of the files in testdata.
var environment = config.Options{Env: func(name string) (string, bool) {
	value, ok := map[string]string{
		"FOLDER": "", "SECRET": secret, "PORT": "8081", "CONNECTIONS": "77", "WATCH": "true", "TIMEOUT": "7s",
		"INJECTION": "a, b: {c}\"]} #",
	}[name]
	return value, ok
}}

// files returns the names of the files in testdata that end so.
func files(t testing.TB, suffix string) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*" + suffix)
	if err != nil || len(names) == 0 {
		t.Fatalf("no file testdata/*%s: %v", suffix, err)
	}
	return names
}

// parse reads a file of testdata, without the folder in messages.
func parse(t testing.TB, file string) (*config.Config, error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return config.Parse(filepath.Base(file), data, environment)
}

func problems(t testing.TB, err error) []config.Problem {
	t.Helper()
	var p *config.Problems
	if !errors.As(err, &p) || len(p.List) == 0 {
		t.Fatalf("got error %v; want *Problems with at least one", err)
	}
	return p.List
}

func render(t testing.TB, list []config.Problem) string {
	t.Helper()
	var b strings.Builder
	if err := config.Render(&b, list, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares text with a file, which is missing when the text is empty.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		err := os.WriteFile(file, []byte(got), 0o644)
		if got == "" {
			if err = os.Remove(file); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, make golden rewrites it):\n%s", file, diff)
	}
}

func TestBadFilesSayEverything(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, ".bad.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			cfg, err := parse(t, file)
			if cfg != nil {
				t.Error("a configuration came with the error")
			}
			list := problems(t, err)
			got := render(t, list)
			if strings.Contains(got+err.Error(), secret) {
				t.Error("a message shows what an environment variable holds")
			}
			for _, p := range list {
				if p.Warning || p.Line < 1 || p.Column < 1 {
					t.Errorf("%q: got warning %t, line %d, column %d; want an error with its place", p, p.Warning, p.Line, p.Column)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want.txt", got)
		})
	}
}

func TestGoodFilesLoad(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, ".good.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			cfg, err := parse(t, file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want.txt", render(t, cfg.Warnings))
		})
	}
}
