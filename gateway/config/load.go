// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	configv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/config/v1"
)

// Options say what a file is read with. The zero value is for the process as it is.
type Options struct {
	// Env looks up the environment's variables; nil means os.LookupEnv.
	Env func(name string) (value string, ok bool)
}

// Load reads a file. The error is a *Problems when the file is wrong, and another one when it cannot be read.
//
// A file that is being written while it is read may be whole YAML up to the end of some line. What can be noticed of that
// is refused: see Parse. Writers should put a new file in place of the old by renaming it, and who watches the file should
// wait until it is quiet.
func Load(path string, options Options) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, data, options)
}

// Parse reads a configuration from the bytes of a file. name is the file's, for messages; paths in the file that are
// relative begin at its folder. No other file is opened. The error is a *Problems.
//
// What is accepted of a file that was cut short ends at the end of a line, and each setting in it has the value that it
// has in the whole file: values that could have lost their end, and keys that have lost their value, are refused.
func Parse(name string, data []byte, options Options) (*Config, error) {
	if options.Env == nil {
		options.Env = os.LookupEnv
	}
	s := strings.TrimPrefix(string(data), byteOrderMark)
	c := newCollector(newText(name, s))
	m := read(c, s, options.Env)
	if m == nil {
		return nil, c.err()
	}
	check(c, m)
	cfg := compile(c, m, filepath.Dir(name))
	if err := c.err(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// read returns the message that the file holds, as far as it can be read; nil after a syntax error.
func read(c *collector, data string, env func(string) (string, bool)) *configv1.Config {
	c.places[""] = place{line: 1, column: 1}
	root := parseYAML(c, data)
	if len(c.list) > 0 {
		return nil
	}
	m := &configv1.Config{}
	if root == nil {
		return m
	}
	if last := c.text.lines[len(c.text.lines)-1]; last != "" {
		c.at(c.text.end(), "", "end it with a line break", "the last line does not end; the file may be cut short")
	}
	(&decoder{collector: c, env: env}).message(root, m.ProtoReflect(), "")
	return m
}
