// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// T202: every value of an etag field has an entity tag of its own, and comes back as it was.
func TestT202_TagsAndValues(t *testing.T) {
	t.Parallel()
	for _, r := range []struct{ reason, value, want string }{
		{"none", "", ""},
		{"a tag", `"abc"`, `"abc"`},
		{"a weak tag", `W/"abc"`, `W/"abc"`},
		{"no tag", "abc", `"~abc"`},
		{"looks like what we make", `"~abc"`, `"~~In5hYmMi"`},
		{"begins with our mark", "~abc", `"~~fmFiYw"`},
		{"has a quote", `a"b`, `"~~YSJi"`},
		{"a space", "a b", `"~~YSBi"`},
		{"not ASCII", "é", `"~~w6k"`},
		{"an open quote", `"abc`, `"~~ImFiYw"`},
	} {
		got := tagOf(r.value)
		if got != r.want {
			t.Errorf("%s: got %s, want %s", r.reason, got, r.want)
		}
		if got == "" {
			continue
		}
		if value, ok := valueOf(got); !ok || value != r.value {
			t.Errorf("%s: %s comes back as %q, %t", r.reason, got, value, ok)
		}
	}
	for _, bad := range []string{"", "abc", `"abc`, `"a"b"`, `w/"abc"`, `"~~!"`, `"`} {
		if value, ok := valueOf(bad); ok {
			t.Errorf("%s is taken for a tag with the value %q", bad, value)
		}
	}
}

func FuzzTags(f *testing.F) {
	for _, s := range []string{"", `"abc"`, `W/"a"`, "~", "~~", `"~x"`, "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		tag := tagOf(value)
		if value == "" {
			return
		}
		if !isTag(tag) {
			t.Fatalf("%q has the tag %q, which is none", value, tag)
		}
		if back, ok := valueOf(tag); !ok || back != value {
			t.Fatalf("%q has the tag %q and comes back as %q, %t", value, tag, back, ok)
		}
		if !wire.NoneMatch(tag, tag) || !wire.NoneMatch(`"x", W/`+strings.TrimPrefix(tag, "W/"), tag) {
			t.Fatalf("%q does not match itself", tag)
		}
		_ = wire.NoneMatch(value, tag) // anything may come
	})
}
