// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"strings"
)

// Outcome is the result of [Table.Match].
type Outcome uint8

const (
	// NotFound: no template matches the path (404).
	NotFound Outcome = iota
	// Found: Match.Binding answers the request.
	Found
	// MethodNotAllowed: templates match the path, none for this HTTP method (405 with Match.Allowed).
	MethodNotAllowed
	// OptionsOnly: an OPTIONS request for a path that has routes, none of them for OPTIONS (204 with Match.Allowed).
	OptionsOnly
	// Redirect: the path without the slash at its end has a route (308 to Match.RedirectPath).
	Redirect
	// BadPath: the path is malformed; Match.Fault says how (400).
	BadPath
	// PathTooLong: the path is over a limit; Match.Fault says which (414).
	PathTooLong
)

// Fault says what is wrong with a path.
type Fault uint8

// The faults of a path. Their texts are fit for clients: they do not repeat any of it.
const (
	FaultNone Fault = iota
	FaultNoSlash
	FaultByte
	FaultEscape
	FaultNul
	FaultDotSegment
	FaultLength
	FaultSegments
)

// String says the fault in words for the client.
func (f Fault) String() string {
	switch f {
	case FaultNoSlash:
		return "the path does not start with a slash"
	case FaultByte:
		return "the path has a byte that must be percent-encoded"
	case FaultEscape:
		return "the path has a percent sign without two hexadecimal digits after it"
	case FaultNul:
		return "the path has an encoded NUL"
	case FaultDotSegment:
		return "the path has a segment that is a single or double dot"
	case FaultLength:
		return "the path is too long"
	case FaultSegments:
		return "the path has too many segments"
	case FaultNone:
	}
	return ""
}

// inlineOffsets is how many segment offsets a Match holds without allocating.
const inlineOffsets = 33

// Match is filled by [Table.Match]. The zero value is ready; it may be used again and again, by one goroutine at a
// time. It keeps the path and the table until it is used again or Reset.
type Match struct {
	table   *Table
	binding *Binding
	path    string
	// n counts the segments of the path. The segment i is path[at(i) : at(i+1)-1]; a verb that was split off and
	// a slash at the end that is ignored are outside the last one.
	n       int
	inline  [inlineOffsets]uint16
	deep    []uint16 // offsets from inlineOffsets on
	escaped bool
	slashed bool // a slash at the end was taken off
	fault   Fault

	// What the search under way looks for.
	verb   verbID
	want   methodID
	second methodID // taken where a template does not have want; methodNever is none

	scratch [96]byte // for normalised segments
}

// Reset lets go of the path and the table.
func (m *Match) Reset() {
	m.table, m.binding, m.path, m.n, m.fault = nil, nil, "", 0, FaultNone
	m.escaped, m.slashed = false, false
}

// Binding is the binding that was found, nil unless the outcome was Found.
func (m *Match) Binding() *Binding { return m.binding }

// Fault says why the outcome was BadPath or PathTooLong.
func (m *Match) Fault() Fault { return m.fault }

// RedirectPath is the escaped path to redirect to after the outcome Redirect. It starts with exactly one slash and has
// no backslash, so no browser reads a host into it.
func (m *Match) RedirectPath() string {
	if !m.slashed {
		return m.path
	}
	return m.path[:len(m.path)-1]
}

// Match finds the binding for an HTTP method and an escaped path, without query (with net/http: URL.EscapedPath, never
// URL.Path). It does not allocate for paths of up to 32 segments. The method and path may be anything that a
// client can send.
func (t *Table) Match(m *Match, httpMethod, escapedPath string) Outcome {
	m.table, m.binding, m.path = t, nil, escapedPath
	if outcome := m.scan(); outcome != Found {
		return outcome
	}
	if !m.whole() {
		return NotFound
	}
	method := t.methodOf(httpMethod)
	if m.binding = m.search(method); m.binding != nil {
		if m.slashed && t.trailingSlash == TrailingSlashRedirect {
			m.binding = nil
			return Redirect
		}
		return Found
	}
	if !m.any() {
		return NotFound
	}
	if method == methodOptions {
		return OptionsOnly
	}
	return MethodNotAllowed
}

// scan checks the bytes of the path and notes where its segments start. It gives Found if nothing is wrong.
func (m *Match) scan() Outcome {
	t, path := m.table, m.path
	m.n, m.escaped, m.slashed, m.fault = 0, false, false, FaultNone
	if len(path) > t.maxBytes {
		m.fault = FaultLength
		return PathTooLong
	}
	if path == "" || path[0] != '/' {
		m.fault = FaultNoSlash
		return BadPath
	}
	m.inline[0] = 1
	if len(path) == 1 {
		return Found // no segments
	}
	n := 0
	for i := 1; i < len(path); i++ {
		class := pathClasses[path[i]]
		if class == pathData {
			continue
		}
		switch class {
		case pathSlash:
			n++
			if n >= t.maxSegments {
				m.fault = FaultSegments
				return PathTooLong
			}
			m.setNext(n, i+1)
		case pathPercent:
			b, ok := escapeAt(path, i)
			if !ok {
				m.fault = FaultEscape
				return BadPath
			}
			if b == 0 {
				m.fault = FaultNul
				return BadPath
			}
			m.escaped = true
			i += 2
		default:
			m.fault = FaultByte
			return BadPath
		}
	}
	m.n = n + 1
	m.setNext(m.n, len(path)+1)
	if t.rejectDots && m.hasDots() {
		m.fault = FaultDotSegment
		return BadPath
	}
	return Found
}

// whole reports whether no segment is empty. It takes a slash at the end off if the table says so.
func (m *Match) whole() bool {
	if m.n > 0 && m.table.trailingSlash != TrailingSlashStrict && m.segment(m.n-1) == "" {
		m.slashed = true
		m.n--
	}
	// No template matches an empty segment: neither a literal, nor `*`, nor `**`.
	for i := range m.n {
		if m.at(i+1)-m.at(i) == 1 {
			return false
		}
	}
	return true
}

func (m *Match) hasDots() bool {
	for i := range m.n {
		s := m.segment(i)
		if len(s) > len("%2E%2E") || s == "" {
			continue
		}
		switch string(appendNormal(m.scratch[:0], s)) {
		case ".", "..":
			return true
		}
	}
	return false
}

// at is the offset at which segment i starts, or one behind the end of the last one plus one.
func (m *Match) at(i int) int {
	if i < inlineOffsets {
		return int(m.inline[i])
	}
	return int(m.deep[i-inlineOffsets])
}

// setNext sets the offset of segment i, which is a known one or the next.
func (m *Match) setNext(i, offset int) {
	switch {
	case i < inlineOffsets:
		m.inline[i] = uint16(offset)
	case i-inlineOffsets < len(m.deep):
		m.deep[i-inlineOffsets] = uint16(offset)
	default:
		m.deep = append(m.deep, uint16(offset))
	}
}

// segment is the raw text of segment i.
func (m *Match) segment(i int) string { return m.path[m.at(i) : m.at(i+1)-1] }

// lastColons gives the offset from which on colons of the last segment are considered: the text behind the
// leftmost of them can be a verb of this table.
func (m *Match) lastColons() (from, to int) {
	if m.n == 0 || m.table.verbParts == 0 {
		return 0, 0
	}
	start, end := m.at(m.n-1), m.at(m.n)-1
	from = end
	for range m.table.verbParts {
		colon := strings.LastIndexByte(m.path[start:from], ':')
		if colon < 0 {
			break
		}
		from = start + colon
	}
	return from, end
}
