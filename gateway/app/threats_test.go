// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	// threatsFile says every threat and fault in a line: its row, a tab, and what holds.
	threatsFile = "testdata/threats.txt"
	// threatsTable is the table that is written from it and from the tests.
	threatsTable = "docs/threats.md"
)

// faultRow is how the row of a fault begins; the others begin with the letter of their section.
const faultRow = "fault "

// proven are the rows that have to have a test: those of sections A to C, F to H, and the faults, less those that are open.
var proven = regexp.MustCompile(`^(?:[ABCFGH]|fault )\d+$`)

// open are rows of these sections that no test proves yet, and why.
var open = map[string]string{
	"fault 24": "there is no handing over of sockets yet",
	"fault 32": "comes with the measurements of load",
	"fault 33": "comes with the measurements of load; single readers that stall are held to D9",
	"fault 35": "comes with the measurements of load",
	"fault 36": "comes with the measurements of load",
	"fault 37": "comes with the measurements of load",
	"fault 40": "comes with the measurements of load",
	"fault 42": "comes with the measurements of load",
	"fault 43": "neither side of HTTP/2 lets a test begin near the last id yet",
	"fault 45": "comes with the measurements of load",
	"fault 47": "a source that is down keeps the last good schema while the gateway runs; there is no cache on disk yet",
}

var (
	// threat is a row in a comment: "Threat A14", "(H5)", "// C19: …". A gRFC has such a number too.
	threat = regexp.MustCompile(`(gRFC )?\b([A-I])(\d{1,2})\b`)
	// threatRange is several at once: C1 to C9.
	threatRange = regexp.MustCompile(`\b([A-I])(\d{1,2})(?:-|–| to )([A-I])(\d{1,2})\b`)
	// threatLiteral is what a string begins with when it names a row of a table: "C3: jku", "E4 empty messages".
	threatLiteral = regexp.MustCompile(`^(?:[A-I]\d{1,2}[ ,:]+)+`)
	// threatName is a row that the name of a test begins with, alone or after another: TestThreatC16C17…, TestB4_Connection.
	threatName = regexp.MustCompile(`^_?([A-I])(\d{1,2})(?:\D|$)`)
	// fault is one in a comment, or several.
	fault = regexp.MustCompile(`(?i)\bfaults? (\d{1,2}(?:(?:,| and|, and| or) \d{1,2})*)\b`)
	// faultName is one that the name of a test begins with.
	faultName = regexp.MustCompile(`^Fault0?(\d{1,2})(?:\D|$)`)
	// digits are one number of several.
	digits = regexp.MustCompile(`\d+`)
)

// citingThreats is how tests cite threats and faults.
var citingThreats = citing{
	text: func(text string, literal bool, cite func(string, bool)) {
		if literal {
			text = threatLiteral.FindString(text)
		}
		for _, m := range threatRange.FindAllStringSubmatch(text, -1) {
			for n := number(m[2]); m[1] == m[3] && n <= number(m[4]); n++ {
				cite(m[1]+strconv.Itoa(n), false)
			}
		}
		for _, m := range threat.FindAllStringSubmatch(threatRange.ReplaceAllString(text, ""), -1) {
			if m[1] == "" {
				cite(m[2]+m[3], true)
			}
		}
		for _, m := range fault.FindAllStringSubmatch(text, -1) {
			for _, n := range digits.FindAllString(m[1], -1) {
				cite(faultRow+n, true)
			}
		}
	},
	name: func(rest string, cite func(string, bool)) {
		if m := faultName.FindStringSubmatch(rest); m != nil {
			cite(faultRow+m[1], true)
			return
		}
		rest = strings.TrimPrefix(rest, "Threat")
		for m := threatName.FindStringSubmatch(rest); m != nil; m = threatName.FindStringSubmatch(rest) {
			cite(m[1]+m[2], true)
			rest = rest[strings.Index(rest, m[2])+len(m[2]):]
		}
	},
}

// threatOrFault is a row of the list.
type threatOrFault struct{ row, text string }

// readThreats reads all rows in their order.
func readThreats(t *testing.T) []threatOrFault {
	t.Helper()
	data, err := os.ReadFile(threatsFile)
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`^(?:[A-I]|fault )\d{1,2}$`)
	var all []threatOrFault
	for line := range strings.Lines(string(data)) {
		row, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || !known.MatchString(row) || strings.TrimSpace(text) == "" {
			t.Fatalf("%s: a line is %q; want a row, a tab, and a text", threatsFile, line)
		}
		all = append(all, threatOrFault{row, text})
	}
	return all
}

// Every threat and fault that is required is held by a test that cites its row, and docs/threats.md says by which.
func TestThreatsAreProven(t *testing.T) {
	t.Parallel()
	all := readThreats(t)
	found := citations(t, citingThreats)
	if len(all) < 150 || len(found) < 100 {
		t.Fatalf("%d rows and %d citations; has the form of either changed?", len(all), len(found))
	}
	for row := range open {
		if !slices.ContainsFunc(all, func(r threatOrFault) bool { return r.row == row }) {
			t.Errorf("%s is said to be open, and is no row", row)
		}
	}
	for _, r := range all {
		direct := slices.ContainsFunc(found[r.row], func(c citation) bool { return c.direct })
		switch reason, isOpen := open[r.row]; {
		case !proven.MatchString(r.row):
		case !direct && !isOpen:
			t.Errorf("%s has no test that cites it (a range alone does not prove one): %s", r.row, r.text)
		case isOpen && reason == "":
			t.Errorf("%s is open without a reason", r.row)
		}
	}
	sameAsWritten(t, threatsTable, renderThreats(all, found))
}

func renderThreats(all []threatOrFault, found map[string][]citation) string {
	var b strings.Builder
	b.WriteString(`# Threats and faults

What attackers try and what goes wrong, a row each, with the tests that hold the gateway to it. Tests cite a row by its letter and number: ` + "`TestThreatA9…`" + `,
"threat H5", ` + "`TestFault25…`" + `. This page is written from the tests: ` + "`make golden`" + `.
A row of sections A to C, F to H or of the faults that no test cites fails the build, unless it says that it is open.
`)
	section := ""
	for _, r := range all {
		if s := sectionOf(r.row); s != section {
			section = s
			fmt.Fprintf(&b, "\n## %s\n\n| | what holds | held by |\n| --- | --- | --- |\n", section)
		}
		by := provenBy(found[r.row])
		if reason := open[r.row]; reason != "" {
			by = strings.TrimSuffix("open: "+reason+"; "+by, "; ")
		}
		text := strings.ReplaceAll(r.text, "|", `\|`)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.TrimPrefix(r.row, faultRow), text, by)
	}
	return b.String()
}

// sectionOf is the heading under which a row stands.
func sectionOf(row string) string {
	if strings.HasPrefix(row, faultRow) {
		return "Faults"
	}
	return map[byte]string{
		'A': "A. What call is this?", 'B': "B. Headers and metadata", 'C': "C. Authentication", 'D': "D. Exhaustion by HTTP", 'E': "E. Bodies",
		'F': "F. Browsers and WebSocket", 'G': "G. Limits", 'H': "H. Backends and answers", 'I': "I. Control plane and telemetry",
	}[row[0]]
}
