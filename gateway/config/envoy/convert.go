// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

// Kind says what a note asks for.
type Kind int

const (
	// Done asks for nothing: it says what is different here, or needs no setting.
	Done Kind = iota
	// Left is for what has to be done by hand, if it is wanted.
	Left
	// Guard is for what refuses calls in Envoy and does not here, until somebody has done it by hand.
	Guard
)

// String is the word that stands before a note.
func (k Kind) String() string {
	switch k {
	case Done:
		return "note"
	case Left:
		return "left"
	default:
		return "left open"
	}
}

// Note is what there is to say of one place in the file of Envoy.
type Note struct {
	config.Problem

	Kind Kind
}

// String is the note in a line. Of the path only the end is said, below the last message that says its type: the rest is long, and
// the line tells.
func (n Note) String() string {
	p := n.Problem
	if i := strings.LastIndex(p.Path, ".typed_config."); i >= 0 {
		p.Path = "…" + p.Path[i+len(".typed_config"):]
	}
	return p.String()
}

// Result is what a configuration of Envoy became.
type Result struct {
	// YAML is the configuration, which loads.
	YAML string
	// Notes are in the order of the files.
	Notes []Note
}

// Count returns how many notes are of a kind.
func (r *Result) Count(kind Kind) int {
	n := 0
	for i := range r.Notes {
		if r.Notes[i].Kind == kind {
			n++
		}
	}
	return n
}

// File is a file of Envoy: a bootstrap, a listener, a cluster or a route configuration, or a list of these resources.
type File struct {
	Name string
	Data []byte
}

// Convert makes a configuration of one or several files of Envoy that belong together. The error is a *config.Problems where the files
// are wrong, or hold nothing that could be served.
func Convert(files ...File) (*Result, error) {
	c := &conversion{
		out: newSettings(), backends: map[string]string{}, taken: map[string]bool{}, hashKeys: map[string]*hashing{},
		clusters: map[string]found[*clusterv3.Cluster]{}, tables: map[string]found[*routev3.RouteConfiguration]{}, told: map[string]bool{}, used: map[string]bool{},
	}
	var wrong []config.Problem
	for _, f := range files {
		s := read(f.Name, f.Data)
		wrong = append(wrong, s.wrong...)
		c.sources = append(c.sources, s)
	}
	if len(wrong) > 0 {
		return nil, &config.Problems{List: wrong}
	}
	c.convert()
	return c.result()
}

// conversion is one conversion under way.
type conversion struct {
	sources  []*source
	out      *settings
	clusters map[string]found[*clusterv3.Cluster]
	tables   map[string]found[*routev3.RouteConfiguration]
	backends map[string]string // names of ours by names of clusters
	taken    map[string]bool   // names of ours
	hashKeys map[string]*hashing
	told     map[string]bool // what is said once
	used     map[string]bool // names of ours that calls go to

	listeners    []*settings
	sets         []*settings // sources of schemas
	exposed      []string
	hidden       []string
	demands      []demand // by which calls are asked who they are, the first that matches
	always       []string // providers that all calls need
	rules        []*rule
	defaults     *settings
	limits       []*settings
	providers    *settings
	managers     int // connection managers so far
	accessOutput string
	unescape     string
	transcode    int // filters that transcode so far
}

func (c *conversion) convert() {
	c.defaults, c.providers = newSettings(), newSettings()
	for _, s := range c.sources {
		for _, t := range s.routes {
			c.tables[t.message.GetName()] = t
		}
		for _, k := range s.clusters {
			if _, twice := c.clusters[k.message.GetName()]; twice {
				s.note(s.where(k.path), k.path, Left, "a cluster of this name is there already, which counts")
				continue
			}
			c.clusters[k.message.GetName()] = k
			c.backends[k.message.GetName()] = c.named(s, k.path, k.message.GetName())
		}
	}
	for _, s := range c.sources {
		for _, l := range s.listeners {
			c.listener(l)
		}
		if s.bootstrap != nil {
			c.bootstrap(s)
		}
	}
	c.assemble()
}

// assemble puts the parts together, in the order in which people read them.
func (c *conversion) assemble() {
	services := c.services()
	admin := c.out.in("admin")
	c.out = newSettings()
	c.out.set("version", "v1")
	c.out.set("listeners", c.listeners)
	schemas := newSettings()
	schemas.set("sources", c.sets)
	schemas.set("expose", c.exposed)
	schemas.set("hide", c.hidden)
	c.out.set("schemas", schemas)
	backends := newSettings()
	for _, s := range c.sources {
		for _, k := range s.clusters {
			switch {
			case c.clusters[k.message.GetName()].message != k.message: // there is a note
			case placement(k.message) != "" && !c.used[c.backends[k.message.GetName()]]:
				c.note(s, k.path, Done, "the cluster %q is left out, for no call goes there", k.message.GetName())
			default:
				c.cluster(k, backends)
			}
		}
	}
	if len(c.sets) == 0 {
		c.withoutSchema(backends, services)
	}
	c.out.set("backends", backends)
	c.out.set("defaults", c.defaults)
	if c.transcode > 0 {
		routes := c.out.in("routes")
		routes.set("trailing_slash", "ignore")
		routes.set("unescape", c.unescape)
	}
	c.out.set("services", services)
	if !c.providers.empty() {
		c.out.in("auth").set("providers", c.providers)
	}
	if len(c.limits) > 0 {
		c.out.in("rate_limits").set("rules", c.limits)
	}
	if c.accessOutput != "" {
		c.out.in("observability").in("access_log").set("output", c.accessOutput)
	}
	c.out.set("admin", admin)
}

// withoutSchema makes a configuration of one that has no descriptors, because Envoy passed the calls on unread.
func (c *conversion) withoutSchema(backends *settings, services []*settings) {
	if len(backends.node.Content) == 0 {
		return
	}
	name := backends.node.Content[0].Value
	source := newSettings()
	source.in("reflection").set("backend", name)
	schemas := c.out.in("schemas")
	schemas.set("sources", []*settings{source})
	for _, s := range services {
		s.set("passthrough", true)
	}
	c.once(c.sources[0], place{1, 1}, "", Left, "Envoy passed calls on without a schema; the backend %q is asked for one by reflection now, and what it does not describe is passed on unread; "+
		"where it serves no reflection, put protos or a descriptor_set in its place", name)
}

// result renders the configuration and holds it to what our own loader says.
func (c *conversion) result() (*Result, error) {
	r := &Result{}
	for _, s := range c.sources {
		slices.SortStableFunc(s.notes, func(a, b Note) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
		r.Notes = append(r.Notes, s.notes...)
	}
	if !c.out.has("backends") || !c.out.has("services") {
		list := []config.Problem{{File: c.sources[0].name, Message: "nothing here can be served: there is no route to a cluster whose endpoints are known"}}
		for i := range r.Notes {
			if r.Notes[i].Kind != Done {
				p := r.Notes[i].Problem
				p.Warning = r.Notes[i].Kind != Guard
				list = append(list, p)
			}
		}
		return nil, &config.Problems{List: list}
	}
	var b strings.Builder
	b.WriteString("# Converted from a configuration of Envoy by dragoman config from-envoy.\n")
	for i := range r.Notes {
		if n := &r.Notes[i]; n.Kind != Done {
			fmt.Fprintf(&b, "# %s: %s\n", n.Kind, comment(n.String()))
		}
	}
	b.WriteString(c.out.String())
	r.YAML = b.String()
	if _, err := config.Parse("dragoman.yaml", []byte(r.YAML), config.Options{}); err != nil {
		var p *config.Problems
		if !errors.As(err, &p) {
			return nil, err
		}
		for i := range p.List {
			p.List[i].Hint = cmp.Or(p.List[i].Hint, "the file of Envoy has a value here that has no equal")
		}
		return nil, &config.Problems{List: p.List}
	}
	return r, nil
}

// comment is a text that stays within its line.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return ' '
		}
		return r
	}, s)
}

// note says something of a place.
func (s *source) note(p place, path string, kind Kind, format string, args ...any) {
	n := Note{Problem: s.at(p, path, "", format, args...), Kind: kind}
	if !slices.Contains(s.notes, n) {
		s.notes = append(s.notes, n)
	}
}

// note says something of a path.
func (c *conversion) note(s *source, path string, kind Kind, format string, args ...any) {
	s.note(s.where(path), path, kind, format, args...)
}

// once is note for what is true of the file as a whole, and is said where it is first met.
func (c *conversion) once(s *source, p place, path string, kind Kind, format string, args ...any) {
	if !c.told[format] {
		c.told[format] = true
		s.note(p, path, kind, format, args...)
	}
}

// rest writes a note for every field that is set and that is not among those which were taken into account. So nothing is dropped
// because nobody has thought of it.
func (c *conversion) rest(s *source, m proto.Message, path string, handled ...protoreflect.Name) {
	r := m.ProtoReflect()
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !r.Has(f) || slices.Contains(handled, f.Name()) {
			continue
		}
		kind, remedy := remedyOf(f.FullName())
		c.note(s, join(path, string(f.Name())), kind, "%s", remedy)
	}
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// named gives a cluster a name that ours can have.
func (c *conversion) named(s *source, path, name string) string {
	const longest = 120
	own := strings.TrimLeft(unfit.ReplaceAllString(name, "-"), "-_.")
	if len(own) > longest {
		own = own[:longest]
	}
	own = cmp.Or(own, "backend")
	for base, i := own, 2; c.taken[own]; i++ {
		own = fmt.Sprintf("%s-%d", base, i)
	}
	c.taken[own] = true
	if own != name {
		c.note(s, join(path, "name"), Done, "the backend is called %s, for names have letters, digits, _, - and .", own)
	}
	return own
}

// within returns a duration that a setting can have, with a note where it had to be another one.
func (c *conversion) within(s *source, path string, d, least, most time.Duration) time.Duration {
	fit := min(max(d, least), most)
	if fit != d {
		c.note(s, path, Done, "is %s here, for the setting takes %s to %s", durationText(fit), durationText(least), durationText(most))
	}
	return fit
}

// number is within for numbers.
func (c *conversion) number(s *source, path string, n, least, most uint32) uint32 {
	fit := min(max(n, least), most)
	if fit != n {
		c.note(s, path, Done, "is %d here, for the setting takes %d to %d", fit, least, most)
	}
	return fit
}

// size is within for sizes.
func (c *conversion) size(s *source, path string, n, least, most uint64) string {
	fit := min(max(n, least), most)
	if fit != n {
		c.note(s, path, Done, "is %s here, for the setting takes %s to %s", sizeText(fit), sizeText(least), sizeText(most))
	}
	return sizeText(fit)
}

// unique returns a list without what is there twice.
func unique(list []string) []string {
	var own []string
	for _, s := range list {
		if !slices.Contains(own, s) {
			own = append(own, s)
		}
	}
	return own
}

// sorted returns the keys of a map in their order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
