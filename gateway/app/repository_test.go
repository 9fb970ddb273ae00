// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bufio"
	"flag"
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated from the code: README's table of packages, and docs/statements.md")

const (
	root        = "../.."
	maxLines    = 700 // of a file
	copyright   = "// Copyright 2026 The Dragoman Authors"
	licence     = "// SPDX-License-Identifier: Apache-2.0"
	tableBegins = "<!-- packages: make golden -->\n"
	tableEnds   = "<!-- /packages -->\n"
)

// goFiles calls f for every Go file that people write.
func goFiles(t *testing.T, f func(file, rel string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			f(file, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesHaveTheLicenceAndAreNotTooLong(t *testing.T) {
	t.Parallel()
	goFiles(t, func(file, rel string) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		var lines []string
		scanner := bufio.NewScanner(f)
		scanner.Buffer(nil, 16<<20)
		for scanner.Scan() {
			lines = append(lines, scanner.Text())
		}
		if err := scanner.Err(); err != nil {
			t.Fatal(err)
		}
		if len(lines) < 2 || lines[0] != copyright || lines[1] != licence {
			t.Errorf("%s does not begin with the two lines of the licence", rel)
		}
		generated := strings.HasPrefix(rel, "gen/") || strings.HasSuffix(rel, ".pb.go")
		if len(lines) > maxLines && !generated {
			t.Errorf("%s has %d lines; a file has at most %d", rel, len(lines), maxLines)
		}
	})
}

// README's table of packages says of each what its own documentation says, word for word.
func TestReadmeSaysWhereThingsAre(t *testing.T) {
	t.Parallel()
	sentences := map[string]string{}
	goFiles(t, func(file, rel string) {
		pkg := path.Dir(rel)
		if strings.HasSuffix(rel, "_test.go") || strings.HasPrefix(pkg, "gen/") || strings.HasPrefix(pkg, "tools") || strings.HasPrefix(pkg, "bench") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := sentences[pkg]; !ok {
			sentences[pkg] = ""
		}
		if parsed.Doc != nil {
			sentences[pkg] = new(doc.Package).Synopsis(parsed.Doc.Text())
		}
	})
	var table strings.Builder
	table.WriteString("| package | what it provides |\n| --- | --- |\n")
	for _, pkg := range slices.Sorted(maps.Keys(sentences)) {
		sentence := sentences[pkg]
		if strings.HasPrefix(pkg, "cmd/") {
			if !strings.HasPrefix(sentence, "Command "+path.Base(pkg)+" ") {
				t.Errorf("%s: the documentation begins %q; it should begin \"Command %s …\"", pkg, sentence, path.Base(pkg))
			}
		} else if want := "Package " + path.Base(pkg) + " provides "; !strings.HasPrefix(sentence, want) {
			t.Errorf("%s: the documentation begins %q; it should begin %q", pkg, sentence, want)
		}
		_, sentence, _ = strings.Cut(sentence, " provides ")
		fmt.Fprintf(&table, "| [`%s`](%s) | %s |\n", pkg, pkg, strings.TrimSuffix(sentence, "."))
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(readme), tableBegins)
	old, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatal("README.md has no table of packages")
	}
	if old == table.String() {
		return
	}
	if !*update {
		t.Fatalf("README's table of packages is not what the packages say; run: make golden\n%s", table.String())
	}
	const mode = 0o644
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(before+tableBegins+table.String()+tableEnds+after), mode); err != nil { //nolint:gosec // a document
		t.Fatal(err)
	}
}
