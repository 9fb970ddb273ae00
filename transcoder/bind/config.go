// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package bind provides the request message of a REST call: path variables, query and body put together
// into one message, with the rules of who may set what.
package bind

import (
	"fmt"
	"slices"

	"github.com/dragoman-gateway/dragoman/transcoder/codec"
)

// Defaults of Config.
const (
	// DefaultMaxParameters is how many query parameters a request may have.
	DefaultMaxParameters = 200
	// DefaultMaxPathElements is how many names the field path of one parameter may have.
	DefaultMaxPathElements = 32
)

// UnknownQuery says what happens to a query parameter that names no field.
type UnknownQuery string

const (
	// RejectUnknown answers 400 and names the parameter (T57). It is the default.
	RejectUnknown UnknownQuery = "reject"
	// IgnoreUnknown drops the parameter.
	IgnoreUnknown UnknownQuery = "ignore"
)

// Config says how requests are bound. The zero value is the strict profile.
type Config struct {
	// UnknownQuery is what happens to a query parameter that names no field; "" means RejectUnknown.
	UnknownQuery UnknownQuery
	// IgnoredQuery are the names of query parameters that never reach binding, such as "key" or "$alt" (T58).
	IgnoredQuery []string
	// MaxParameters is how many query parameters a request may have; 0 means DefaultMaxParameters (T69).
	MaxParameters int
	// MaxPathElements is how many names the field path of one parameter may have; 0 means DefaultMaxPathElements (T69).
	MaxPathElements int
	// IgnoreUnboundBody accepts a body where the rule has none, and drops it (T71).
	IgnoreUnboundBody bool
	// PathWins drops what query and body say about fields that the path sets, and what the query says about fields of the
	// body, instead of refusing it (T49, T52, T53). It never lets a weaker source win.
	PathWins bool
	// LiteralPlus reads a "+" in the query as itself and not as a space (T60).
	LiteralPlus bool
	// LenientScalars accepts in path and query what Go's strconv and time packages accept beside the JSON forms: 1, t, TRUE
	// for a boolean, 1h for a duration, inf for a float (T78, T82, T84).
	LenientScalars bool
	// EmptyMask leaves the mask of a PATCH with an empty body unset, instead of refusing the request (T108).
	EmptyMask bool
	// HeaderFields are header fields that set fields of the request, by lower-case name: the value is a field path, in either of the
	// names of each field. They count as a source between path and query (T171).
	HeaderFields map[string]string
	// Decode says how JSON and text are read. Its Watch and Hits are not used.
	Decode codec.DecodeOptions
}

func (c Config) withDefaults() (Config, error) {
	switch c.UnknownQuery {
	case "":
		c.UnknownQuery = RejectUnknown
	case RejectUnknown, IgnoreUnknown:
	default:
		return c, fmt.Errorf("unknown_query is %q; it must be reject or ignore", c.UnknownQuery)
	}
	if c.MaxParameters < 0 || c.MaxPathElements < 0 {
		return c, fmt.Errorf("max_parameters is %d and max_path_elements %d; neither may be negative", c.MaxParameters, c.MaxPathElements)
	}
	if c.MaxParameters == 0 {
		c.MaxParameters = DefaultMaxParameters
	}
	if c.MaxPathElements == 0 {
		c.MaxPathElements = DefaultMaxPathElements
	}
	c.IgnoredQuery = slices.Clone(c.IgnoredQuery)
	return c, nil
}
