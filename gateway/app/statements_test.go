// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

const (
	// statementsFile says every statement in a line: number, tab, text.
	statementsFile = "testdata/statements.txt"
	// statementsTable is the table that is written from it and from the tests.
	statementsTable = "docs/statements.md"
)

// required are the statements that have to have a test, from and to. The others are of what the gateway does not do yet.
var required = [][2]int{{1, 203}, {208, 208}, {215, 216}}

var (
	// cited is a statement that a comment or a string names: T49.
	cited = regexp.MustCompile(`\bT(\d{1,3})\b`)
	// citedRange is several at once: T49-T53, T49 to T53.
	citedRange = regexp.MustCompile(`\bT(\d{1,3})(?:-|–| to )T?(\d{1,3})\b`)
	// citedName is a statement that the name of a test begins with, alone or after another: TestT49Query, TestT2_T7_BrokenReload.
	citedName = regexp.MustCompile(`^_?T(\d{1,3})(?:\D|$)`)
)

// citingStatements is how tests cite statements.
var citingStatements = citing{
	text: func(text string, _ bool, cite func(string, bool)) {
		for _, m := range citedRange.FindAllStringSubmatch(text, -1) {
			for n := number(m[1]); n <= number(m[2]); n++ {
				cite(strconv.Itoa(n), false)
			}
		}
		for _, m := range cited.FindAllStringSubmatch(citedRange.ReplaceAllString(text, ""), -1) {
			cite(strconv.Itoa(number(m[1])), true)
		}
	},
	name: func(rest string, cite func(string, bool)) {
		for m := citedName.FindStringSubmatch(rest); m != nil; m = citedName.FindStringSubmatch(rest) {
			cite(strconv.Itoa(number(m[1])), true)
			rest = rest[strings.Index(rest, m[1])+len(m[1]):]
		}
	},
}

// number reads digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic(err)
	}
	return n
}

// readStatements reads the texts of all statements, the first at index 1.
func readStatements(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(statementsFile)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{""}
	for line := range strings.Lines(string(data)) {
		number, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || number != fmt.Sprint(len(texts)) || strings.TrimSpace(text) == "" {
			t.Fatalf("%s: line %d is %q; want the number of the line, a tab, and a text", statementsFile, len(texts), line)
		}
		texts = append(texts, text)
	}
	return texts
}

// Every statement on transcoding that is required is proven by a test that cites it, and docs/statements.md says by which.
func TestStatementsAreProven(t *testing.T) {
	t.Parallel()
	texts := readStatements(t)
	found := make([][]citation, len(texts))
	for key, tests := range citations(t, citingStatements) {
		if n := number(key); n >= 1 && n < len(texts) {
			found[n] = tests
		} else {
			t.Errorf("T%s is cited by %s: %s, but there is no such statement", key, tests[0].pkg, tests[0].test)
		}
	}
	for number := range texts {
		if !isRequired(number) {
			continue
		}
		direct := slices.ContainsFunc(found[number], func(c citation) bool { return c.direct })
		if !direct {
			t.Errorf("T%d has no test that cites it (a range alone does not prove one): %s", number, texts[number])
		}
	}
	sameAsWritten(t, statementsTable, renderStatements(texts, found))
}

// sameAsWritten fails when a document that is written from the tests is not what they say, or writes it anew.
func sameAsWritten(t *testing.T, document, got string) {
	t.Helper()
	file := filepath.Join(root, document)
	old, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if string(old) == got {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the tests say; run: make golden", document)
	}
	const mode = 0o644
	if err := os.WriteFile(file, []byte(got), mode); err != nil { //nolint:gosec // a document
		t.Fatal(err)
	}
}

// isRequired tells whether a statement has to have a test.
func isRequired(number int) bool {
	return slices.ContainsFunc(required, func(r [2]int) bool { return r[0] <= number && number <= r[1] })
}

// requiredText says which statements are required: "1 to 180, 182 to 203 and 208".
func requiredText() string {
	var all []string
	for _, r := range required {
		text := fmt.Sprintf("%d to %d", r[0], r[1])
		if r[0] == r[1] {
			text = fmt.Sprint(r[0])
		}
		all = append(all, text)
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

// markdown says a text so that it is shown as it is.
var markdown = strings.NewReplacer("*", `\*`, "|", `\|`, "<", "&lt;", "_", `\_`)

func renderStatements(texts []string, found [][]citation) string {
	var b strings.Builder
	b.WriteString(`# Statements on transcoding

What it means to transcode correctly, in statements that tests cite by number: ` + "`T49`" + ` in a comment, in a row or in the name of a test.
This page is written from the tests: ` + "`make golden`" + `.
A statement of ` + requiredText() + ` that no test cites fails the build.
The last column has the profiles in which the statement holds; the others have another answer, and a setting for it.

| | statement | proven by | holds in |
| --- | --- | --- | --- |
`)
	for number := 1; number < len(texts); number++ {
		fmt.Fprintf(&b, "| T%d | %s | %s | %s |\n", number, markdown.Replace(texts[number]), provenBy(found[number]), strings.Join(holdsIn(number), ", "))
	}
	return b.String()
}

// provenBy lists tests by package.
func provenBy(tests []citation) string {
	slices.SortFunc(tests, func(a, b citation) int { return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.test, b.test)) })
	tests = slices.CompactFunc(tests, func(a, b citation) bool { return a.pkg == b.pkg && a.test == b.test })
	var b strings.Builder
	for i, c := range tests {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "`%s`: ", c.pkg)
		case c.pkg != tests[i-1].pkg:
			fmt.Fprintf(&b, "; `%s`: ", c.pkg)
		default:
			b.WriteString(", ")
		}
		b.WriteString(strings.ReplaceAll(c.test, "_", `\_`))
	}
	return b.String()
}

// holdsIn are the profiles in which a statement holds.
func holdsIn(number int) []string {
	var holds []string
	for _, p := range rest.Profiles() {
		if !slices.ContainsFunc(p.Flips(), func(f rest.Flip) bool { return f.Statement == number }) {
			holds = append(holds, string(p))
		}
	}
	return holds
}
