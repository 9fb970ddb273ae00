// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/internal/segments"
)

// Wildcards of a glob.
const (
	oneSegment  = "*"          // one segment
	anySegments = segments.Any // any number of segments, also none
)

// maxSegments is how many segments a glob may have.
const maxSegments = 64

// Glob names services by their full name, such as acme.users.v1.*: segments between dots, of which * stands for one and
// ** for any number, also none. It is immutable. The zero Glob matches nothing.
type Glob struct {
	segments []string
}

// AllServices returns the glob ** that matches every name.
func AllServices() Glob { return Glob{segments: []string{anySegments}} }

// ParseGlob reads a glob. The error says what is wrong with which segment.
func ParseGlob(s string) (Glob, error) {
	parts := strings.Split(s, ".")
	if len(parts) > maxSegments {
		return Glob{}, fmt.Errorf("has %d parts; it may have %d", len(parts), maxSegments)
	}
	for i, segment := range parts {
		switch {
		case segment == anySegments && i > 0 && parts[i-1] == anySegments:
			return Glob{}, fmt.Errorf("has ** behind **; one of them is enough")
		case segment == oneSegment, segment == anySegments, protoreflect.Name(segment).IsValid():
		case segment == "":
			return Glob{}, fmt.Errorf("has nothing between two dots, or before or behind one")
		case strings.Contains(segment, oneSegment):
			return Glob{}, fmt.Errorf("has %q between dots; * and ** stand for whole parts of a name", segment)
		case strings.Contains(segment, "/"):
			return Glob{}, fmt.Errorf("has %q between dots; it must be the name of a service, without a method", segment)
		default:
			return Glob{}, fmt.Errorf("has %q between dots; it must be a name, * or **", segment)
		}
	}
	return Glob{segments: parts}, nil
}

// String returns the glob as it is written.
func (g Glob) String() string { return strings.Join(g.segments, ".") }

// Match says whether the glob matches a full name.
func (g Glob) Match(name string) bool {
	if len(g.segments) == 0 {
		return false
	}
	return segments.Match(g.segments, strings.Split(name, "."), func(segment, part string) bool { return segment == oneSegment || segment == part })
}

// Begins says whether all names that the glob matches begin with this part, such as grpc.
func (g Glob) Begins(part string) bool { return len(g.segments) > 0 && g.segments[0] == part }

// any says whether the names that the glob matches may begin with any part.
func (g Glob) any() bool {
	return len(g.segments) > 0 && (g.segments[0] == oneSegment || g.segments[0] == anySegments)
}

// compare orders globs that match one name by how specific they are: negative when g is the more specific one.
// From the left, a name counts more than *, and * more than **; nothing counts more than ** and less than the others.
func (g Glob) compare(o Glob) int {
	for i := range max(len(g.segments), len(o.segments)) {
		if c := cmp.Compare(g.rank(i), o.rank(i)); c != 0 {
			return c
		}
	}
	return 0
}

func (g Glob) rank(i int) int {
	switch {
	case i >= len(g.segments):
		return 2
	case g.segments[i] == anySegments:
		return 3
	case g.segments[i] == oneSegment:
		return 1
	default:
		return 0
	}
}

// matchAny says whether one of the globs matches a name.
func matchAny(globs []Glob, name string) bool {
	return slices.ContainsFunc(globs, func(g Glob) bool { return g.Match(name) })
}
