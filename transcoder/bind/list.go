// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"strconv"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// maxListsInPath is how many lists the path of one parameter may go through.
const maxListsInPath = 4

// elements holds what the query says of the elements of lists of messages until the query is over: the records of an element
// have to stand together, and the elements in the order of their indexes (T66). The zero value is ready.
type elements struct {
	lists  []list
	items  []item
	pieces []piece
	data   []byte // of the pieces
	steps  []step // of the lists' chains
}

// list is a list of messages of which the query sets elements.
type list struct {
	name     string // of the parameter that named it first
	node     int32
	from, to int // its chain in steps, from the message or the element around it
	length   int32
	inside   bool  // of an element
	next     int32 // list in the same element, or none
}

// item is an element of a list. Its parts are linked lists: there may be many items with few parts.
type item struct {
	first, last int32 // piece, or none
	lists       int32 // the first list in the element, or none
}

// piece is a record in an element.
type piece struct {
	from, to int   // in data
	next     int32 // piece of the same element, or none
}

func (e *elements) reset() {
	clear(e.lists)
	clear(e.steps)
	e.lists, e.items, e.pieces, e.data, e.steps = e.lists[:0], e.items[:0], e.pieces[:0], e.data[:0], e.steps[:0]
}

// element reads the index at the front of rest, "[0].name", of a list of messages. after is what follows the dot; "" says that
// such a path leads to no field.
func (p *Plan) element(s *state, name, rest string, f *codec.Field, before int) (index int32, after string, err error) {
	fd := f.Descriptor()
	digits, after, ok := strings.Cut(rest[1:], "].")
	if p.config.MaxListElements == 0 || !fd.IsList() || fd.Message() == nil || !ok || !isIndex(digits) {
		return none, "", nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n >= p.config.MaxListElements {
		return none, "", queryError(name, "%s %.64q: a list has at most %d elements in a query", s.what, name, p.config.MaxListElements)
	}
	if before >= maxListsInPath {
		return none, "", queryError(name, "%s %.64q goes through more than %d lists", s.what, name, maxListsInPath)
	}
	return int32(n), after, nil //nolint:gosec // it has a bound
}

// isIndex tells whether s is a number in its one spelling (T74).
func isIndex(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || (s != "" && s[0] != '0')
}

// addToElement notes s.record as a part of the element that the chain goes through last. The tree has the chain already.
func (s *state) addToElement(chain []step, name string) {
	at, around, from := int32(0), none, 0
	for i, st := range chain {
		at = s.tree.edges[edge{at, int32(number(st.field))}]
		if st.index == none {
			continue
		}
		s.noteElement(at, st.index, around, chain[from:i+1], name)
		at = s.tree.edges[edge{at, st.index}]
		around, from = s.tree.nodes[at].ref, i+1
	}
	e := &s.elements
	start := len(e.data)
	e.data = appendRecord(roomy(e.data, len(s.record)+len(chain)*maxOpen), chain[from:], s.record)
	next := int32(len(e.pieces)) //nolint:gosec // at most one for each parameter
	e.pieces = append(roomy(e.pieces, 1), piece{from: start, to: len(e.data), next: none})
	if it := &e.items[around]; it.first == none {
		it.first, it.last = next, next
	} else {
		e.pieces[it.last].next, it.last = next, next
	}
}

// noteElement makes the list and the element of a node if they are new. around is the item that the list lies in, or none; the chain
// leads from there to the list.
func (s *state) noteElement(at, index, around int32, chain []step, name string) {
	e := &s.elements
	if n := &s.tree.nodes[at]; n.ref == none {
		n.ref = int32(len(e.lists)) //nolint:gosec // at most a few for each parameter
		l := list{name: name, node: at, from: len(e.steps), inside: around != none, next: none}
		e.steps = append(roomy(e.steps, len(chain)), chain...)
		l.to = len(e.steps)
		if l.inside {
			l.next, e.items[around].lists = e.items[around].lists, n.ref
		}
		e.lists = append(roomy(e.lists, 1), l)
	}
	l := &e.lists[s.tree.nodes[at].ref]
	l.length = max(l.length, index+1)
	if n := &s.tree.nodes[s.tree.edges[edge{at, index}]]; n.ref == none {
		n.ref = int32(len(e.items)) //nolint:gosec // at most a few for each parameter
		e.items = append(roomy(e.items, 1), item{first: none, last: none, lists: none})
	}
}

// appendElements appends the lists of which the query has set elements.
func (s *state) appendElements(dst []byte) ([]byte, error) {
	var err error
	for i := range s.elements.lists {
		if l := &s.elements.lists[i]; !l.inside && err == nil {
			dst, err = s.appendList(dst, l, s.elements.steps[l.from:l.to])
		}
	}
	return dst, err
}

// appendList appends a list inside the messages that the chain leads through.
func (s *state) appendList(dst []byte, l *list, chain []step) (_ []byte, err error) {
	f := chain[0].field
	if len(chain) > 1 {
		inner, at := open(dst, f)
		inner, err = s.appendList(inner, l, chain[1:])
		return closed(inner, at, f), err
	}
	e := &s.elements
	for i := range l.length {
		element, ok := s.tree.edges[edge{l.node, i}]
		if !ok { // an element that nobody spoke of would be made present (T68)
			return dst, queryError(l.name, "%.64q: the elements of a list are numbered from 0 without a gap, and there is no number %d", l.name, i)
		}
		it := e.items[s.tree.nodes[element].ref]
		var start int
		dst, start = open(dst, f)
		for p := it.first; p != none; p = e.pieces[p].next {
			dst = append(dst, e.data[e.pieces[p].from:e.pieces[p].to]...)
		}
		for n := it.lists; n != none && err == nil; n = e.lists[n].next {
			inner := &e.lists[n]
			dst, err = s.appendList(dst, inner, e.steps[inner.from:inner.to])
		}
		if dst = closed(dst, start, f); err != nil {
			return dst, err
		}
	}
	return dst, nil
}
