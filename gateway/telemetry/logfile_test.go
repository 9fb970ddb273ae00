// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/telemetry"
)

// A file that was renamed or removed is begun anew, at once when that is asked for, and else with what comes a second later. Nothing is lost, and a file
// that cannot be begun is told once.
func TestLogFilesAreRotated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "logs")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path, old := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
		var said bytes.Buffer
		f, err := telemetry.OpenLogFile(path, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		write := func(line string) {
			t.Helper()
			if _, err := f.Write([]byte(line + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		has := func(name, want string) {
			t.Helper()
			data, err := os.ReadFile(name)
			if got := strings.Join(strings.Fields(string(data)), " "); err != nil || got != want {
				t.Errorf("%s has %q, %v; want %q", filepath.Base(name), got, err, want)
			}
		}
		move := func() {
			t.Helper()
			if err := os.Rename(path, old); err != nil {
				t.Fatal(err)
			}
		}
		write("1")
		move()
		write("2") // nobody has looked yet
		has(old, "1 2")
		time.Sleep(telemetry.LookInterval)
		write("3")
		has(old, "1 2")
		has(path, "3")
		move()
		f.Reopen()
		has(path, "")
		write("4")
		has(old, "3")
		has(path, "4")
		f.Reopen() // nobody has moved it
		write("5")
		has(path, "4 5")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(telemetry.LookInterval)
		write("6")
		has(path, "6")
		// The folder is gone.
		gone := dir + "-gone"
		if err := os.Rename(dir, gone); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(telemetry.LookInterval)
			write("7")
		}
		has(filepath.Join(gone, "access.log"), "6 7 7 7")
		if n := strings.Count(said.String(), "cannot be opened anew"); n != 1 {
			t.Errorf("it is told %d times: %s", n, said.String())
		}
		if err := os.Rename(gone, dir); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		f.Reopen()
		if _, err := f.Write([]byte("8\n")); err == nil {
			t.Error("a closed file takes lines")
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
