// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package filewatch provides notice of changes to sets of files, for the schema sources that read from disk.
//
// It stands events of the file system and a rescan on each other: an event only says when to look again, what is
// found then decides whether there is anything to tell. So it does not matter how an editor saves (in place, or by
// renaming), that Kubernetes swaps a symbolic link, that folders come and go, or that events were lost.
package filewatch

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// debounce is how long nothing must happen before changes are reported: editors and git write in several steps.
	debounce = 100 * time.Millisecond
	// maxDelay bounds that: under steady writing, changes are reported this long after the first.
	maxDelay = time.Second
	// defaultPoll is how often files are looked at when the system cannot watch them.
	defaultPoll = 2 * time.Second
)

// State is what a look at the files found.
type State struct {
	// Dirs are the folders in which something could happen, whether they are there or not.
	Dirs []string
	// Parents are folders that matter only because one of Dirs may appear in them or be replaced.
	Parents []string
	// Fingerprint differs when any of the files differs; [Fingerprint] makes it from names, sizes and times, so it is cheap. It is
	// never empty.
	Fingerprint string
}

// Config says what to watch.
type Config struct {
	// Scan looks at the files. Watch calls it from its own goroutine.
	Scan func() State
	// Loaded returns the fingerprint of what was loaded last, or "" when nothing was. When it differs from what Watch
	// finds at its start, that is a change too. Nil means that nothing was loaded.
	Loaded func() string
	// Poll makes Watch look every so often instead of waiting for events, which some network file systems do not
	// send. Zero waits for events; when the system refuses them, Watch polls every two seconds.
	Poll time.Duration
}

// Watch calls changed after each change, until ctx ends. changed is called from the goroutine of Watch.
func Watch(ctx context.Context, config Config, changed func()) error {
	w := &watch{Config: config, changed: changed, watched: make(map[string]string)}
	if config.Poll > 0 {
		return w.poll(ctx, config.Poll)
	}
	var err error
	if w.events, err = fsnotify.NewWatcher(); err != nil {
		return w.poll(ctx, defaultPoll)
	}
	defer func() { _ = w.events.Close() }()
	if !w.start() {
		return w.poll(ctx, defaultPoll)
	}
	for w.wait(ctx) {
		if !w.look() {
			return w.poll(ctx, defaultPoll)
		}
	}
	return nil
}

type watch struct {
	Config
	changed func()
	events  *fsnotify.Watcher
	watched map[string]string // folder → where it really is
	dirs    map[string]bool   // State.Dirs of the last look
	last    string            // fingerprint that was reported last
}

// start takes note of how things are now. It reports whether the system can watch.
func (w *watch) start() bool {
	state := w.Scan()
	w.last = state.Fingerprint
	if w.Loaded != nil {
		if loaded := w.Loaded(); loaded != "" {
			w.last = loaded
		}
	}
	if w.events != nil && !w.follow(state) {
		return false
	}
	// Only now that events are on can nothing be missed any more.
	w.report(w.Scan())
	return true
}

// look scans and reports. It reports whether the system can still watch.
func (w *watch) look() bool {
	state := w.Scan()
	ok := w.follow(state)
	if ok {
		// Something may have been put into a new folder before it was watched.
		state = w.Scan()
	}
	w.report(state)
	return ok
}

// report tells of a state that is neither what was told last nor what has been loaded since.
func (w *watch) report(state State) {
	known := w.last == state.Fingerprint || w.Loaded != nil && w.Loaded() == state.Fingerprint
	w.last = state.Fingerprint
	if !known {
		w.changed()
	}
}

// follow watches exactly the folders of a state.
func (w *watch) follow(state State) bool {
	active := make(map[string]bool)
	for _, dir := range w.events.WatchList() {
		active[dir] = true
	}
	w.dirs = make(map[string]bool, len(state.Dirs))
	for _, dir := range state.Dirs {
		w.dirs[dir] = true
	}
	wanted := make(map[string]string, len(state.Dirs)+len(state.Parents))
	for _, dir := range slices.Concat(state.Dirs, state.Parents) {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue // it is gone; its parent tells when it is back
		}
		wanted[dir] = real
		if w.watched[dir] == real && active[dir] {
			continue
		}
		// A watch sticks to what a link pointed at: take it off before it is put on again.
		_ = w.events.Remove(dir)
		if err := w.events.Add(dir); err != nil && !gone(real) {
			return false
		}
	}
	for dir := range w.watched {
		if _, ok := wanted[dir]; !ok {
			_ = w.events.Remove(dir)
		}
	}
	w.watched = wanted
	return true
}

// concerns reports whether an event may have to do with the files.
func (w *watch) concerns(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod {
		return false // reading a file may change its times
	}
	return w.dirs[filepath.Dir(event.Name)] || w.dirs[event.Name]
}

// gone reports whether a folder that could not be watched is not there any more.
func gone(dir string) bool {
	_, err := filepath.EvalSymlinks(dir)
	return err != nil
}

// wait returns true when something happened and it has been quiet since, and false when ctx has ended.
func (w *watch) wait(ctx context.Context) bool {
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	defer quiet.Stop()
	var first time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case <-quiet.C:
			return true
		case event, ok := <-w.events.Events:
			if !ok {
				return false
			}
			if !w.concerns(event) {
				continue
			}
		case err, ok := <-w.events.Errors:
			if !ok {
				return false
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				return true // events were lost: look at everything
			}
		}
		if first.IsZero() {
			first = time.Now()
		}
		quiet.Reset(min(debounce, max(0, maxDelay-time.Since(first))))
	}
}

// poll looks every so often.
func (w *watch) poll(ctx context.Context, every time.Duration) error {
	if w.last == "" {
		w.events = nil
		w.start()
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.report(w.Scan())
		}
	}
}
