// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/apikey"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

// Whether keys can be made is told as it then is, and being asked changes nothing.
func TestWritable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		file     string // in the folder
		prepare  func(t *testing.T, folder string)
		writable bool
		bits     bool // it is so by permissions alone
	}{
		{"a file", "keys.yaml", nil, true, false},
		{"a file that is not there yet", "new.yaml", nil, true, false},
		{"a folder that is not there", "none/keys.yaml", nil, false, false},
		{"a folder in place of the file", "folder", func(t *testing.T, folder string) {
			t.Helper()
			check(t, os.Mkdir(filepath.Join(folder, "folder"), 0o700))
		}, false, false},
		{"a link to a file of another folder", "link.yaml", func(t *testing.T, folder string) {
			t.Helper()
			elsewhere := filepath.Join(t.TempDir(), "keys.yaml")
			check(t, os.WriteFile(elsewhere, []byte("keys: []\n"), 0o600))
			check(t, os.Symlink(elsewhere, filepath.Join(folder, "link.yaml")))
		}, true, false},
		{"a file that is read-only", "keys.yaml", func(t *testing.T, folder string) {
			t.Helper()
			check(t, os.Chmod(filepath.Join(folder, "keys.yaml"), 0o400))
		}, false, true},
		{"a folder that is read-only", "keys.yaml", func(t *testing.T, folder string) {
			t.Helper()
			check(t, os.Chmod(folder, 0o500))                       //nolint:gosec // of a test
			t.Cleanup(func() { check(t, os.Chmod(folder, 0o700)) }) //nolint:gosec // as it was
		}, false, true},
		{"a link to itself", "loop.yaml", func(t *testing.T, folder string) {
			t.Helper()
			check(t, os.Symlink("loop.yaml", filepath.Join(folder, "loop.yaml")))
		}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.bits && !processtest.Unprivileged(t) {
				return
			}
			folder := t.TempDir()
			check(t, os.WriteFile(filepath.Join(folder, "keys.yaml"), []byte("keys: []\n"), 0o600))
			if c.prepare != nil {
				c.prepare(t, folder)
			}
			file := filepath.Join(folder, c.file)
			before := entries(t, folder)
			if err := apikey.Writable(file); (err == nil) != c.writable {
				t.Errorf("it is writable: %v; want %t", err, c.writable)
			}
			if after := entries(t, folder); after != before {
				t.Errorf("the folder has %d entries; it had %d", after, before)
			}
			if _, _, err := apikey.Create(file, apikey.Key{Subject: "a"}, time.Now()); c.writable && err != nil {
				t.Errorf("a key cannot be made in it: %v", err)
			}
		})
	}
}

func entries(t *testing.T, folder string) int {
	t.Helper()
	all, err := os.ReadDir(folder)
	check(t, err)
	return len(all)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
