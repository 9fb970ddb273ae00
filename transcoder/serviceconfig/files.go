// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package serviceconfig provides HTTP rules from google.api.Service files, for protos that cannot be annotated.
//
// The files are those that grpc-gateway takes as grpc_api_configuration and that Envoy and ESP users have: YAML, or JSON, with
// the rules below http.rules. What a selector means is not decided here but in package httprule, which knows the methods.
package serviceconfig

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Config says where the files are. Paths is required.
type Config struct {
	// Paths are the files, none twice. Their order is that of their rules.
	Paths []string
	// MaxBytes bounds each file. Zero is [DefaultMaxBytes].
	MaxBytes int
	// MaxRules bounds the rules of all files together, additional bindings included. Zero is [DefaultMaxRules].
	MaxRules int
	// Poll makes Watch look for changes every so often, for file systems that send no events. Zero waits for events, and
	// polls every two seconds where the system refuses them.
	Poll time.Duration
}

// Files loads rules from files. It implements [schema.Watcher]. Load is called from one goroutine at a time; Watch may run meanwhile.
type Files struct {
	config Config
	good   *Rules // of the last load that succeeded; only Load uses it

	mu    sync.Mutex
	print string // fingerprint of what was loaded last; guarded by mu
}

var _ schema.Watcher = (*Files)(nil)

// New returns what loads these files. It does not look at the disk.
func New(config Config) (*Files, error) {
	var errs []error
	if len(config.Paths) == 0 {
		errs = append(errs, errors.New("serviceconfig: paths is empty; it must name a file"))
	}
	for i, path := range config.Paths {
		if path == "" || slices.Contains(config.Paths[:i], path) {
			errs = append(errs, fmt.Errorf("serviceconfig: paths[%d] is %q; it must be a file, and none twice", i, path))
		}
	}
	for _, b := range []struct {
		name      string
		value     *int
		otherwise int
	}{{"max_bytes", &config.MaxBytes, DefaultMaxBytes}, {"max_rules", &config.MaxRules, DefaultMaxRules}} {
		if *b.value == 0 {
			*b.value = b.otherwise
		}
		if *b.value < 0 {
			errs = append(errs, fmt.Errorf("serviceconfig: %s is %d; it must be 0, for %d, or more", b.name, *b.value, b.otherwise))
		}
	}
	if config.Poll < 0 {
		errs = append(errs, fmt.Errorf("serviceconfig: poll is %v; it must be 0, for events, or more", config.Poll))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Files{config: config}, nil
}

// Name returns the paths.
func (f *Files) Name() string { return strings.Join(f.config.Paths, ", ") }

// Load returns the rules as they are now: the very same ones where the files are as they were. The error is a
// *[schema.LoadError] with all that is wrong with all files; a Load that failed leaves nothing to reset.
func (f *Files) Load() (*Rules, error) {
	f.note()
	var (
		problems []schema.Diagnostic
		rules    = &Rules{}
	)
	for _, path := range f.config.Paths {
		data, err := read(path, f.config.MaxBytes)
		if err != nil {
			problems = append(problems, unreadable(path, err))
			continue
		}
		list, wrong := parse(path, data, f.config.MaxBytes)
		problems = append(problems, wrong...)
		rules.list = append(rules.list, list...)
		rules.texts = append(rules.texts, data)
	}
	if n := count(rules.list); n > f.config.MaxRules {
		problems = append(problems, tooMany(f.Name(), n, f.config.MaxRules))
	}
	if len(problems) > 0 {
		return nil, schema.NewLoadError(problems...)
	}
	if f.good == nil || !slices.Equal(f.good.texts, rules.texts) {
		f.good = rules
	}
	return f.good, nil
}

// read returns the bytes of a file, at most one more than it may have.
func read(path string, most int) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	return string(data), errors.Join(err, file.Close())
}

func unreadable(path string, err error) schema.Diagnostic {
	var on *os.PathError
	if errors.As(err, &on) {
		err = on.Err // the path is told already
	}
	return schema.Diagnostic{
		Code: schema.CodeUnreadable, Message: fmt.Sprintf("cannot read %s: %v", path, err),
		Spans: []schema.Span{{Position: schema.Position{File: path}, Primary: true}},
	}
}
