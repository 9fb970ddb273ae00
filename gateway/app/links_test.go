// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]*)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	named   = regexp.MustCompile(`<a id="([^"]+)">`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
)

// Links of README and the documents lead to files that are there, and to headings in them.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	documents := []string{"README.md", ".github/CONTRIBUTING.md", "CHANGELOG.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, ".md") {
			documents = append(documents, strings.TrimPrefix(file, root+string(filepath.Separator)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	read := func(document string) string {
		if _, ok := texts[document]; !ok {
			text, err := os.ReadFile(filepath.Join(root, document))
			if err != nil {
				t.Fatal(err)
			}
			texts[document] = fenced.ReplaceAllString(string(text), "")
		}
		return texts[document]
	}
	links := 0
	for _, document := range documents {
		for _, m := range link.FindAllStringSubmatch(read(document), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			to := document
			if target != "" {
				to = filepath.Join(filepath.Dir(document), target)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: %s leads nowhere", document, m[1])
				continue
			}
			if anchor != "" && strings.HasSuffix(to, ".md") && !anchors(read(to))[anchor] {
				t.Errorf("%s: %s has no heading %s", document, to, anchor)
			}
		}
	}
	if links < 200 {
		t.Errorf("only %d links were found", links)
	}
}

// anchors are what links can name in a document.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		all[m[1]] = true
	}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		all[slug(m[1])] = true
	}
	return all
}

// slug is how GitHub names a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}
