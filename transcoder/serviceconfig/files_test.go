// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	first  = "http: {rules: [{selector: a.B.C, get: /a}]}\n"
	second = "http: {rules: [{selector: a.B.D, get: /b}, {selector: a.B.E, get: /c}]}\n"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	one, two := filepath.Join(t.TempDir(), "one.yaml"), filepath.Join(t.TempDir(), "two.yaml")
	write(t, one, first)
	write(t, two, second)
	files, err := serviceconfig.New(serviceconfig.Config{Paths: []string{two, one}, MaxRules: 3})
	if err != nil {
		t.Fatal(err)
	}
	if got := files.Name(); got != two+", "+one {
		t.Errorf("the name is %q", got)
	}
	good, err := files.Load()
	if err != nil {
		t.Fatal(err)
	}
	var selectors []string
	for _, r := range good.List() {
		selectors = append(selectors, r.HTTP.GetSelector())
	}
	if got := strings.Join(selectors, " "); got != "a.B.D a.B.E a.B.C" {
		t.Errorf("got the rules of %s; want them in the order of the files", got)
	}
	write(t, one, first) // its time differs, but nothing else
	if again, err := files.Load(); err != nil || again != good {
		t.Errorf("got others, error %v; want the very same rules while the files say the same", err)
	}

	// All that is wrong with all files, and nothing to reset after it.
	write(t, one, "http: {rule: []}\n")
	if err := os.Remove(two); err != nil {
		t.Fatal(err)
	}
	rules, err := files.Load()
	if d := diagnostics(t, err); len(d) != 2 || rules != nil || d[0].Position().File == d[1].Position().File {
		t.Errorf("got %v, error %v; want an error of each file", rules, err)
	}
	write(t, one, second)
	write(t, two, second)
	_, err = files.Load()
	if d := diagnostics(t, err); len(d) != 1 || d[0].Code != schema.CodeTooBig {
		t.Errorf("got %v; want the bound of all files together", err)
	}
	write(t, one, first)
	if again, err := files.Load(); err != nil || again != good {
		t.Errorf("got others, error %v; want the first rules again", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]serviceconfig.Config{
		"paths is empty":        {},
		"paths[1] is \"\"":      {Paths: []string{"a", ""}},
		"paths[1] is \"a\"":     {Paths: []string{"a", "a"}},
		"max_bytes is -1":       {Paths: []string{"a"}, MaxBytes: -1},
		"max_rules is -2":       {Paths: []string{"a"}, MaxRules: -2},
		"poll is -1ns":          {Paths: []string{"a"}, Poll: -1},
		"paths is empty; it mu": {MaxRules: -2},
	} {
		if _, err := serviceconfig.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v; want one that says %q", err, name)
		}
	}
}

// A file that is written, replaced, gone and back again is told of, soon.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "rest", "a.yaml")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, file, first)
	files, err := serviceconfig.New(serviceconfig.Config{Paths: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Load(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	changes, ended := make(chan struct{}, 100), make(chan error)
	write(t, file, second) // between Load and Watch: told too
	go func() { ended <- files.Watch(ctx, func() { changes <- struct{}{} }) }()
	for _, step := range []struct {
		name   string
		change func()
		good   bool
	}{
		{"before watching", func() {}, true},
		{"written", func() { write(t, file, first) }, true},
		{"replaced", func() {
			write(t, file+"~", second)
			if err := os.Rename(file+"~", file); err != nil {
				t.Error(err)
			}
		}, true},
		{"gone", func() {
			if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		}, false},
		{"back", func() { write(t, file, first) }, true},
	} {
		step.change()
		select {
		case <-changes:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: not told of", step.name)
		}
		if _, err := files.Load(); (err == nil) != step.good {
			t.Errorf("%s: error %v", step.name, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
