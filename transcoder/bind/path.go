// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bind

import (
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// target is what the name of a parameter means.
type target struct {
	chain   []step // valid until the next parameter; nil if the name is that of no field
	entry   bool   // of the map that the chain leads to
	key     string // of the entry
	element bool   // the chain goes through an element of a list
}

// find resolves a dotted field path, each element in either of its names (T50, T59), with the key of a map at its end (T65) or
// the index of an element where a list of messages is on the way (T66).
func (p *Plan) find(s *state, name string) (target, error) {
	s.chain = s.chain[:0]
	at, rest := p.message, name
	for elements, indexes := 1, 0; ; elements++ {
		if elements > p.config.MaxPathElements {
			return target{}, queryError(name, "%s %.64q has more than %d names", s.what, name, p.config.MaxPathElements)
		}
		end := nameEnd(rest)
		f := at.FieldByName(rest[:end])
		if f == nil {
			return target{}, nil
		}
		rest = rest[end:]
		fd := f.Descriptor()
		s.chain = append(s.chain, step{field: f, index: none})
		switch {
		case rest == "":
			return target{chain: s.chain, element: indexes > 0}, nil
		case rest[0] == '.':
			if fd.IsList() {
				return target{}, nil
			}
			rest = rest[1:]
		case fd.IsMap():
			key, ok := strings.CutSuffix(rest[1:], "]") // whatever is in it
			if !ok {
				return target{}, nil
			}
			return target{chain: s.chain, key: key, entry: true, element: indexes > 0}, nil
		default:
			index, after, err := p.element(s, name, rest, f, indexes)
			if err != nil || after == "" {
				return target{}, err
			}
			s.chain[len(s.chain)-1].index, rest, indexes = index, after, indexes+1
		}
		if fd.Message() == nil || fd.IsMap() {
			return target{}, nil
		}
		if at = p.codec.Message(fd.Message()); at.Custom() && !p.opens(at) {
			return target{}, nil // its value is one text, whose rules a path into it would get round (T83 to T85, T101)
		}
	}
}

// nameEnd is the length of the name that a path begins with.
func nameEnd(path string) int {
	for i := range len(path) {
		if path[i] == '.' || path[i] == '[' {
			return i
		}
	}
	return len(path)
}

// overlap tells whether one chain is the other or its beginning.
func overlap(a, b []step) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if number(a[i].field) != number(b[i].field) {
			return false
		}
	}
	return true
}

// plain are the steps of a path that goes through no list.
func plain(fields []*codec.Field) []step {
	chain := make([]step, len(fields))
	for i, f := range fields {
		chain[i] = step{field: f, index: none}
	}
	return chain
}
