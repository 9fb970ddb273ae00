// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"slices"

	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// doubt is what makes a diagnostic another one.
type doubt struct {
	code, message string
	position      schema.Position
}

func doubtOf(d *schema.Diagnostic) doubt {
	return doubt{code: d.Code, message: d.Message, position: d.Position()}
}

// concerning are the doubts that who gives something to a source wants to hear of: those in its files, and those that come with it. The others
// are of what was there before, and were told then.
func concerning(doubts, before []schema.Diagnostic, given assemble.Loaded) []schema.Diagnostic {
	known := make(map[doubt]bool, len(before))
	for i := range before {
		known[doubtOf(&before[i])] = true
	}
	files := map[string]bool{}
	if given.Schema != nil {
		for _, f := range given.Schema.Files() {
			files[given.Schema.Locate(f).File] = true
		}
	}
	var all []schema.Diagnostic
	for i := range doubts {
		own := slices.ContainsFunc(doubts[i].Spans, func(s schema.Span) bool { return files[s.File] })
		if own || !known[doubtOf(&doubts[i])] {
			all = append(all, doubts[i])
		}
	}
	return all
}
