// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package serviceconfig

import (
	"google.golang.org/genproto/googleapis/api/annotations"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// Rules are the HTTP rules of one load. They are immutable, and safe for concurrent use.
type Rules struct {
	list  []*Rule
	texts []string // of the files, to notice that nothing is new
}

// List returns the rules: file by file, and as they stand in each. It is empty on nil. The slice is not to be changed.
func (r *Rules) List() []*Rule {
	if r == nil {
		return nil
	}
	return r.list
}

// Rule is one entry of http.rules. It is immutable, and safe for concurrent use.
type Rule struct {
	// HTTP is the rule, with its selector and its additional bindings. It is not to be changed.
	HTTP *annotations.HttpRule
	// FullyDecodeReservedExpansion is what the http section of the rule's file says: that path variables of several
	// segments are decoded wholly.
	FullyDecodeReservedExpansion bool

	file   *text
	places map[key]place
}

// key names what stands in a rule: in the rule itself, which is binding 0, or in its n-th additional binding.
type key struct {
	binding int
	field   string
}

// place is where something stands. Both begin with 1; columns count characters.
type place struct{ line, column int }

// Locate returns where a field of the rule is written: the value where it is a single one. binding is 0 for the rule itself
// and n for its n-th additional binding, counted from 1. The field is named as in google.api.HttpRule, with "custom.kind" and "custom.path"
// for those inside; "" is the whole binding. What is not written has the place of what it would stand in.
func (r *Rule) Locate(binding int, field string) schema.Position {
	for _, k := range []key{{binding, field}, {binding, ""}, {0, ""}} {
		if at, ok := r.places[k]; ok {
			return schema.Position{File: r.file.name, Line: at.line, Column: at.column}
		}
	}
	return schema.Position{File: r.file.name}
}

// Line returns a line of the file that the rule stands in, without its end; "" where there is none. Lines begin with 1.
func (r *Rule) Line(number int) string { return r.file.line(number) }
