// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// shownOverlaps is how many overlaps `check` lists unasked.
const shownOverlaps = 5

// overlapNotes tells of pairs of routes that both match some path (T17): first of those of which neither is a special case of the
// other, whose order is least what one expects.
func overlapNotes(table *httprule.Table, declared func(*httprule.Binding) schema.Position, all bool) []schema.Diagnostic {
	pairs, complete := table.Overlaps()
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(a, b httprule.Overlap) int {
		switch {
		case a.Crossing == b.Crossing:
			return 0
		case a.Crossing:
			return -1
		default:
			return 1
		}
	})
	shown := pairs
	if !all {
		shown = pairs[:min(shownOverlaps, len(pairs))]
	}
	var notes []schema.Diagnostic
	for i := range shown {
		notes = append(notes, overlapNote(&shown[i], declared))
	}
	rest, more := len(pairs)-len(shown), ""
	switch {
	case rest > 0 && complete:
		more = fmt.Sprintf("%s of routes overlap; --overlaps lists them", counted(rest, "more pair"))
	case rest > 0:
		more = fmt.Sprintf("at least %s of routes overlap; --overlaps lists so many", counted(rest, "more pair"))
	case !complete:
		more = fmt.Sprintf("more routes overlap; the search ended after %s", counted(len(pairs), "pair"))
	default:
		return notes
	}
	return append(notes, schema.Diagnostic{Level: schema.Note, Message: more})
}

func overlapNote(o *httprule.Overlap, declared func(*httprule.Binding) schema.Position) schema.Diagnostic {
	verb := o.First.HTTPMethod
	if verb == httprule.AnyMethod {
		verb = o.Second.HTTPMethod
	}
	d := schema.Diagnostic{Level: schema.Note, Message: fmt.Sprintf("of two routes that match %s %s, the first is preferred", verb, o.Example)}
	width := max(len(o.First.String()), len(o.Second.String()))
	for _, b := range []*httprule.Binding{o.First, o.Second} {
		d.Spans = append(d.Spans, schema.Span{Position: declared(b), Label: fmt.Sprintf("%-*s  %s", width, b, methodName(b))})
	}
	return d
}
