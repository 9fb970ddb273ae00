// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// Every YAML sample of README and the documents loads as a configuration, without a warning.
func TestSamplesLoad(t *testing.T) {
	t.Parallel()
	documents := []string{filepath.Join(root, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, ".md") {
			documents = append(documents, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for i, sample := range samples(string(text)) {
			found++
			name := fmt.Sprintf("%s, sample %d", filepath.Base(document), i+1)
			cfg, err := config.Parse(name, []byte(sample), config.Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, w := range cfg.Warnings {
				t.Errorf("%s: %s: %s", name, w.Path, w.Message)
			}
		}
	}
	if found == 0 {
		t.Error("there is no sample")
	}
}

// samples returns the YAML blocks of a document.
func samples(text string) []string {
	var all []string
	for {
		_, rest, ok := strings.Cut(text, "```yaml\n")
		if !ok {
			return all
		}
		sample, after, _ := strings.Cut(rest, "```")
		all, text = append(all, sample), after
	}
}
