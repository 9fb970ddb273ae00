// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
)

func TestGlobMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"**", "a", true},
		{"**", "a.b.C", true},
		{"*", "a", true},
		{"*", "a.b", false},
		{"a.*", "a.B", true},
		{"a.*", "a", false},
		{"a.*", "a.b.C", false},
		{"a.*", "ab.C", false},
		{"a.**", "a.b.C", true},
		{"a.**", "a", true}, // ** is also none
		{"a.**", "ab", false},
		{"**.C", "a.b.C", true},
		{"**.C", "C", true},
		{"**.C", "a.b.C.d", false},
		{"a.**.C", "a.C", true},
		{"a.**.C", "a.b.c.C", true},
		{"a.**.b.**.c", "a.b.b.b.c", true},
		{"a.**.b.**.c", "a.c.c", false},
		{"a.b", "a.B", false},
		{"a.b", "a.b.", false},
	} {
		if got := glob(t, c.glob).Match(c.name); got != c.want {
			t.Errorf("%s on %s: got %t, want %t", c.glob, c.name, got, c.want)
		}
	}
	if (config.Glob{}).Match("") || (config.Glob{}).Match("a") {
		t.Error("the zero glob matches something")
	}
	if !config.AllServices().Match("a.b.C") {
		t.Error("AllServices does not match a.b.C")
	}
}

func TestGlobSyntax(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", ".", "a.", ".a", "a..b", "a*", "a.*b", "***", "**.**", "a.**.**.b", "a-b", "a b", "1a", "a/b", "é", strings.Repeat("a.", 64) + "a"} {
		if g, err := config.ParseGlob(s); err == nil {
			t.Errorf("%q was read as %s; want an error", s, g)
		}
	}
}

// The matcher against a slow and obvious one.
func TestGlobMatchLikeARegularExpression(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	word := func(from []string) string { return from[random.IntN(len(from))] }
	matched := 0
	for range 20_000 {
		var segments, parts []string
		for range 1 + random.IntN(5) {
			segments = append(segments, word([]string{"a", "b", "*", "**"}))
		}
		for range 1 + random.IntN(6) {
			parts = append(parts, word([]string{"a", "b"}))
		}
		g, err := config.ParseGlob(strings.Join(segments, "."))
		if err != nil {
			continue // ** behind **
		}
		name := strings.Join(parts, ".")
		var expression strings.Builder
		for _, s := range segments {
			switch s {
			case "*":
				expression.WriteString(`[^.]+\.`)
			case "**":
				expression.WriteString(`([^.]+\.)*`)
			default:
				expression.WriteString(s + `\.`)
			}
		}
		want := regexp.MustCompile("^" + expression.String() + "$").MatchString(name + ".")
		if got := g.Match(name); got != want {
			t.Fatalf("%s on %s: got %t, want %t", g, name, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d pairs matched; the test says too little", matched)
	}
}
