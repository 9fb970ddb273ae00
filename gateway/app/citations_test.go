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

var (
	// cited is a statement that a comment or a string names: T49.
	cited = regexp.MustCompile(`\bT(\d{1,3})\b`)
	// citedRange is several at once: T49-T53, T49 to T53.
	citedRange = regexp.MustCompile(`\bT(\d{1,3})(?:-|–| to )T?(\d{1,3})\b`)
	// citedName is a statement that the name of a test begins with, alone or after another: TestT49Query, TestT2_T7_BrokenReload.
	citedName = regexp.MustCompile(`^_?T(\d{1,3})(?:\D|$)`)
	// isTest is the name of what go test runs.
	isTest = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)[A-Z_]`)
)

// citation is who proves a statement.
type citation struct {
	pkg, test string
	direct    bool // it names the statement itself, and not only as one within a range
}

// declaration is a top-level declaration of a test file: what it cites and what else of its package it names.
type declaration struct {
	cites map[int]bool // to whether it names the statement itself
	uses  map[string]bool
}

// citations finds what every test file of the repository cites, by statement. What a table or a helper cites is credited to the
// tests that use it.
func citations(t *testing.T) map[int][]citation {
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
		readDeclarations(t, file, packages[pkg])
	})
	found := map[int][]citation{}
	for pkg, declarations := range packages {
		credit(pkg, declarations, func(number int, c citation) { found[number] = append(found[number], c) })
	}
	scripts(t, func(number int, c citation) { found[number] = append(found[number], c) })
	return found
}

// readDeclarations adds the declarations of a file. Methods and the specs of a group go by their own names.
func readDeclarations(t *testing.T, file string, into map[string]*declaration) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, n, doc ast.Node) {
		d := into[name]
		if d == nil {
			d = &declaration{cites: map[int]bool{}, uses: map[string]bool{}}
			into[name] = d
		}
		from := n.Pos()
		if doc != nil && doc.Pos().IsValid() {
			from = min(from, doc.Pos())
		}
		for _, group := range parsed.Comments {
			if group.Pos() >= from && group.End() <= n.End() || files.Position(group.Pos()).Line == files.Position(n.End()).Line {
				d.read(group.Text())
			}
		}
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				d.uses[n.Name] = true
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					d.read(text)
				}
			}
			return true
		})
		if isTest.MatchString(name) {
			_, rest, _ := strings.Cut(name, isTest.FindStringSubmatch(name)[1])
			for m := citedName.FindStringSubmatch(rest); m != nil; m = citedName.FindStringSubmatch(rest) {
				d.cite(m[1], true)
				rest = rest[strings.Index(rest, m[1])+len(m[1]):]
			}
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

func (d *declaration) cite(number string, direct bool) {
	n, _ := strconv.Atoi(number) // it is digits
	d.cites[n] = d.cites[n] || direct
}

func (d *declaration) read(text string) {
	for _, m := range citedRange.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[1])
		to, _ := strconv.Atoi(m[2])
		for n := from; n <= to; n++ {
			d.cite(strconv.Itoa(n), false)
		}
	}
	for _, m := range cited.FindAllStringSubmatch(citedRange.ReplaceAllString(text, ""), -1) {
		d.cite(m[1], true)
	}
}

// credit gives each citation of a package to the tests that make it, themselves or by what they use.
func credit(pkg string, declarations map[string]*declaration, found func(int, citation)) {
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
		for number, direct := range d.cites {
			tests := users[name]
			if len(tests) > manyTests {
				tests = []string{fmt.Sprintf("%s, of %d tests", name, len(tests))}
			}
			for _, test := range tests {
				found(number, citation{pkg: pkg, test: test, direct: direct})
			}
		}
	}
}

// scripts finds what the comments of test scripts cite.
func scripts(t *testing.T, found func(int, citation)) {
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
		script := &declaration{cites: map[int]bool{}}
		lines := bufio.NewScanner(f)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "-- ") {
			if strings.HasPrefix(lines.Text(), "#") {
				script.read(lines.Text())
			}
		}
		for number, direct := range script.cites {
			found(number, citation{pkg: pkg, test: filepath.Base(file), direct: direct})
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
