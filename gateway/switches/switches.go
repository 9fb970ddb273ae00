// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package switches provides what operators say of APIs while the gateway runs: that they are off, or that their calls go to another backend. It is kept
// in a file, so that it holds over restarts (decision 20).
package switches

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// Bounds of what is kept.
const (
	// MaxSwitches is how many there may be: all are looked at for each method of a schema.
	MaxSwitches = 256
	// MaxNote is how many bytes a note may have.
	MaxNote = 200
	maxFile = 1 << 20
)

// fileName is the file in the data folder.
const fileName = "switches.json"

// Switch is what is said of some methods.
type Switch struct {
	// Match names the methods, as of config.ParseMethodGlob.
	Match string `json:"match"`
	// Off says that calls are answered with UNAVAILABLE.
	Off bool `json:"off,omitempty"`
	// Backend is where calls go instead; "" leaves that to the configuration.
	Backend string `json:"backend,omitempty"`
	// Note says why. Clients of what is off are told.
	Note string `json:"note,omitempty"`
	// Who set it, and when.
	Who  string    `json:"who,omitempty"`
	Time time.Time `json:"time"`

	glob config.MethodGlob
}

// Check says what is wrong with a switch.
func (s *Switch) Check() error {
	g, err := config.ParseMethodGlob(s.Match)
	if err != nil {
		return fmt.Errorf("match %w", err)
	}
	s.glob, s.Match = g, g.String()
	switch {
	case !s.Off && s.Backend == "":
		return errors.New("it says nothing: it is neither off nor has a backend")
	case s.Off && s.Backend != "":
		return errors.New("it is off and has a backend; only one of them can be")
	case len(s.Note) > MaxNote:
		return fmt.Errorf("note has %d bytes; it may have %d", len(s.Note), MaxNote)
	}
	return nil
}

// Board is all switches. It is safe for concurrent use.
type Board struct {
	file string // "" keeps them in memory

	mu   sync.Mutex
	list []Switch // the most specific first; guarded by mu
}

// Open returns the switches that are kept in a folder; those of nobody before where it has none, or where the folder is "".
func Open(folder string) (*Board, error) {
	if folder == "" {
		return &Board{}, nil
	}
	b := &Board{file: filepath.Join(folder, fileName)}
	info, err := os.Stat(b.file)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("it has %d bytes; it may have %d", info.Size(), maxFile)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(b.file)
	}
	if err == nil {
		err = json.Unmarshal(data, &b.list)
	}
	if err == nil && len(b.list) > MaxSwitches {
		err = fmt.Errorf("it has %d switches; it may have %d", len(b.list), MaxSwitches)
	}
	for i := range b.list {
		if err == nil {
			err = b.list[i].Check()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("switches: %s: %w", b.file, err)
	}
	sortSwitches(b.list)
	return b, nil
}

// File is where they are kept; "" for nowhere.
func (b *Board) File() string {
	if b == nil {
		return ""
	}
	return b.file
}

// List returns all switches, the most specific first.
func (b *Board) List() []Switch {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// For returns the switch for a method: the most specific that matches it. A nil Board has none.
func (b *Board) For(service, method string) (Switch, bool) {
	if b == nil {
		return Switch{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.list {
		if s.glob.Match(service, method) {
			return s, true
		}
	}
	return Switch{}, false
}

// Set sets a switch, in place of one for the same methods, and keeps it. undo takes that back.
func (b *Board) Set(s Switch) (undo func(), err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return b.change(func(list []Switch) ([]Switch, error) {
		list = slices.DeleteFunc(list, func(o Switch) bool { return o.Match == s.Match })
		if len(list) == MaxSwitches {
			return nil, fmt.Errorf("there are %d switches, which is the most", MaxSwitches)
		}
		return append(list, s), nil
	})
}

// ErrNone is the error of a switch that is not there.
var ErrNone = errors.New("there is no such switch")

// Delete takes a switch away. undo takes that back.
func (b *Board) Delete(match string) (undo func(), err error) {
	g, err := config.ParseMethodGlob(match)
	if err != nil {
		return nil, fmt.Errorf("match %w", err)
	}
	return b.change(func(list []Switch) ([]Switch, error) {
		left := slices.DeleteFunc(slices.Clone(list), func(o Switch) bool { return o.Match == g.String() })
		if len(left) == len(list) {
			return nil, fmt.Errorf("%s: %w", g, ErrNone)
		}
		return left, nil
	})
}

// change edits the list and keeps it.
func (b *Board) change(edit func([]Switch) ([]Switch, error)) (undo func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.list
	list, err := edit(slices.Clone(before))
	if err != nil {
		return nil, err
	}
	sortSwitches(list)
	if err := b.keep(list); err != nil {
		return nil, err
	}
	b.list = list
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.list = before
		_ = b.keep(before) // it could be written a moment ago; what is in force is what it was
	}, nil
}

// keep writes the file, aside at first, so that it is whole or as it was.
func (b *Board) keep(list []Switch) error {
	if b.file == "" {
		return nil
	}
	const folderMode, fileMode = 0o750, 0o640
	data, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(b.file), folderMode)
	}
	if err == nil {
		err = os.WriteFile(b.file+".new", append(data, '\n'), fileMode)
	}
	if err == nil {
		err = os.Rename(b.file+".new", b.file)
	}
	if err != nil {
		return fmt.Errorf("switches: %w", err)
	}
	return nil
}

// sortSwitches puts the most specific first.
func sortSwitches(list []Switch) {
	slices.SortStableFunc(list, func(a, b Switch) int { return a.glob.Compare(b.glob) })
}
