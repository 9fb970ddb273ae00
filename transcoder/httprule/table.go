// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Table finds the binding of a request. It is immutable and may be used by any number of goroutines at once.
type Table struct {
	root     *node
	seed     maphash.Seed // of the hash indices of nodes
	bindings []*Binding
	methods  map[string]methodID // methods that rules name and that have no fixed number
	names    []string            // by methodID
	verbs    map[string]verbID
	// verbParts is how many colons of a path's last segment may begin a verb, counted from the right.
	verbParts int
	// longest is the length of the longest literal or verb: no longer text needs looking up.
	longest int
	visits  int
	heads   bool // some rule is for HEAD

	trailingSlash TrailingSlash
	rejectDots    bool
	derivedHead   bool
	maxBytes      int
	maxSegments   int

	overlaps func() ([]Overlap, bool)
}

// Build makes the table of all rules of methods. The problems are complete: those of the rules and those between
// them. The table is nil if one of them is an error.
func Build(methods []protoreflect.MethodDescriptor, c Config) (*Table, []Problem) {
	bindings, problems := Bind(methods, c)
	if c, bad := c.withDefaults(); len(bad) == 0 {
		table, more := newTable(bindings, c)
		problems = append(problems, more...)
		if !HasErrors(problems) {
			return table, problems
		}
	}
	return nil, problems
}

// NewTable makes the table of bindings, which [Bind] made. Their order does not matter. The table is nil if
// one of the problems is an error.
func NewTable(bindings []*Binding, c Config) (*Table, []Problem) {
	c, problems := c.withDefaults()
	if len(problems) > 0 {
		return nil, problems
	}
	table, problems := newTable(bindings, c)
	if HasErrors(problems) {
		return nil, problems
	}
	return table, problems
}

func newTable(bindings []*Binding, c Config) (*Table, []Problem) {
	t := &Table{
		seed:          maphash.MakeSeed(),
		methods:       make(map[string]methodID),
		names:         []string{AnyMethod, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"},
		verbs:         make(map[string]verbID),
		trailingSlash: c.TrailingSlash,
		rejectDots:    c.RejectDotSegments,
		derivedHead:   !c.DisableDerivedHead,
		maxBytes:      c.MaxPathBytes,
		maxSegments:   c.MaxPathSegments,
	}
	root := &sprout{}
	bindings = slices.SortedStableFunc(slices.Values(bindings), compareBindings)
	var problems []Problem
	for _, b := range bindings {
		if holder := t.insert(root, b); holder != nil {
			problems = append(problems, conflict(holder, b, c.OnConflict))
			continue
		}
		t.bindings = append(t.bindings, b)
	}
	t.root = root.layOut(t.seed)
	t.visits = t.root.cost() * (1 + t.verbParts)
	if t.visits > c.MaxVisits {
		problems = append(problems, Problem{
			Code: CodeCost, Place: Place{ConfigRule: -1},
			Message: fmt.Sprintf("the worst path would take %d steps to match; the limit is %d", t.visits, c.MaxVisits),
			Help:    "have fewer rules that differ only in whether a segment is literal or a wildcard",
		})
	}
	t.overlaps = sync.OnceValues(t.findOverlaps)
	return t, problems
}

// compareBindings is the stable order of bindings: it depends on names alone.
func compareBindings(a, b *Binding) int {
	return cmp.Or(cmp.Compare(a.Method.FullName(), b.Method.FullName()), cmp.Compare(a.Index, b.Index))
}

// insert adds a binding, or gives the one that holds its place.
func (t *Table) insert(root *sprout, b *Binding) (holder *Binding) {
	id := t.internMethod(b.HTTPMethod)
	t.longest = max(t.longest, b.Template.longest())
	t.heads = t.heads || id == methodHead
	return root.grow(b.Template).insert(ending{verb: t.internVerb(b.Template.verb), method: id, binding: b})
}

func (t *Table) internVerb(verb string) verbID {
	if verb == "" {
		return noVerb
	}
	id, ok := t.verbs[verb]
	if !ok {
		id = verbID(len(t.verbs) + 1)
		t.verbs[verb] = id
		t.verbParts = max(t.verbParts, strings.Count(verb, ":")+1)
	}
	return id
}

func (t *Table) internMethod(method string) methodID {
	if method == AnyMethod {
		return methodAny
	}
	if id := standardMethod(method); id < firstCustomMethod {
		return id
	}
	id, ok := t.methods[method]
	if !ok {
		id = methodID(len(t.names))
		t.names = append(t.names, method)
		t.methods[method] = id
	}
	return id
}

func conflict(first, second *Binding, mode OnConflict) Problem {
	p := Problem{
		Code: CodeConflict, Place: second.Place, Label: second.claim(),
		Related: []Related{{Place: first.Place, Label: first.claim()}},
		Message: fmt.Sprintf("two methods claim %s %s", second.HTTPMethod, second.Template.Key()),
		Help:    fmt.Sprintf("change one path, or hide one: schemas.hide: [%q] or [%q]", hiding(first, second), hiding(second, first)),
	}
	if first.Method.Parent().FullName() == second.Method.Parent().FullName() {
		p.Help = "change one path" // what is hidden is whole services
	}
	if first.Method.FullName() == second.Method.FullName() {
		p.Message = fmt.Sprintf("%s claims %s %s twice", second.Method.FullName(), second.HTTPMethod, second.Template.Key())
		p.Help = "remove one of the rules"
	}
	if mode == ConflictFirstWins {
		p.Severity = SeverityWarning
		p.Note = string(first.Method.FullName()) + " keeps the route until this is solved"
	}
	return p
}

// hiding is the pattern of schemas.hide that hides the method of b and not that of the other: of its package, or else of its service alone.
func hiding(b, other *Binding) string {
	service := b.Method.Parent().FullName()
	pkg := service.Parent()
	if other := other.Method.Parent().FullName(); pkg == "" || strings.HasPrefix(string(other), string(pkg)+".") {
		return string(service)
	}
	return string(pkg) + ".**"
}

// claim is "UserService/GetUser GET /v1/users/{id}", with the path as it is written.
func (b *Binding) claim() string {
	return fmt.Sprintf("%s/%s %s %s", b.Method.Parent().Name(), b.Method.Name(), b.HTTPMethod, b.Template.source)
}

// Bindings are the bindings that the table serves, sorted by method and index; the caller must not change them.
func (t *Table) Bindings() []*Binding { return t.bindings }

// Visits is a bound on how many nodes of the table one search of any path visits, with all the verbs that it may be
// read with. A request takes one search, and two more at most for HEAD and to tell 405 from 404.
func (t *Table) Visits() int { return t.visits }
