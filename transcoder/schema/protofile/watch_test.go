// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/sourcetest"
)

// watch reports changes until the test ends.
func watch(t *testing.T, source *protofile.Source) <-chan struct{} {
	t.Helper()
	changes := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- source.Watch(ctx, func() {
			select {
			case changes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returns %v", err)
		}
	})
	return changes
}

func hasMethod(name string) func(*schema.Schema) bool {
	return func(s *schema.Schema) bool { return s.FindMethod(name) != nil }
}

// TestConfigMap: Kubernetes swaps a symbolic link, and all files change at once.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, map[string]string{"..one/a.proto": proto("acme", "One"), "..two/a.proto": proto("acme", "Two")})
	// Both versions may be of one size and time: what is written within one tick of the file system's clock is.
	now := time.Now()
	for _, version := range []string{"..one", "..two"} {
		must(os.Chtimes(filepath.Join(dir, version, "a.proto"), now, now))
	}
	must(os.Symlink("..one", filepath.Join(dir, "..data")))
	must(os.Symlink("..data/a.proto", filepath.Join(dir, "a.proto")))
	source := open(t, protofile.Config{Dirs: []string{dir}})
	if s := sourcetest.Load(t, source); s.FindMethod("/acme.OneService/Get") == nil {
		t.Fatal("the first version is not served")
	}
	changes := watch(t, source)
	for _, version := range []struct{ dir, method string }{
		{"..two", "/acme.TwoService/Get"}, {"..one", "/acme.OneService/Get"}, {"..two", "/acme.TwoService/Get"},
	} {
		must(os.Symlink(version.dir, filepath.Join(dir, "..tmp")))
		must(os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
		sourcetest.Await(t, source, changes, hasMethod(version.method))
	}
}

// TestLinkedFolder serves a folder through a symbolic link that is moved to another version.
func TestLinkedFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"v1/a.proto": proto("acme", "One"), "v2/a.proto": proto("acme", "Two")})
	current := filepath.Join(dir, "current")
	if err := os.Symlink("v1", current); err != nil {
		t.Fatal(err)
	}
	source := open(t, protofile.Config{Dirs: []string{current}})
	sourcetest.Load(t, source)
	changes := watch(t, source)
	if err := os.Symlink("v2", current+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(current+".new", current); err != nil {
		t.Fatal(err)
	}
	sourcetest.Await(t, source, changes, hasMethod("/acme.TwoService/Get"))
	// Events of the new place arrive too.
	write(t, dir, map[string]string{"v2/a.proto": proto("acme", "Three")})
	sourcetest.Await(t, source, changes, hasMethod("/acme.ThreeService/Get"))
}

// TestImportsAreWatched: a file that is only imported changes, goes, and comes back.
func TestImportsAreWatched(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"p/a.proto": proto("acme", "A", "lib/b.proto"), "i/lib/b.proto": proto("lib", "B")})
	source := open(t, protofile.Config{Dirs: []string{filepath.Join(dir, "p")}, ImportPaths: []string{filepath.Join(dir, "i")}})
	sourcetest.Load(t, source)
	changes := watch(t, source)
	write(t, dir, map[string]string{"i/lib/b.proto": proto("lib", "Better")})
	sourcetest.Await(t, source, changes, func(s *schema.Schema) bool {
		_, err := s.FindDescriptorByName("lib.Better")
		return err == nil
	})
	if err := os.Remove(filepath.Join(dir, "i/lib/b.proto")); err != nil {
		t.Fatal(err)
	}
	<-changes
	if _, err := source.Load(t.Context()); err == nil {
		t.Error("a missing import is accepted (T2)")
	}
	write(t, dir, map[string]string{"i/lib/b.proto": proto("lib", "Back")})
	sourcetest.Await(t, source, changes, func(s *schema.Schema) bool {
		_, err := s.FindDescriptorByName("lib.Back")
		return err == nil
	})
}

// TestMended: a broken file is refused, and when it is mended that is noticed (T7).
func TestMended(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.proto": proto("acme", "One")})
	source := open(t, protofile.Config{Dirs: []string{dir}})
	sourcetest.Load(t, source)
	changes := watch(t, source)
	write(t, dir, map[string]string{"a.proto": "syntax = \"proto3\";\nmessage A {"})
	<-changes
	if _, err := source.Load(t.Context()); err == nil {
		t.Error("half a file is accepted")
	}
	write(t, dir, map[string]string{"a.proto": proto("acme", "Two")})
	sourcetest.Await(t, source, changes, hasMethod("/acme.TwoService/Get"))
}
