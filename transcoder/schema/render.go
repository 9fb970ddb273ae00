// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// RenderOptions say how diagnostics are printed. The zero value is plain text.
type RenderOptions struct {
	// Color adds the escape sequences of a terminal.
	Color bool
}

// maxCells is how much of a source line is shown, in cells. Longer lines are cut around their first mark.
const maxCells = 160

// Render prints diagnostics for people: the sentence, each place with its source line and marks under it, then help
// and notes; an empty line stands between two diagnostics. Control characters, which a file could use to confuse a
// terminal, are replaced. The error is the writer's.
func Render(w io.Writer, diagnostics []Diagnostic, options RenderOptions) error {
	r := renderer{colors: options.Color}
	for i, d := range diagnostics {
		if i > 0 {
			r.out.WriteByte('\n')
		}
		r.diagnostic(d)
	}
	_, err := io.WriteString(w, r.out.String())
	return err
}

type renderer struct {
	out    strings.Builder
	colors bool
	margin int    // width of the line numbers of this diagnostic
	level  string // color of this diagnostic's level
}

const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
	blue   = "\x1b[1;34m"
	reset  = "\x1b[0m"
)

func (r *renderer) diagnostic(d Diagnostic) {
	r.level = [...]string{Error: red, Warning: yellow, Note: cyan}[min(max(d.Level, Error), Note)]
	r.margin = 2
	for _, span := range d.Spans {
		r.margin = max(r.margin, len(strconv.Itoa(span.Line)))
	}
	title, message, _ := strings.Cut(clean(d.title()), ": ")
	r.out.WriteString(r.paint(r.level, title+":") + " " + message + "\n")
	for i, window := range windows(d.Spans) {
		if window[0].Text == "" {
			r.places(window)
			continue
		}
		r.window(window, i == 0)
	}
	for _, help := range d.Help {
		r.footer("help", help)
	}
	for _, note := range d.Notes {
		r.footer("note", note)
	}
}

// windows cuts spans where a new position has to be printed: where the file changes, and where there is no text.
func windows(spans []Span) [][]Span {
	var all [][]Span
	for i, span := range spans {
		if i == 0 || (spans[i-1].Text == "") != (span.Text == "") || span.Text != "" && spans[i-1].File != span.File {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], span)
	}
	return all
}

// places prints positions without source, the labels beside them in one column.
func (r *renderer) places(spans []Span) {
	var width int
	for _, span := range spans {
		width = max(width, len(clean(span.String())))
	}
	for _, span := range spans {
		place := clean(span.String())
		if span.Label != "" {
			place += strings.Repeat(" ", width-len(place)+4) + clean(span.Label)
		}
		r.out.WriteString(r.space(0) + r.paint(blue, "-->") + " " + place + "\n")
	}
}

// window prints lines of one file with marks under them.
func (r *renderer) window(spans []Span, first bool) {
	at := max(0, slices.IndexFunc(spans, func(s Span) bool { return s.Primary }))
	arrow := ":::"
	if first {
		arrow = "-->"
	}
	r.out.WriteString(r.space(0) + r.paint(blue, arrow) + " " + clean(spans[at].String()) + "\n")
	r.gutter("", "")
	lines := make(map[int][]Span)
	for _, span := range spans {
		lines[span.Line] = append(lines[span.Line], span)
	}
	var previous int
	for _, n := range sortedKeys(lines) {
		if previous != 0 && n > previous+1 {
			r.out.WriteString(r.paint(blue, strings.Repeat(".", r.margin+1)) + "\n")
		}
		r.line(n, lines[n])
		previous = n
	}
}

func sortedKeys(lines map[int][]Span) []int {
	keys := make([]int, 0, len(lines))
	for n := range lines {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	return keys
}

// mark is a span in the cells of a printed line.
type mark struct {
	start, end int
	label      string
	primary    bool
}

func (m mark) sign() byte {
	if m.primary {
		return '^'
	}
	return '-'
}

// line prints a source line and, under it, the marks of its spans and their labels.
func (r *renderer) line(number int, spans []Span) {
	text, marks := layout(spans)
	r.gutter(strconv.Itoa(number), text)
	var width int
	for _, m := range marks {
		width = max(width, m.end)
	}
	// Primary marks are drawn last, over what they share with others.
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.sign(), b.sign()) })
	cells := []byte(strings.Repeat(" ", width))
	for _, m := range marks {
		copy(cells[m.start:m.end], bytes.Repeat([]byte{m.sign()}, m.end-m.start))
	}
	// The label of the rightmost mark stands beside it, those of the others below, from right to left.
	labelled := slices.DeleteFunc(slices.Clone(marks), func(m mark) bool { return m.label == "" })
	slices.SortStableFunc(labelled, func(a, b mark) int { return cmp.Compare(b.start, a.start) })
	under := r.paintMarks(string(cells))
	if len(labelled) > 0 && labelled[0].end == width {
		under += " " + r.paintLabel(labelled[0])
		labelled = labelled[1:]
	}
	r.gutter("", under)
	for i := range labelled {
		if i == 0 {
			r.gutter("", bars(labelled))
		}
		left := labelled[i+1:]
		indent := strings.Repeat(" ", max(0, labelled[i].start-barsWidth(left)))
		r.gutter("", bars(left)+indent+r.paintLabel(labelled[i]))
	}
}

// bars draws the lines that lead down to labels. The marks are sorted from right to left.
func bars(marks []mark) string {
	cells := []rune(strings.Repeat(" ", barsWidth(marks)))
	for _, m := range marks {
		cells[m.start] = '|'
	}
	return string(cells)
}

func barsWidth(marks []mark) int {
	if len(marks) == 0 {
		return 0
	}
	return marks[0].start + 1
}

// layout turns the columns of spans into cells: tabs are expanded, and a line that is too long is cut.
func layout(spans []Span) (string, []mark) {
	var cells []rune
	var starts []int // cell of each character
	for _, c := range clean(spans[0].Text) {
		starts = append(starts, len(cells))
		if c != '\t' {
			cells = append(cells, c)
			continue
		}
		cells = append(cells, []rune(strings.Repeat(" ", tabWidth-len(cells)%tabWidth))...)
	}
	cell := func(column int) int {
		switch {
		case column <= 1:
			return 0
		case column-1 < len(starts):
			return starts[column-1]
		default: // behind the end of the line, for what is missing there
			return len(cells)
		}
	}
	marks := make([]mark, 0, len(spans))
	first := len(cells)
	for _, span := range spans {
		m := mark{start: cell(span.Column), end: cell(span.EndColumn), label: clean(span.Label), primary: span.Primary}
		m.end = max(m.end, m.start+1)
		first = min(first, m.start)
		marks = append(marks, m)
	}
	if len(cells) <= maxCells {
		return strings.TrimRight(string(cells), " "), marks
	}
	cut := max(0, first-maxCells/4)
	end := min(len(cells), cut+maxCells)
	for i := range marks {
		marks[i].start = min(max(marks[i].start, cut), end-1) - cut
		marks[i].end = max(min(marks[i].end, end)-cut, marks[i].start+1)
	}
	return strings.TrimRight(string(cells[cut:end]), " "), marks
}

// gutter prints a line with its number, or without.
func (r *renderer) gutter(number, text string) {
	line := r.paint(blue, fmt.Sprintf("%*s |", r.margin, number))
	if text = strings.TrimRight(text, " "); text != "" {
		line += " " + text
	}
	r.out.WriteString(line + "\n")
}

func (r *renderer) footer(kind, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	r.out.WriteString(r.space(1) + r.paint(blue, "=") + " " + r.paint(cyan, kind+":") + " " + clean(lines[0]) + "\n")
	for _, line := range lines[1:] {
		r.out.WriteString(r.space(1) + strings.Repeat(" ", len(kind)+4) + clean(line) + "\n")
	}
}

func (r *renderer) space(more int) string { return strings.Repeat(" ", r.margin+more) }

func (r *renderer) paint(color, text string) string {
	if !r.colors {
		return text
	}
	return color + text + reset
}

func (r *renderer) paintLabel(m mark) string {
	if m.primary {
		return r.paint(r.level, m.label)
	}
	return r.paint(blue, m.label)
}

// paintMarks paints runs of marks, each in the color of its kind.
func (r *renderer) paintMarks(cells string) string {
	if !r.colors {
		return cells
	}
	var out strings.Builder
	for cells != "" {
		n := 1
		for n < len(cells) && cells[n] == cells[0] {
			n++
		}
		switch cells[0] {
		case '^':
			out.WriteString(r.paint(r.level, cells[:n]))
		case '-':
			out.WriteString(r.paint(blue, cells[:n]))
		default:
			out.WriteString(cells[:n])
		}
		cells = cells[n:]
	}
	return out.String()
}

// clean replaces what would do something to a terminal.
func clean(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || !unicode.IsControl(c) && !unicode.Is(unicode.Bidi_Control, c) {
			return c
		}
		return unicode.ReplacementChar
	}, text)
}
