// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// sources is where the JavaScript is, and what says which packages it needs.
	sources = "js"
	// installs is where the packages are installed, for each lock file once; seen from here. Version control does not see it.
	installs = "../../../../.tmp/javascript"
	// registry is the only place that the lock file may name.
	registry = "https://registry.npmjs.org/"
)

// install is what all tests of this package share: the packages, and the sources beside them, where Node finds both.
var install struct {
	once   sync.Once
	folder string
	report string
	err    error
}

// javascript returns a folder with the sources and all that they import, built once.
func javascript(t *testing.T) string {
	t.Helper()
	install.once.Do(func() { install.folder, install.report, install.err = prepare(t.Context()) })
	if install.err != nil {
		t.Fatal(install.err)
	}
	t.Log(install.report)
	return install.folder
}

// prepare installs the packages of the lock file, unless they are there, and puts the sources beside them.
func prepare(ctx context.Context) (folder, report string, err error) {
	lock, err := os.ReadFile(filepath.Join(sources, "package-lock.json"))
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(lock)
	folder, err = filepath.Abs(filepath.Join(installs, hex.EncodeToString(sum[:8])))
	if err != nil {
		return "", "", err
	}
	report = "the npm packages are in " + folder
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		from := time.Now()
		if err := npmCI(ctx, folder); err != nil {
			return "", "", err
		}
		report = "npm ci put the packages into " + folder + " in " + time.Since(from).Round(time.Millisecond).String()
	} else if err != nil {
		return "", "", err
	}
	// Each process has its own copy of the sources, below the packages.
	run, err := os.MkdirTemp(folder, "run-")
	if err != nil {
		return "", "", err
	}
	if err := os.CopyFS(run, os.DirFS(sources)); err != nil {
		return run, "", err
	}
	return run, report, command(ctx, run, "node", "build.js")
}

// npmCI installs exactly what the lock file says. The folder comes to be when all is in it, so that nobody sees half of it.
func npmCI(ctx context.Context, folder string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(folder), "part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(part) }()
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(sources, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(part, name), data, 0o600); err != nil {
			return err
		}
	}
	// What packages would run when they are installed is not needed, and nobody has read it.
	if err := command(ctx, part, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return err
	}
	if err := os.Rename(part, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return err // another process may have been first
	}
	return nil
}

// command runs a program to its end in a folder; the error has what it printed.
func command(ctx context.Context, folder, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	if printed, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(program+" "+strings.Join(args, " ")+" printed:\n"+string(printed)))
	}
	return nil
}

// TestLockFile: each package is pinned by what it holds, and comes from the registry that everybody has, wherever the file was made.
func TestLockFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(sources, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Resolved  string `json:"resolved"`
			Integrity string `json:"integrity"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	if len(lock.Packages) < 2 {
		t.Error("no package is locked")
	}
	for name, p := range lock.Packages {
		if name == "" {
			continue // the project itself
		}
		if p.Resolved != "" && !strings.HasPrefix(p.Resolved, registry) {
			t.Errorf("%s comes from %s; want %s", name, p.Resolved, registry)
		}
		if !strings.HasPrefix(p.Integrity, "sha512-") {
			t.Errorf("%s has the checksum %q", name, p.Integrity)
		}
	}
}
