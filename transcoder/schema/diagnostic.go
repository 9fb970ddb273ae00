// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Level says how much a diagnostic matters.
type Level int

const (
	// Error refuses the load or the route that it is about. It is the zero value: what forgets to say is an error.
	Error Level = iota
	// Warning is something that works and is probably not meant.
	Warning
	// Note is something that may be good to know.
	Note
)

// String returns the word that stands at the beginning of a printed diagnostic.
func (l Level) String() string {
	switch l {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Note:
		return "note"
	default:
		return fmt.Sprintf("Level(%d)", int(l))
	}
}

// Codes of the diagnostics that this package and the sources make. What the compiler finds has no code: its
// sentences are its own.
const (
	// CodeMissingImport: an import names a file that is nowhere (T2).
	CodeMissingImport = "DG1001"
	// CodeConflict: two files that differ claim one import name or one full name (T5).
	CodeConflict = "DG1002"
	// CodeCycle: files import each other in a circle.
	CodeCycle = "DG1003"
	// CodeInvalid: descriptors that break the rules of protobuf.
	CodeInvalid = "DG1004"
	// CodeTooBig: a load is beyond one of its bounds.
	CodeTooBig = "DG1005"
	// CodeUnreadable: a file or a folder cannot be read, or is not what its name says.
	CodeUnreadable = "DG1006"
	// CodeAmbiguousImport: an import could mean several files.
	CodeAmbiguousImport = "DG1007"
	// CodeNoReflection: the backend does not serve reflection.
	CodeNoReflection = "DG1008"
	// CodeUnreachable: the backend that should be asked does not answer.
	CodeUnreachable = "DG1009"
	// CodeEmpty: a source holds no file at all.
	CodeEmpty = "DG1010"
	// CodeUnserved: something loads but cannot be served.
	CodeUnserved = "DG1011"
)

// Position is a place in a file as people count: lines and columns begin with 1, columns count characters. The zero
// Line means that only the file is known.
type Position struct {
	// File is the path to show: where the file lies on disk when it comes from disk, else its import name.
	File string
	// Line is the line, or 0 when it is not known.
	Line int
	// Column is the character in the line, or 0 when it is not known.
	Column int
}

// String returns file:line:column, without what is not known.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// Span is a place that a diagnostic is about.
type Span struct {
	Position
	// EndColumn is the first column behind the place, in the same line. 0, or not beyond Column, marks one character.
	EndColumn int
	// Label is what to say beside the mark. It may be empty.
	Label string
	// Text is the source line, to be printed with a mark under it. When it is empty, Label stands beside the position.
	Text string
	// Primary marks the place of the mistake; others help to understand it. A diagnostic without a primary span takes
	// the first.
	Primary bool
}

// Diagnostic is one thing to tell the user: a sentence in the user's words, the places, what to do. It is a value;
// nobody changes its slices after it is made.
type Diagnostic struct {
	// Level says how much it matters.
	Level Level
	// Code is stable and can be looked up, such as DG1107. It may be empty.
	Code string
	// Message is one sentence without a capital and without a full stop.
	Message string
	// Spans are the places, in the order in which they are to be read.
	Spans []Span
	// Help says what to do, one line each.
	Help []string
	// Notes say what else is good to know, one line each.
	Notes []string
}

// Position returns where the mistake is: the position of the primary span, or of the first, or the zero position.
func (d Diagnostic) Position() Position {
	if span := d.primary(); span != nil {
		return span.Position
	}
	return Position{}
}

func (d Diagnostic) primary() *Span {
	for i := range d.Spans {
		if d.Spans[i].Primary {
			return &d.Spans[i]
		}
	}
	if len(d.Spans) > 0 {
		return &d.Spans[0]
	}
	return nil
}

// String returns the diagnostic in one line: position, level, code, message.
func (d Diagnostic) String() string {
	var b strings.Builder
	if position := d.Position(); position.File != "" {
		fmt.Fprintf(&b, "%s: ", position)
	}
	b.WriteString(d.title())
	return b.String()
}

// title is the first line of the long form.
func (d Diagnostic) title() string {
	if d.Code == "" {
		return d.Level.String() + ": " + d.Message
	}
	return fmt.Sprintf("%s[%s]: %s", d.Level, d.Code, d.Message)
}

// Sort puts diagnostics into the order in which they are shown: by file, line, column, then by sentence.
func Sort(diagnostics []Diagnostic) {
	slices.SortStableFunc(diagnostics, func(a, b Diagnostic) int {
		x, y := a.Position(), b.Position()
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column),
			cmp.Compare(a.Level, b.Level), cmp.Compare(a.Message, b.Message))
	})
}

// shownErrors is how many diagnostics the text of a [LoadError] names; the rest is counted.
const shownErrors = 5

// LoadError is the error of a load that was refused. It holds everything that was found, not only the first thing.
type LoadError struct {
	// Diagnostics holds at least one diagnostic of level [Error], in the order in which they are to be shown.
	Diagnostics []Diagnostic
}

// NewLoadError returns a load error with these diagnostics, sorted.
func NewLoadError(diagnostics ...Diagnostic) *LoadError {
	Sort(diagnostics)
	return &LoadError{Diagnostics: diagnostics}
}

// Error returns the first problems, one line each. Print [LoadError.All] with [Render] to see them with their source.
func (e *LoadError) Error() string {
	errors := make([]string, 0, shownErrors+1)
	var more int
	for _, d := range e.Diagnostics {
		switch {
		case d.Level != Error:
		case len(errors) < shownErrors:
			errors = append(errors, d.String())
		default:
			more++
		}
	}
	if more > 0 {
		errors = append(errors, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(errors, "\n")
}

// All returns all diagnostics. The caller must not change the slice.
func (e *LoadError) All() []Diagnostic { return e.Diagnostics }
