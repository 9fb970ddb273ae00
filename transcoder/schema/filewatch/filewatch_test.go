// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package filewatch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/transcoder/schema/filewatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long something that takes milliseconds may take on a busy machine.
const patience = 20 * time.Second

// scan looks at the files of a folder and those below it.
func scan(root string) filewatch.State {
	state := filewatch.State{Dirs: []string{root}, Parents: []string{filepath.Dir(root)}, Fingerprint: "files:"}
	_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if entry.IsDir() {
			state.Dirs = append(state.Dirs, path)
			return nil
		}
		content, _ := os.ReadFile(path)
		state.Fingerprint += fmt.Sprintf(" %s=%s", path, content)
		return nil
	})
	return state
}

// start watches a folder until the test ends, and returns where the fingerprints arrive that were there when changes
// were reported.
func start(t *testing.T, root string, config filewatch.Config) <-chan string {
	t.Helper()
	if config.Scan == nil {
		config.Scan = func() filewatch.State { return scan(root) }
	}
	// Two looks: one to know the folders, one after their events are on.
	looks, ready := 0, make(chan struct{})
	look := config.Scan
	config.Scan = func() filewatch.State {
		if looks++; looks == 2 {
			defer close(ready)
		}
		return look()
	}
	reports := make(chan string, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- filewatch.Watch(ctx, config, func() { reports <- look().Fingerprint })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returns %v", err)
		}
	})
	<-ready
	return reports
}

func await(t *testing.T, reports <-chan string, want string) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	var last string
	for last != want {
		select {
		case last = <-reports:
		case <-timeout.C:
			t.Fatalf("no report of %q in %v; the last was %q", want, patience, last)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestChanges reports what editors, git and Kubernetes do.
func TestChanges(t *testing.T) {
	for _, test := range []struct {
		name   string
		before map[string]string
		change func(t *testing.T, root string)
	}{
		{"a file is saved in place", map[string]string{"a": "1"}, func(t *testing.T, root string) {
			write(t, root+"/a", "2")
		}},
		{"a file is saved by renaming", map[string]string{"a": "1"}, func(t *testing.T, root string) {
			write(t, root+"/a.tmp", "2")
			rename(t, root+"/a.tmp", root+"/a")
		}},
		{"a file appears", nil, func(t *testing.T, root string) { write(t, root+"/a", "1") }},
		{"a file goes", map[string]string{"a": "1"}, func(t *testing.T, root string) {
			if err := os.Remove(root + "/a"); err != nil {
				t.Fatal(err)
			}
		}},
		{"a file appears in new folders", nil, func(t *testing.T, root string) { write(t, root+"/x/y/z/a", "1") }},
		{"a folder is moved in", nil, func(t *testing.T, root string) {
			outside := t.TempDir()
			write(t, outside+"/x/a", "1")
			rename(t, outside+"/x", root+"/x")
		}},
		{"a file changes in a folder that was there", map[string]string{"x/y/a": "1"}, func(t *testing.T, root string) {
			write(t, root+"/x/y/a", "2")
		}},
		{"the whole folder is replaced", map[string]string{"a": "1"}, func(t *testing.T, root string) {
			rename(t, root, root+".old")
			write(t, root+"/a", "2")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			if err := os.Mkdir(root, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range test.before {
				write(t, filepath.Join(root, name), text)
			}
			reports := start(t, root, filewatch.Config{})
			test.change(t, root)
			await(t, reports, scan(root).Fingerprint)
		})
	}
}

// TestAgain: the watch goes on after a folder was replaced, more than once.
func TestAgain(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	write(t, root+"/a", "0")
	reports := start(t, root, filewatch.Config{})
	for i := range 3 {
		if err := os.RemoveAll(root); err != nil {
			t.Fatal(err)
		}
		write(t, root+"/a", fmt.Sprintf("replaced %d", i))
		await(t, reports, scan(root).Fingerprint)
		write(t, root+"/a", fmt.Sprintf("saved %d", i))
		await(t, reports, scan(root).Fingerprint)
	}
}

// TestLoaded: what changed between the last load and the watch is reported; what was loaded is not.
func TestLoaded(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/a", "1")
	loaded := scan(root).Fingerprint
	write(t, root+"/a", "2")
	reports := start(t, root, filewatch.Config{Loaded: func() string { return loaded }})
	await(t, reports, scan(root).Fingerprint)
	now := scan(root).Fingerprint
	reports = start(t, root, filewatch.Config{Loaded: func() string { return now }})
	write(t, root+"/a", "3")
	if got, want := <-reports, scan(root).Fingerprint; got != want {
		t.Errorf("the first report is of %q; want %q and nothing before", got, want)
	}
}

// TestPoll looks every so often where there are no events, and reports each change once.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var version atomic.Int32
		version.Store(1)
		var reported atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- filewatch.Watch(ctx, filewatch.Config{
				Scan: func() filewatch.State { return filewatch.State{Fingerprint: fmt.Sprint(version.Load())} },
				Poll: time.Second,
			}, func() { reported.Add(1) })
		}()
		for _, step := range []struct {
			version, want int32
		}{{1, 0}, {2, 1}, {2, 1}, {3, 2}, {1, 3}} {
			version.Store(step.version)
			time.Sleep(1001 * time.Millisecond)
			synctest.Wait()
			if got := reported.Load(); got != step.want {
				t.Errorf("version %d: %d reports; want %d", step.version, got, step.want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
