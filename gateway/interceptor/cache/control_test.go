// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// These tests are inside because directives are nobody else's.

func with(edit func(*directives)) directives {
	d := noDirectives()
	edit(&d)
	return d
}

// https://www.rfc-editor.org/rfc/rfc9111.html#section-5.2
func TestDirectivesAreRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value  string
		want   directives
		reason string
	}{
		{"", noDirectives(), "nothing is said"},
		{" , ,, ", noDirectives(), "empty elements of a list are none"},
		{"public, immutable, x-own=1, y=\"a,b\"", noDirectives(), "what is not known is ignored, commas in quotes and all"},
		{"max-age=60", with(func(d *directives) { d.maxAge = time.Minute }), ""},
		{"MAX-AGE=60", with(func(d *directives) { d.maxAge = time.Minute }), "names are of any case"},
		{`max-age="60"`, with(func(d *directives) { d.maxAge = time.Minute }), "a quoted string is as good as a token"},
		{`max-age="\6\0"`, with(func(d *directives) { d.maxAge = time.Minute }), "with escapes"},
		{"max-age=60, max-age=5", with(func(d *directives) { d.maxAge = 5 * time.Second }), "of two the less permissive"},
		{"max-age=60,s-maxage=5", with(func(d *directives) { d.maxAge, d.sharedMaxAge, d.mustRevalidate = time.Minute, 5*time.Second, true }), ""},
		{"max-age=-1", with(func(d *directives) { d.maxAge = 0 }), "what is no number is over"},
		{"max-age=", with(func(d *directives) { d.noStore = true }), "an argument is missing"},
		{"max-age", with(func(d *directives) { d.maxAge = 0 }), ""},
		{"max-age=1.5", with(func(d *directives) { d.maxAge = 0 }), ""},
		{"max-age=99999999999999999999", with(func(d *directives) { d.maxAge = maxSeconds * time.Second }), "a number that is too large is the largest"},
		{"no-store", with(func(d *directives) { d.noStore = true }), ""},
		{"no-cache", with(func(d *directives) { d.noCache = true }), ""},
		{"private", with(func(d *directives) { d.private = true }), ""},
		{`private="X-User, set-cookie"`, with(func(d *directives) { d.fields = []string{"x-user", "set-cookie"} }), "only those fields"},
		{`no-cache=x-user`, with(func(d *directives) { d.fields = []string{"x-user"} }), ""},
		{`private, private="x"`, with(func(d *directives) { d.private, d.fields = true, []string{"x"} }), ""},
		{"must-revalidate", with(func(d *directives) { d.mustRevalidate = true }), ""},
		{"proxy-revalidate", with(func(d *directives) { d.mustRevalidate = true }), ""},
		{"only-if-cached", with(func(d *directives) { d.onlyIfCached = true }), ""},
		{"max-stale", with(func(d *directives) { d.maxStale = anyStale }), "however stale"},
		{"max-stale=5", with(func(d *directives) { d.maxStale = 5 * time.Second }), ""},
		{"min-fresh=5, min-fresh=7", with(func(d *directives) { d.minFresh = 7 * time.Second }), ""},
		{"min-fresh=x", with(func(d *directives) { d.noCache = true }), "nobody knows how fresh"},
		{"stale-while-revalidate=5, stale-if-error=6", with(func(d *directives) { d.staleWhileRevalidate, d.staleIfError = 5*time.Second, 6*time.Second }), ""},
		{"max-age=60;no-store", with(func(d *directives) { d.noStore = true }), "what cannot be read is not stored"},
		{`max-age="60`, with(func(d *directives) { d.noStore = true }), "a quote does not end"},
		{`x="\`, with(func(d *directives) { d.noStore = true }), "nor an escape"},
		{"max-age = 60 , no-cache", with(func(d *directives) { d.maxAge, d.noCache = time.Minute, true }), "white space where it should not be, read as others do"},
		{"=60", with(func(d *directives) { d.noStore = true }), ""},
		{"max-age=60 max-age=90", with(func(d *directives) { d.noStore = true }), ""},
	} {
		got := directivesOf(wire.Header{{Name: "cache-control", Value: tt.value}})
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(directives{})); diff != "" {
			t.Errorf("%q: %s (-want +got):\n%s", tt.value, tt.reason, diff)
		}
	}
}

func TestFieldsAreReadTogether(t *testing.T) {
	t.Parallel()
	got := directivesOf(wire.Header{{Name: "cache-control", Value: "max-age=60"}, {Name: "x", Value: "no-store"}}, wire.Header{{Name: "cache-control", Value: "private"}})
	if want := with(func(d *directives) { d.maxAge, d.private = time.Minute, true }); !cmp.Equal(want, got, cmp.AllowUnexported(directives{})) {
		t.Errorf("%+v", got)
	}
	pragma := wire.Field{Name: "pragma", Value: "No-Cache"}
	if d := directivesOf(wire.Header{pragma}); !d.noCache {
		t.Error("Pragma alone is not read")
	}
	if d := directivesOf(wire.Header{pragma, {Name: "cache-control", Value: "max-age=1"}}); d.noCache {
		t.Error("Pragma is read beside Cache-Control")
	}
}

// What is read never permits more than each of its directives alone, and reading ends.
func FuzzDirectives(f *testing.F) {
	for _, s := range []string{"max-age=60, no-store", `private="a,b", no-cache`, "max-stale, min-fresh=3", `x="\"`, "s-maxage=1,,stale-if-error=5", "=,;\"\\", "no-store,a b"} {
		f.Add(s, "max-age=5")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		one, other := directivesOf(wire.Header{{Name: "cache-control", Value: a}}), directivesOf(wire.Header{{Name: "cache-control", Value: b}})
		both := directivesOf(wire.Header{{Name: "cache-control", Value: a}, {Name: "cache-control", Value: b}})
		for _, d := range []directives{one, other} {
			if d.noStore && !both.noStore || d.noCache && !both.noCache || d.private && !both.private || d.mustRevalidate && !both.mustRevalidate {
				t.Errorf("%q and %q: %+v permits more than %+v", a, b, both, d)
			}
			for _, pair := range [][2]time.Duration{{d.maxAge, both.maxAge}, {d.sharedMaxAge, both.sharedMaxAge}, {d.staleIfError, both.staleIfError}, {d.maxStale, both.maxStale}} {
				if pair[0] != unset && (pair[1] == unset || pair[1] > pair[0]) {
					t.Errorf("%q and %q: %+v permits more than %+v", a, b, both, d)
				}
			}
			if d.maxAge < unset || d.maxAge > maxSeconds*time.Second {
				t.Errorf("%q, %q: max-age is %s", a, b, d.maxAge)
			}
			for _, name := range d.fields {
				if name != strings.ToLower(name) || name == "" {
					t.Errorf("%q, %q: a field %q", a, b, name)
				}
			}
		}
	})
}
