// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.yaml.in/yaml/v3"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
)

const (
	// DefaultFilePoll is how often a file is read whatever happens: some file systems send no events, and links
	// farther up the path may change.
	DefaultFilePoll = 5 * time.Second
	// fileSettle is how long nothing must happen to a file before it is read: who writes it in place has half of it
	// there for a moment.
	fileSettle = 100 * time.Millisecond
	// maxFile is the largest file that is read.
	maxFile = 16 << 20
)

// FileConfig says which file to read. Path is required.
type FileConfig struct {
	// Path is a YAML or JSON file with a list: of addresses, or of entries with the fields of Entry.
	Path string
	// Poll is how often the file is read besides when it changes; at least 10 ms. 0: DefaultFilePoll.
	Poll time.Duration
}

// File is a file with a list of endpoints, which is followed as it changes:
//
//   - 10.0.0.1:50051
//   - address: 10.0.0.2:50051
//     weight: 2
//     zone: eu-west-1a
//     priority: 1
//     labels: {version: v2}
//
// A file that cannot be read or understood, or lists nothing, keeps the last good list in force.
type File struct {
	cfg FileConfig
}

// NewFile checks cfg and returns the source.
func NewFile(cfg FileConfig) (*File, error) {
	if cfg.Poll == 0 {
		cfg.Poll = DefaultFilePoll
	}
	var errs []error
	if cfg.Path == "" {
		errs = append(errs, errors.New("file: path is empty; it must name a file"))
	}
	if cfg.Poll < 10*time.Millisecond {
		errs = append(errs, fmt.Errorf("file: poll is %v; it must be 10ms or more", cfg.Poll))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &File{cfg}, nil
}

// FromFile returns the source of a file.
func FromFile(cfg FileConfig) (Source, error) {
	f, err := NewFile(cfg)
	if err != nil {
		return Source{}, err
	}
	return Source{Name: "file:" + cfg.Path, Watch: f}, nil
}

// Watch implements Watcher.
func (f *File) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	events, closing := f.events()
	defer closing()
	var last []byte // what was told last; nil after a failure
	for {
		data, err := f.read()
		switch {
		case err != nil:
			update(nil, err)
			last = nil
		case last == nil || !bytes.Equal(data, last):
			endpoints, err := parseEntries(data)
			if err != nil {
				err = fmt.Errorf("file: %s: %w", f.cfg.Path, err)
			}
			update(endpoints, err)
			last = data
			if err != nil {
				last = nil
			}
		}
		if !f.wait(ctx, events) {
			return ctx.Err()
		}
	}
}

// events returns the events of the file's folder; none when the system cannot watch it.
func (f *File) events() (<-chan fsnotify.Event, func()) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, func() {}
	}
	// The folder, not the file: editors and Kubernetes put another in its place.
	if err := w.Add(filepath.Dir(f.cfg.Path)); err != nil {
		_ = w.Close()
		return nil, func() {}
	}
	return w.Events, func() { _ = w.Close() }
}

// wait returns when it is time to read the file: after an event, once nothing more has happened for a moment, or after
// a while. It returns false when ctx is done.
func (f *File) wait(ctx context.Context, events <-chan fsnotify.Event) bool {
	timer := time.NewTimer(f.cfg.Poll)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			timer.Reset(min(fileSettle, f.cfg.Poll))
		}
	}
}

func (f *File) read() ([]byte, error) {
	file, err := os.Open(f.cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("file: %s is larger than %d bytes", f.cfg.Path, maxFile)
	}
	return data, nil
}

// listed is an element of the list: an address, or an entry.
type listed struct {
	Entry
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *listed) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&l.Address)
	}
	// A node's Decode knows nothing of KnownFields.
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if name := n.Content[i].Value; !entryFields[name] {
			return fmt.Errorf("line %d: field %s is not known", n.Content[i].Line, name)
		}
	}
	return n.Decode(&l.Entry)
}

// entryFields are the fields of an Entry.
var entryFields = map[string]bool{
	"address": true, "addresses": true, "weight": true, "zone": true, "priority": true, "server_name": true, "labels": true,
}

// parseEntries returns the endpoints that a file lists, or everything that is wrong with it. JSON is YAML.
func parseEntries(data []byte) ([]endpoint.Endpoint, error) {
	var list []yaml.Node
	if err := yaml.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("it must be a list of endpoints: %w", err)
	}
	var errs []error
	var out []endpoint.Endpoint
	seen := make(map[string]int, len(list))
	for i := range list {
		var l listed
		err := list[i].Decode(&l)
		var e endpoint.Endpoint
		if err == nil {
			e, err = l.Endpoint()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", list[i].Line, err))
			continue
		}
		if before, ok := seen[e.Key()]; ok {
			errs = append(errs, fmt.Errorf("line %d: endpoint %s is listed in line %d already", list[i].Line, e, before))
			continue
		}
		seen[e.Key()] = list[i].Line
		out = append(out, e)
	}
	return out, errors.Join(errs...)
}
