// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) (schema.Source, sourcetest.Backing) {
		dir := folder(t.TempDir())
		return open(t, protofile.Config{Dirs: []string{string(dir)}}), dir
	})
}

// folder is a folder of .proto files.
type folder string

// Put implements [sourcetest.Backing].
func (f folder) Put(t *testing.T, files map[string]string) {
	t.Helper()
	clear(t, string(f))
	write(t, string(f), files)
}

// Break implements [sourcetest.Backing].
func (f folder) Break(t *testing.T) {
	t.Helper()
	write(t, string(f), map[string]string{"broken.proto": "syntax = \"proto3\";\nmessage {\n"})
}

func clear(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t testing.TB, config protofile.Config) *protofile.Source {
	t.Helper()
	source, err := protofile.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return source
}
