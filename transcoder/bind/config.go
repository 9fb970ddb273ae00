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

// The largest values that fields of Config may have.
const (
	HighestMaxParameters   = 10_000
	HighestMaxPathElements = 100 // messages nest no deeper in most runtimes
	HighestMaxListElements = 1000
)

// UnknownQuery says what happens to a query parameter that names no field.
type UnknownQuery string

const (
	// RejectUnknown answers 400 and names the parameter (T57). It is the default.
	RejectUnknown UnknownQuery = "reject"
	// IgnoreUnknown drops the parameter.
	IgnoreUnknown UnknownQuery = "ignore"
	// CaptureUnknown puts the parameter into the field that Config.CaptureField names, under the name that the client gave.
	CaptureUnknown UnknownQuery = "capture"
)

// Config says how requests are bound. The zero value is the strict profile.
type Config struct {
	// UnknownQuery is what happens to a query parameter that names no field; "" means RejectUnknown.
	UnknownQuery UnknownQuery
	// CaptureField is the field of requests that takes unknown parameters under CaptureUnknown, by either of its names: a map<string,
	// string>, or a google.protobuf.Struct in which they are strings. A name may come once. A request without the field,
	// or whose path or body sets it, rejects them; one in which it is of another type has no Plan.
	CaptureField string
	// IgnoredQuery are the names of query parameters that never reach binding, such as "key" or "$alt" (T58). With RejectUnknown
	// it is the list of what else is allowed.
	IgnoredQuery []string
	// MaxParameters is how many query parameters a request may have; 0 means DefaultMaxParameters (T69).
	MaxParameters int
	// MaxPathElements is how many names the field path of one parameter may have; 0 means DefaultMaxPathElements (T69).
	MaxPathElements int
	// MaxListElements is how many elements of a list of messages the query may set, by names such as items[0].name (T66). 0
	// refuses such names.
	MaxListElements int
	// JSONParameters accepts JSON as the text of a parameter whose field is a google.protobuf.Struct, Value or ListValue (T67).
	JSONParameters bool
	// MaskField is the field mask, by either of its names, that a PATCH fills in and that is about the body, in requests that have
	// several (T106). Others are not touched.
	MaskField string
	// AnyMaskPath accepts field masks with paths that the resource does not have. Otherwise the mask of a request whose body is
	// the resource is held to its fields (T85).
	AnyMaskPath bool
	// IgnoreUnboundBody accepts a body where the rule has none, and drops it (T71).
	IgnoreUnboundBody bool
	// PathWins drops what query and body say about fields that the path sets, and what the query says about fields of the
	// body, instead of refusing it (T49, T52, T53). It never lets a weaker source win.
	PathWins bool
	// LiteralPlus reads a "+" in the query as itself and not as a space (T60).
	LiteralPlus bool
	// LenientScalars accepts in path and query what Go's strconv and time packages accept beside the JSON forms: 1, t, TRUE
	// for a boolean, 1h for a duration, inf for a float, +7 and 007 for an integer (T74, T78, T82, T84).
	LenientScalars bool
	// NamedEnumNumbers refuses numbers of enums in path and query that no value of the enum has (T79).
	NamedEnumNumbers bool
	// WellKnownPaths accepts names in the query that lead into a timestamp, a duration or a wrapper, whose value is else one
	// text (T83, T84, T86).
	WellKnownPaths bool
	// LiteralMasks takes the paths of a field mask in the query as they are given: camel case is not put into the names of
	// the .proto file, and what is no path, such as *, is passed on (T85).
	LiteralMasks bool
	// JSONHTTPBody reads a body that is a google.api.HttpBody as the JSON of that message, unless the client streams (T123).
	JSONHTTPBody bool
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
	case RejectUnknown, IgnoreUnknown, CaptureUnknown:
	default:
		return c, fmt.Errorf("unknown_query is %q; it must be reject, ignore or capture", c.UnknownQuery)
	}
	if (c.UnknownQuery == CaptureUnknown) != (c.CaptureField != "") {
		return c, fmt.Errorf("unknown_query is %q and capture_field %q; capture needs a field, and nothing else has one", c.UnknownQuery, c.CaptureField)
	}
	for _, b := range []struct {
		name               string
		value              *int
		otherwise, highest int
	}{
		{"max_parameters", &c.MaxParameters, DefaultMaxParameters, HighestMaxParameters},
		{"max_path_elements", &c.MaxPathElements, DefaultMaxPathElements, HighestMaxPathElements},
		{"max_list_elements", &c.MaxListElements, 0, HighestMaxListElements},
	} {
		if *b.value < 0 || *b.value > b.highest {
			return c, fmt.Errorf("%s is %d; it must be 0 to %d", b.name, *b.value, b.highest)
		}
		if *b.value == 0 {
			*b.value = b.otherwise
		}
	}
	c.IgnoredQuery = slices.Clone(c.IgnoredQuery)
	return c, nil
}
