// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/explain"
)

var codeLiteral = regexp.MustCompile(`^"DG[0-9]{4}"$`)

// TestEveryCodeHasAPage: each code of the product stands in one place of its sources, as a constant or where it is told, and has a page; and no page is
// about a code that nothing tells.
func TestEveryCodeHasAPage(t *testing.T) {
	t.Parallel()
	found := codes(t, "../..")
	if len(found) < 40 {
		t.Fatalf("only %d codes are found in the sources", len(found))
	}
	for code, places := range found {
		if len(places) > 1 {
			t.Errorf("%s stands in %q; two places could mean two things by it", code, places)
		}
		page, ok := explain.PageOf(strings.ToLower(code))
		switch {
		case !ok:
			t.Errorf("%s, of %s, has no page: add a section to gateway/explain/pages.md", code, places[0])
		case page.Title == "" || len(page.Text) < 40:
			t.Errorf("the page of %s says %q; want a title and some sentences", code, page.Text)
		}
	}
	var before string
	for _, p := range explain.Pages() {
		if found[p.Code] == nil {
			t.Errorf("there is a page of %s, which nothing tells", p.Code)
		}
		if p.Code <= before {
			t.Errorf("the page of %s stands behind that of %s", p.Code, before)
		}
		before = p.Code
	}
}

// codes are the codes that stand in sources as texts, with the files.
func codes(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "gen" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && codeLiteral.MatchString(lit.Value) {
				code := strings.Trim(lit.Value, `"`)
				found[code] = append(found[code], file)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPageOf(t *testing.T) {
	t.Parallel()
	for _, unknown := range []string{"", "DG", "DG9999", "1103", "DG1103 "} {
		if p, ok := explain.PageOf(unknown); ok {
			t.Errorf("%q has the page %q", unknown, p.Title)
		}
	}
	all := explain.Pages()
	if !slices.ContainsFunc(all, func(p explain.Page) bool { return p.Code == "DG1103" }) {
		t.Error("DG1103 has no page")
	}
}
