// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package upload_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/upload"
)

func setOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(sourcetest.Compile(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t *testing.T, file string) *upload.Source {
	t.Helper()
	s, err := upload.New("ci", file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSource(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, func(t *testing.T) (schema.Source, sourcetest.Backing) {
		s := open(t, filepath.Join(t.TempDir(), "ci.binpb"))
		return s, backing{s}
	})
}

// backing uploads to a source, without keeping it.
type backing struct{ source *upload.Source }

// Put implements [sourcetest.Backing].
func (b backing) Put(t *testing.T, files map[string]string) { b.put(t, setOf(t, files)) }

// Break implements [sourcetest.Backing].
func (b backing) Break(t *testing.T) { b.put(t, []byte("no set")) }

func (b backing) put(t *testing.T, content []byte) {
	t.Helper()
	if _, err := b.source.Put(content); err != nil {
		t.Fatal(err)
	}
}

// What is put is loaded at once; it is there after a restart when it was kept, and as if it had never been when it was taken back.
func TestUploadsAreKeptOrTakenBack(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data", "ci.binpb")
	s := open(t, file)
	empty := sourcetest.Load(t, s)
	if s.Name() != "ci" || empty.Source() != "ci" || empty.Stats() != (schema.Stats{}) {
		t.Errorf("before the first upload %s has %+v", s.Name(), empty.Stats())
	}
	first, second := setOf(t, sourcetest.First()), setOf(t, sourcetest.Second())
	undo, err := s.Put(first)
	if err != nil {
		t.Fatal(err)
	}
	if got := sourcetest.Services(sourcetest.Load(t, s)); len(got) != 1 {
		t.Errorf("what was put has the services %v", got)
	}
	if after := open(t, file); sourcetest.Load(t, after).Stats().Services != 0 {
		t.Error("what was not kept is there after a restart")
	}
	undo()
	if sourcetest.Load(t, s) != empty {
		t.Error("what was taken back left another schema")
	}
	for _, content := range [][]byte{first, second, second} {
		if _, err := s.Put(content); err != nil {
			t.Fatal(err)
		}
		sourcetest.Load(t, s)
		if err := s.Keep(); err != nil {
			t.Fatal(err)
		}
	}
	good := sourcetest.Load(t, s)
	if got := sourcetest.Services(good); len(got) != 2 || sourcetest.Load(t, s) != good {
		t.Errorf("what was kept has the services %v", got)
	}
	if undo, err = s.Put([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Load(t.Context())
	if _, ok := errors.AsType[*schema.LoadError](err); !ok {
		t.Errorf("what is no descriptor set: %v", err)
	}
	undo()
	if sourcetest.Load(t, s) != good {
		t.Error("what was refused and taken back left another schema")
	}
	if got := sourcetest.Services(sourcetest.Load(t, open(t, file))); len(got) != 2 {
		t.Errorf("after a restart there are the services %v", got)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("in the folder are %v, %v", left, err)
	}
}

func TestWhatCannotBeKeptIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "ci.binpb"))
	for _, size := range []int{0, upload.MaxSize + 1} {
		if _, err := s.Put(make([]byte, size)); err == nil || !strings.Contains(err.Error(), "it must have 1 to 3145728") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if err := s.Keep(); err == nil {
		t.Error("nothing was put, and it is kept")
	}
	occupied := filepath.Join(dir, "occupied")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, filepath.Join(occupied, "ci.binpb")).Put([]byte("x")); err == nil || !strings.Contains(err.Error(), "cannot be kept") {
		t.Errorf("a folder that is a file: %v", err)
	}
	for _, name := range [][2]string{{"", "x"}, {"x", ""}} {
		if _, err := upload.New(name[0], name[1]); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// A file that cannot be what was kept is told, and not taken for none.
func TestABrokenFileIsAnError(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"empty": {}, "large": make([]byte, upload.MaxSize+1), "junk": []byte("hello")} {
		file := filepath.Join(t.TempDir(), "ci.binpb")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, file).Load(t.Context())
		if _, ok := errors.AsType[*schema.LoadError](err); !ok {
			t.Errorf("%s: %v; want a *schema.LoadError", name, err)
		}
	}
}
