// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"cmp"
	"context"
	"errors"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/serviceconfig"
)

// Source is a source of schemas under the name that the configuration gives it, with the files of HTTP rules that stand below it.
type Source struct {
	schema.Source
	// Rules are the files with HTTP rules; nil for none.
	Rules *serviceconfig.Files
	// Watch loads it again when it changes.
	Watch bool

	name string
	// asks is true where Load asks somebody else, who may be away, instead of looking at the disk.
	asks bool
}

// Name returns the name in the configuration, or what the source calls itself.
func (s Source) Name() string { return cmp.Or(s.name, s.Source.Name()) }

// Loaded is what a source gave. Two are equal where nothing is new.
type Loaded struct {
	// Schema is never nil.
	Schema *schema.Schema
	// Rules are the HTTP rules of the source's files; nil where it has none.
	Rules *serviceconfig.Rules
}

// Load loads the source, when it is known to have changed, after before: the zero Loaded at first. Files of rules and protos are read
// together, whichever of them changed: they are saved together, too. Only who would have to be asked is not when it is just the
// rules that changed. The error is a *schema.LoadError where what is there is at fault, and then holds all of it.
func (s Source) Load(ctx context.Context, before Loaded, onlyRules bool) (Loaded, error) {
	var (
		loaded       = before
		errs         [2]error
		all          []schema.Diagnostic
		askedForNone = s.asks && onlyRules && before.Schema != nil
	)
	if !askedForNone {
		loaded.Schema, errs[0] = s.Source.Load(ctx)
	}
	if s.Rules != nil {
		loaded.Rules, errs[1] = s.Rules.Load()
	}
	for _, err := range errs {
		if e, ok := errors.AsType[*schema.LoadError](err); ok {
			all = append(all, e.Diagnostics...)
		} else if err != nil {
			return Loaded{}, err
		}
	}
	if len(all) > 0 {
		return Loaded{}, &schema.LoadError{Diagnostics: all}
	}
	return loaded, nil
}

// schemasOf returns the schemas of what was loaded.
func schemasOf(loads []Loaded) []*schema.Schema {
	schemas := make([]*schema.Schema, len(loads))
	for i, l := range loads {
		schemas[i] = l.Schema
	}
	return schemas
}
