// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of a table where [Config] does not say otherwise.
const (
	DefaultMaxPathBytes    = 8192
	DefaultMaxPathSegments = 256
	DefaultMaxVisits       = 2048

	// HighestMaxPathBytes is the largest value that Config.MaxPathBytes may have.
	HighestMaxPathBytes = 65000
)

// Merge says what a config rule does to the annotation of the method that it selects.
type Merge uint8

const (
	// MergeReplace drops the annotation wholly, and earlier config rules too: the last one wins, as
	// google/api/http.proto and google/api/service.proto say.
	MergeReplace Merge = iota
	// MergeAdd keeps the annotation and all config rules that select the method, in this order, as grpc-gateway does.
	MergeAdd
)

// OnConflict says what happens when two rules claim the same HTTP method and path.
type OnConflict uint8

const (
	// ConflictReject makes a conflict an error: there is no table.
	ConflictReject OnConflict = iota
	// ConflictFirstWins keeps the rule of the method whose full name comes first, and of one method the
	// earlier rule. The other one is reported as a warning. The order of files and of registration plays no part.
	ConflictFirstWins
)

// TrailingSlash says what a slash at the end of a path means.
type TrailingSlash uint8

const (
	// TrailingSlashStrict makes `/v1/users/` another path than `/v1/users`; no template matches it.
	TrailingSlashStrict TrailingSlash = iota
	// TrailingSlashIgnore matches a path with one slash at its end as if the slash were not there.
	TrailingSlashIgnore
	// TrailingSlashRedirect answers such a path with [Redirect] where the path without the slash has a route.
	TrailingSlashRedirect
)

// Config says how rules are read and how paths are matched. The zero value is the strict profile.
type Config struct {
	// Rules are the HTTP rules of a service configuration (google.api.Http.rules) with their selectors.
	Rules []*annotations.HttpRule
	// FullyDecodeReservedExpansion is the field of the same name in google.api.Http: in the rules of Rules, variables of
	// several segments are decoded wholly.
	FullyDecodeReservedExpansion bool
	// Merge says what Rules do to annotations.
	Merge Merge
	// DefaultBinding says which services give methods without any rule the binding `POST /package.Service/Method` with
	// the whole body. Nil means none.
	DefaultBinding func(protoreflect.ServiceDescriptor) bool
	// Grammar is the grammar of templates.
	Grammar Grammar
	// WellKnownVariables permits path variables of the well-known message types that have a text form: Timestamp,
	// Duration, FieldMask and the wrappers. google/api/http.proto permits only scalars.
	WellKnownVariables bool
	// Unescape says how variables of several segments are decoded.
	Unescape Unescape

	// OnConflict says what happens when two rules claim the same HTTP method and path.
	OnConflict OnConflict
	// TrailingSlash says what a slash at the end of a path means.
	TrailingSlash TrailingSlash
	// RejectDotSegments answers paths with a segment `.` or `..`, raw or encoded, with [BadPath]. Otherwise they are data.
	RejectDotSegments bool
	// DisableDerivedHead turns off that HEAD is served by GET rules.
	DisableDerivedHead bool
	// MaxPathBytes limits the length of a path. Zero means [DefaultMaxPathBytes]; at most [HighestMaxPathBytes].
	MaxPathBytes int
	// MaxPathSegments limits the segments of a path. Zero means [DefaultMaxPathSegments].
	MaxPathSegments int
	// MaxVisits limits how many nodes of the route table the worst path can make one search visit; a visit takes about
	// 10 ns. A set of rules that exceeds it is refused. Zero means [DefaultMaxVisits]; real sets stay far under it.
	MaxVisits int
}

// withDefaults fills what is zero and says what is out of bounds.
func (c Config) withDefaults() (Config, []Problem) {
	var problems []Problem
	bounds := []struct {
		name      string
		value     *int
		otherwise int
		highest   int
	}{
		{"max_template_bytes", &c.Grammar.MaxBytes, DefaultMaxTemplateBytes, 1 << 16},
		{"max_template_segments", &c.Grammar.MaxSegments, DefaultMaxTemplateSegments, 1024},
		{"max_variables", &c.Grammar.MaxVariables, DefaultMaxVariables, 1024},
		{"max_path_bytes", &c.MaxPathBytes, DefaultMaxPathBytes, HighestMaxPathBytes},
		{"max_path_segments", &c.MaxPathSegments, DefaultMaxPathSegments, HighestMaxPathBytes},
		{"max_visits", &c.MaxVisits, DefaultMaxVisits, 1 << 20},
	}
	for _, b := range bounds {
		*b.value = orDefault(*b.value, b.otherwise)
		if *b.value < 1 || *b.value > b.highest {
			problems = append(problems, configProblem(fmt.Sprintf("%s is %d; it must be 1 to %d", b.name, *b.value, b.highest)))
		}
	}
	choices := []struct {
		name           string
		value, highest uint8
	}{
		{"merge", uint8(c.Merge), uint8(MergeAdd)},
		{"unescape", uint8(c.Unescape), uint8(UnescapeAll)},
		{"on_conflict", uint8(c.OnConflict), uint8(ConflictFirstWins)},
		{"trailing_slash", uint8(c.TrailingSlash), uint8(TrailingSlashRedirect)},
	}
	for _, choice := range choices {
		if choice.value > choice.highest {
			problems = append(problems, configProblem(fmt.Sprintf("%s is %d; it must be 0 to %d", choice.name, choice.value, choice.highest)))
		}
	}
	return c, problems
}

func configProblem(message string) Problem {
	return Problem{Code: CodeConfig, Place: Place{Origin: FromConfig, ConfigRule: -1}, Message: message}
}
