// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// manyTests is from how many tests on what they share is listed by its own name.
const manyTests = 4

// ownFiles are where these tests are: what they cite is an example.
const ownFiles = "gateway/app/"

// isTest is the name of what go test runs.
var isTest = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)[A-Z_]`)

// citing is how tests cite the entries of a list.
type citing struct {
	// text finds what a comment cites, or a string (literal).
	text func(text string, literal bool, cite func(key string, direct bool))
	// name finds what the name of a test cites, without its "Test".
	name func(rest string, cite func(key string, direct bool))
}

// citation is who proves an entry.
type citation struct {
	pkg, test string
	direct    bool // it names the entry itself, and not only as one within a range
}

// declaration is a top-level declaration of a test file: what it cites and what else of its package it names.
type declaration struct {
	cites map[string]bool // to whether it names the entry itself
	uses  map[string]bool
}

// citations finds what every test file of the repository cites, by entry. What a table or a helper cites is credited to the
// tests that use it.
func citations(t *testing.T, by citing) map[string][]citation {
	t.Helper()
	packages := map[string]map[string]*declaration{}
	goFiles(t, func(file, rel string) {
		if !strings.HasSuffix(rel, "_test.go") || strings.HasPrefix(rel, ownFiles) {
			return
		}
		pkg := path.Dir(rel)
		if packages[pkg] == nil {
			packages[pkg] = map[string]*declaration{}
		}
		readDeclarations(t, file, by, packages[pkg])
	})
	found := map[string][]citation{}
	for pkg, declarations := range packages {
		credit(pkg, declarations, func(key string, c citation) { found[key] = append(found[key], c) })
	}
	scripts(t, by, func(key string, c citation) { found[key] = append(found[key], c) })
	return found
}

// readDeclarations adds the declarations of a file. Methods and the specs of a group go by their own names.
func readDeclarations(t *testing.T, file string, by citing, into map[string]*declaration) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, n, doc ast.Node) {
		d := into[name]
		if d == nil {
			d = &declaration{cites: map[string]bool{}, uses: map[string]bool{}}
			into[name] = d
		}
		from := n.Pos()
		if doc != nil && doc.Pos().IsValid() {
			from = min(from, doc.Pos())
		}
		for _, group := range parsed.Comments {
			if group.Pos() >= from && group.End() <= n.End() || files.Position(group.Pos()).Line == files.Position(n.End()).Line {
				by.text(group.Text(), false, d.cite)
			}
		}
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				d.uses[n.Name] = true
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					by.text(text, true, d.cite)
				}
			}
			return true
		})
		if isTest.MatchString(name) {
			_, rest, _ := strings.Cut(name, isTest.FindStringSubmatch(name)[1])
			by.name(rest, d.cite)
		}
	}
	for _, decl := range parsed.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Doc != nil {
				add(decl.Name.Name, decl, decl.Doc)
			} else {
				add(decl.Name.Name, decl, nil)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name.Name, spec, nil)
					}
				case *ast.TypeSpec:
					add(spec.Name.Name, spec, nil)
				}
			}
		}
	}
}

func (d *declaration) cite(key string, direct bool) { d.cites[key] = d.cites[key] || direct }

// credit gives each citation of a package to the tests that make it, themselves or by what they use.
func credit(pkg string, declarations map[string]*declaration, found func(string, citation)) {
	users := map[string][]string{} // tests, by what they reach
	for _, name := range slices.Sorted(maps.Keys(declarations)) {
		if !isTest.MatchString(name) {
			continue
		}
		seen := map[string]bool{name: true}
		for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
			users[queue[0]] = append(users[queue[0]], name)
			for used := range declarations[queue[0]].uses {
				if declarations[used] != nil && !seen[used] && !isTest.MatchString(used) {
					seen[used] = true
					queue = append(queue, used)
				}
			}
		}
	}
	for name, d := range declarations {
		for key, direct := range d.cites {
			tests := users[name]
			if len(tests) > manyTests {
				tests = []string{fmt.Sprintf("%s, of %d tests", name, len(tests))}
			}
			for _, test := range tests {
				found(key, citation{pkg: pkg, test: test, direct: direct})
			}
		}
	}
}

// scripts finds what the comments of test scripts cite.
func scripts(t *testing.T, by citing, found func(string, citation)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".txtar") {
			if err == nil && d.IsDir() && d.Name() != ".." && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		pkg, _, _ := strings.Cut(filepath.ToSlash(rel), "/testdata/")
		script := &declaration{cites: map[string]bool{}}
		lines := bufio.NewScanner(f)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "-- ") {
			if strings.HasPrefix(lines.Text(), "#") {
				by.text(lines.Text(), false, script.cite)
			}
		}
		for key, direct := range script.cites {
			found(key, citation{pkg: pkg, test: filepath.Base(file), direct: direct})
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
