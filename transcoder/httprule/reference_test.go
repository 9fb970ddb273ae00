// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// reference finds bindings the slow and obvious way: it tries every template with every reading of the path and
// sorts what matches by the rules of order.
type reference struct {
	bindings []*httprule.Binding
	config   httprule.Config
}

// reading is one way to read a path: segments, and a verb or none.
type reading struct {
	segments []string
	verb     string
}

// answer gives in one line what a request gets, in the form of ask.
func (r reference) answer(kind, path string) string {
	stripped := path
	if fault := r.fault(path); fault != "" {
		return fault
	}
	if r.config.TrailingSlash != httprule.TrailingSlashStrict && path != "/" && strings.HasSuffix(path, "/") {
		stripped = strings.TrimSuffix(path, "/")
		if stripped == "" || strings.HasSuffix(stripped, "/") {
			return "not found"
		}
	}
	readings := r.readings(stripped)
	passes := [][]string{{kind, "*"}}
	if kind == "HEAD" {
		passes = [][]string{{"HEAD"}, {"GET", "*"}}
		if r.config.DisableDerivedHead {
			passes[1] = []string{"*"}
		}
	}
	if slices.Contains(neverServed, kind) || !methodToken.MatchString(kind) {
		passes = nil
	}
	for _, kinds := range passes {
		for _, reading := range readings {
			if b := r.best(reading, kinds); b != nil {
				if stripped != path && r.config.TrailingSlash == httprule.TrailingSlashRedirect {
					return "redirect " + stripped
				}
				return b.String() + r.values(b, reading.segments)
			}
		}
	}
	allowed := r.allowed(readings)
	switch {
	case allowed == "":
		return "not found"
	case kind == "OPTIONS":
		return "options " + allowed
	}
	return "method not allowed " + allowed
}

// fault reads the path from the left and gives the first thing that is wrong with it.
func (r reference) fault(path string) string {
	const badPath, tooLong = "bad path: ", "too long: "
	if len(path) > httprule.DefaultMaxPathBytes {
		return tooLong + httprule.FaultLength.String()
	}
	if !strings.HasPrefix(path, "/") {
		return badPath + httprule.FaultNoSlash.String()
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`#?\`, c) >= 0:
			return badPath + httprule.FaultByte.String()
		case c == '/' && strings.Count(path[:i], "/") >= httprule.DefaultMaxPathSegments:
			return tooLong + httprule.FaultSegments.String()
		case c != '%':
			continue
		}
		escape := path[i:min(i+3, len(path))]
		if value, err := url.PathUnescape(escape); err != nil {
			return badPath + httprule.FaultEscape.String()
		} else if value == "\x00" {
			return badPath + httprule.FaultNul.String()
		}
	}
	if r.config.RejectDotSegments {
		for _, s := range strings.Split(path, "/") {
			if s = plain(s); s == "." || s == ".." {
				return badPath + httprule.FaultDotSegment.String()
			}
		}
	}
	return ""
}

var (
	methodToken = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")
	neverServed = []string{"TRACE", "CONNECT", "PRI", "*"}
)

// readings gives the longest verb first and no verb last. Only a verb that some template has is one.
func (r reference) readings(path string) []reading {
	if path == "/" {
		return []reading{{}}
	}
	segments := strings.Split(path[1:], "/")
	last := segments[len(segments)-1]
	var found []reading
	for i := range len(last) {
		if last[i] != ':' {
			continue
		}
		verb := plain(last[i+1:])
		if !slices.ContainsFunc(r.bindings, func(b *httprule.Binding) bool { return verb != "" && b.Template.Verb() == verb }) {
			continue
		}
		cut := append(slices.Clone(segments[:len(segments)-1]), last[:i])
		if len(cut) == 1 && cut[0] == "" {
			cut = nil
		}
		found = append(found, reading{cut, verb})
	}
	return append(found, reading{segments: segments})
}

// best gives the binding that comes first in order among those that match and have one of the methods; of one template the
// method that is named first.
func (r reference) best(read reading, kinds []string) *httprule.Binding {
	var found []*httprule.Binding
	for _, b := range r.bindings {
		if b.Template.Verb() == read.verb && slices.Contains(kinds, b.HTTPMethod) && matches(b.Template.Segments(), read.segments) {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(a, b *httprule.Binding) int {
		return cmp.Or(
			cmp.Compare(rank(a.Template), rank(b.Template)),
			cmp.Compare(slices.Index(kinds, a.HTTPMethod), slices.Index(kinds, b.HTTPMethod)),
		)
	})
}

// rank turns a template into a text that sorts as the search prefers: the end, literals, `*`, `**`; a longer tail
// after `**` first.
func rank(t *httprule.Template) string {
	text := ""
	for i, s := range t.Segments() {
		if s.Kind == httprule.Multi {
			return text + fmt.Sprintf("3%04d", 9999-(len(t.Segments())-i))
		}
		text += [...]string{httprule.Literal: "1", httprule.Single: "2"}[s.Kind]
	}
	return text + "0"
}

func matches(template []httprule.Segment, path []string) bool {
	if slices.Contains(path, "") {
		return false
	}
	if len(template) == 0 {
		return len(path) == 0
	}
	switch s := template[0]; {
	case s.Kind == httprule.Multi:
		for n := range len(path) + 1 {
			if matches(template[1:], path[n:]) {
				return true
			}
		}
		return false
	case len(path) == 0:
		return false
	case s.Kind == httprule.Literal && s.Text != plain(path[0]):
		return false
	}
	return matches(template[1:], path[1:])
}

// values decodes the variables by their own walk over the template.
func (r reference) values(b *httprule.Binding, segments []string) string {
	covered := make([][]string, len(b.Template.Segments())) // path segments by template segment
	rest := segments
	for i, s := range b.Template.Segments() {
		n := 1
		if s.Kind == httprule.Multi {
			n = len(segments) - (len(covered) - 1)
		}
		covered[i], rest = rest[:n], rest[n:]
	}
	text := ""
	for _, v := range b.Variables {
		var parts []string
		for _, c := range covered[v.First:v.Last] {
			parts = append(parts, c...)
		}
		raw := strings.Join(parts, "/")
		if v.MultiSegment { // what stays as it is written is escaped once more, and then all is decoded, once
			raw = kept[r.config.Unescape].ReplaceAllStringFunc(raw, func(s string) string { return "%25" + s[1:] })
		}
		value, err := url.PathUnescape(raw)
		if err != nil {
			panic(err)
		}
		if strings.ToValidUTF8(value, "") != value {
			value = fmt.Sprintf("path variable %q is not valid UTF-8", v.Name)
		}
		text += " " + v.Name + "=" + value
	}
	return text
}

// kept are the escapes that stay in variables of several segments, by the way to decode them.
var kept = map[httprule.Unescape]*regexp.Regexp{
	httprule.UnescapeAll:            regexp.MustCompile("^$."),                                          // none
	httprule.UnescapeExceptReserved: regexp.MustCompile("%(3[AaFfBbDd]|2[FfAaBbCc3146789]|5[BbDd]|40)"), // : / ? # [ ] @ ! $ & ' ( ) * + , ; =
	httprule.UnescapeExceptSlash:    regexp.MustCompile("%2[Ff]"),
}

func (r reference) allowed(readings []reading) string {
	set := make(map[string]bool)
	for _, read := range readings {
		for _, b := range r.bindings {
			if b.Template.Verb() != read.verb || !matches(b.Template.Segments(), read.segments) {
				continue
			}
			set["OPTIONS"] = true
			if b.HTTPMethod != "*" {
				set[b.HTTPMethod] = true
				set["HEAD"] = set["HEAD"] || b.HTTPMethod == "GET" && !r.config.DisableDerivedHead
				continue
			}
			for _, kind := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
				set[kind] = true
			}
		}
	}
	var list []string
	for kind, on := range set {
		if on {
			list = append(list, kind)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

var (
	escapes    = regexp.MustCompile("%..")
	unreserved = regexp.MustCompile("^[A-Za-z0-9._~-]$")
)

// plain decodes escaped unreserved characters and puts the other escapes in capitals.
func plain(s string) string {
	return escapes.ReplaceAllStringFunc(s, func(e string) string {
		value, err := url.PathUnescape(e)
		if err == nil && unreserved.MatchString(value) {
			return value
		}
		return strings.ToUpper(e)
	})
}

// check compares the table with the reference on one request, and with what Candidates says.
func check(t *testing.T, table *httprule.Table, c httprule.Config, kind, path string) {
	t.Helper()
	r := reference{table.Bindings(), c}
	want := r.answer(kind, path)
	if got := answer(t, table, kind, path); got != want {
		var list []string
		for _, b := range r.bindings {
			list = append(list, b.String())
		}
		t.Errorf("%s %s with\n  %s\ngot  %s\nwant %s", kind, path, strings.Join(list, "\n  "), got, want)
		return
	}
	var m httprule.Match
	outcome := table.Match(&m, kind, path)
	explained, candidates := table.Candidates(kind, path)
	if explained != outcome {
		t.Errorf("%s %s: outcome %s, explained as %s", kind, path, outcomeName(outcome), outcomeName(explained))
	}
	for i, candidate := range candidates {
		if candidate.Chosen != (candidate.Binding == m.Binding()) || candidate.Chosen && i > 0 || (candidate.Reason == "") != candidate.Chosen {
			t.Errorf("%s %s: candidate %d %s: chosen %t, reason %q", kind, path, i, candidate.Binding, candidate.Chosen, candidate.Reason)
		}
	}
}

// dice makes random rules and paths from few parts, so that they meet often.
type dice struct{ *rand.Rand }

func (d dice) one(list ...string) string { return list[d.IntN(len(list))] }

func (d dice) kind() string {
	return d.one("GET", "GET", "GET", "POST", "PATCH", "HEAD", "OPTIONS", "*", "PURGE", "get")
}

// rule makes a route that always parses with literal tails on.
func (d dice) rule() string {
	path, variables, multi := "", []string{"id", "name", "a", "b", "c"}, false
	segments := d.IntN(5)
	for range segments {
		switch n := d.IntN(10); {
		case multi && d.IntN(4) > 0, !multi && n < 4:
			path += "/" + d.one("a", "b", "ab", "x%40", "x@", "%61", ".", "a%3Av", "v")
		case multi:
			path += "/{" + variables[0] + "=b}"
			variables = variables[1:]
		case n < 5:
			path += "/*"
		case n < 8:
			path += "/{" + variables[0] + d.one("", "", "=*", "=a/*", "=*/b", "=b") + "}"
			variables = variables[1:]
		default:
			path += "/" + d.one("**", "{"+variables[0]+"=**}", "{"+variables[0]+"=a/**}", "{"+variables[0]+"=**/b}")
			variables = variables[1:]
			multi = true
		}
	}
	if path == "" {
		path = "/"
	} else if d.IntN(3) == 0 {
		path += ":" + d.one("v", "w", "v:w", "%76", "a%40")
	}
	return d.kind() + " " + path
}

func (d dice) segment() string {
	return d.one("a", "a", "b", "b", "ab", "c", "%61", "x%40", "x@", ".", "..", "%2e", "a:v", "a%3Av", "a%3av", "%2F", "%2f%25", "%C3%BC", "%ff", "v",
		"%3A%3a", "%5b%24%26", "%252541", "%20+", "a;b=c", "<")
}

// near makes a path that a template matches, or nearly so.
func (d dice) near(t *httprule.Template) string {
	path := ""
	for _, s := range t.Segments() {
		switch {
		case s.Kind == httprule.Multi:
			for range d.IntN(4) {
				path += "/" + d.segment()
			}
		case s.Kind == httprule.Single, d.IntN(20) == 0:
			path += "/" + d.segment()
		default:
			path += "/" + s.Text
		}
	}
	if path == "" {
		path = "/"
	}
	if t.Verb() != "" {
		path += ":" + t.Verb()
	}
	return path + d.one("", "", "", "", "", "", "", "/", ":v", "/a")
}

// path makes a path of any kind.
func (d dice) path() string {
	path := ""
	for range d.IntN(6) {
		path += "/" + d.segment()
		if d.IntN(25) == 0 {
			path += d.one("", "/", "%", "%00", "%4", "#", "?", " ", `\`, "\x7f", "ü", "\x00")
		}
	}
	if d.IntN(3) == 0 {
		path += d.one(":v", ":w", ":v:w", ":w:v", ":%76", ":a%40", ":", ":u", ":v:u", "::v", ":x:v:w")
	}
	if d.IntN(8) == 0 || path == "" {
		path += "/"
	}
	if path[0] != '/' {
		path = "/" + path
	}
	return path
}

// T21 to T45, T47 and T48: random rules and random paths, against the reference.
func TestMatchAgainstReference(t *testing.T) {
	t.Parallel()
	rounds := 600
	if testing.Short() {
		rounds = 200
	}
	found := 0
	for seed := range rounds {
		d := dice{rand.New(rand.NewPCG(uint64(seed), 7))}
		c := httprule.Config{
			Grammar: httprule.Grammar{LiteralTail: true}, OnConflict: httprule.ConflictFirstWins,
			TrailingSlash: httprule.TrailingSlash(d.IntN(3)), RejectDotSegments: d.IntN(4) == 0, DisableDerivedHead: d.IntN(4) == 0,
			Unescape: httprule.Unescape(d.IntN(3)),
		}
		var list []string
		for range 1 + d.IntN(14) {
			list = append(list, d.rule())
		}
		table := build(t, c, list...)
		for range 40 {
			kind, path := d.kind(), d.path()
			if kind == "*" {
				kind = d.one("TRACE", "CONNECT", "DELETE", "*", "G T", "")
			}
			if b := table.Bindings(); d.IntN(2) == 0 {
				target := b[d.IntN(len(b))]
				path = d.near(target.Template)
				if target.HTTPMethod != "*" {
					kind = d.one(kind, target.HTTPMethod)
				}
			}
			check(t, table, c, kind, path)
			var m httprule.Match
			if table.Match(&m, kind, path) == httprule.Found {
				found++
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if share := float64(found) / float64(rounds*40); share < 0.25 {
		t.Errorf("only %.3f of the requests found a route: the test has lost its force", share)
	}
}

// FuzzMatch compares the table with the reference on whatever rules, methods, paths and settings there are.
func FuzzMatch(f *testing.F) {
	f.Add("GET /v1/{id}\nPOST /v1/{id}:cancel\nGET /v1/{name=**}/b", "GET", "/v1/a:cancel", uint8(0))
	f.Add("* /{a}/{b}\nHEAD /{name=a/**}", "HEAD", "/a/b/", uint8(1))
	f.Add("GET /a/*/c\nGET /a/b/*", "GET", "/a/b/c", uint8(2))
	f.Add("GET /%61/{id}:v:w\nGET /{id}", "GET", "/%2f%25:%76:w", uint8(12))
	f.Add("GET /{name=**}\nGET /{a=x%2Fy/*}:z", "GET", "/x%2fy/%3A%2F%2541", uint8(16))
	f.Add("GET /{name=**}", "GET", "/%252F/%5B%5d%3f", uint8(32))
	f.Add("get /a\n* /b", "CONNECT", "/b\x00", uint8(0))
	f.Fuzz(func(t *testing.T, list, kind, path string, flags uint8) {
		c := httprule.Config{
			Grammar: httprule.Grammar{LiteralTail: true}, OnConflict: httprule.ConflictFirstWins,
			TrailingSlash: httprule.TrailingSlash(flags % 3), RejectDotSegments: flags&4 != 0, DisableDerivedHead: flags&8 != 0,
			Unescape: httprule.Unescape(flags >> 4 % 3),
		}
		var rules []string
		for line := range strings.SplitSeq(list, "\n") {
			if kind, path, ok := strings.Cut(line, " "); ok && kind != "" && path != "" && strings.ToValidUTF8(line, "") == line && len(rules) < 20 {
				rules = append(rules, line)
			}
		}
		bindings, _ := httprule.Bind(routes(t, rules...), c)
		table, problems := httprule.NewTable(bindings, c)
		if table == nil {
			t.Fatal(problems)
		}
		table.Overlaps()
		if len(path) < 2000 { // the reference is slow
			check(t, table, c, kind, path)
		}
	})
}

// FuzzT35EscapedPath: what a Go server hands on as URL.EscapedPath is what the client sent, and each value is that decoded once: not
// twice, as it would be from URL.Path, and not less.
func FuzzT35EscapedPath(f *testing.F) {
	for _, seed := range []string{"a", "%25", "%2541", "%252F", "%2F", "%25%32%35", "a%2Fb<", "%", "%zz", "%C3%BC", "%ff", "a+b", "%00", "..", "%2e%2e", "a/b", "", ":x", "%3Ax"} {
		f.Add(seed)
	}
	table := build(f, httprule.Config{Unescape: httprule.UnescapeAll}, "GET /one/{id}", "GET /one/{id}:x", "GET /all/{name=**}")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, prefix := range []string{"/one/", "/all/"} {
			u, err := url.ParseRequestURI(prefix + raw)
			if err != nil || u.EscapedPath() != prefix+raw { // no request, or one that net/url would have to mend
				continue
			}
			var m httprule.Match
			if table.Match(&m, "GET", u.EscapedPath()) != httprule.Found {
				continue
			}
			text := raw
			if m.Binding().Template.Verb() != "" {
				text = strings.TrimSuffix(raw, ":x")
				if len(text) == len(raw) { // the verb is written in another way
					continue
				}
			}
			want, err := url.PathUnescape(text)
			if err != nil {
				t.Fatalf("%q: a path that is found cannot be decoded: %v", raw, err)
			}
			got, err := m.Value(0)
			if got != want || (err == nil) != (strings.ToValidUTF8(want, "") == want) {
				t.Errorf("%q: got %q, %v; want %q", raw, got, err, want)
			}
			if prefix == "/all/" && err == nil && "/all/"+got != u.Path {
				t.Errorf("%q: got %q; net/url has %q", raw, got, u.Path)
			}
		}
	})
}
