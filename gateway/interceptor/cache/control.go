// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// unset is a time that a field does not name.
const unset time.Duration = -1

// maxSeconds is how many seconds a directive says at most; a larger number counts as this one.
//
// https://www.rfc-editor.org/rfc/rfc9111.html#section-1.2.2
const maxSeconds = 1 << 31

// anyStale is a max-stale without a value: however stale.
const anyStale = maxSeconds * time.Second

// directives are what the Cache-Control fields of a request or an answer say. A directive that is there twice says the less permissive of both.
//
// https://www.rfc-editor.org/rfc/rfc9111.html#section-5.2
type directives struct {
	noStore, noCache, private, onlyIfCached bool
	mustRevalidate                          bool // also proxy-revalidate, and s-maxage, which implies it

	maxAge, sharedMaxAge, minFresh, maxStale time.Duration
	staleWhileRevalidate, staleIfError       time.Duration

	fields []string // that no-cache="..." and private="..." name: the rest of the answer is as if they did not stand there
}

func noDirectives() directives {
	return directives{maxAge: unset, sharedMaxAge: unset, minFresh: unset, maxStale: unset, staleWhileRevalidate: unset, staleIfError: unset}
}

// controlName is the field that directives stand in, and pragmaName what it was before.
const (
	controlName = "cache-control"
	pragmaName  = "pragma"
)

// directivesOf reads the directives of all Cache-Control fields in some lists of fields.
func directivesOf(lists ...wire.Header) directives {
	d := noDirectives()
	found := false
	for _, h := range lists {
		for i := range h {
			if h[i].Name == controlName {
				d.read(h[i].Value)
				found = true
			}
		}
	}
	if found {
		return d
	}
	for _, h := range lists { // https://www.rfc-editor.org/rfc/rfc9111.html#section-5.4
		for i := range h {
			if h[i].Name == pragmaName && strings.EqualFold(strings.TrimSpace(h[i].Value), "no-cache") {
				d.noCache = true
			}
		}
	}
	return d
}

// read adds what one field says. What cannot be read as the grammar has it says no-store: nobody knows what was meant.
func (d *directives) read(value string) {
	for {
		value = strings.TrimLeft(value, " \t,")
		if value == "" {
			return
		}
		name := value[:tokenLength(value)]
		value = strings.TrimLeft(value[len(name):], " \t")
		argument, given := "", false
		if name != "" && strings.HasPrefix(value, "=") {
			var ok bool
			if argument, value, ok = argumentOf(strings.TrimLeft(value[1:], " \t")); !ok {
				d.noStore = true
				return
			}
			given = true
			value = strings.TrimLeft(value, " \t")
		}
		if name == "" || value != "" && value[0] != ',' {
			d.noStore = true
			return
		}
		d.set(name, argument, given)
	}
}

// argumentOf cuts a token or a quoted string off the front.
func argumentOf(s string) (argument, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := tokenLength(s)
		return s[:n], s[n:], n > 0
	}
	plain := true
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			plain = false
			i++
		case '"':
			argument = s[1:i]
			if !plain {
				argument = unescaped(argument)
			}
			return argument, s[i+1:], true
		}
	}
	return "", "", false
}

func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// tokenLength is how many bytes at the front are of a token.
//
// https://www.rfc-editor.org/rfc/rfc9110.html#section-5.6.2
func tokenLength(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return i
		}
	}
	return len(s)
}

// set adds one directive; those that are not known are ignored.
func (d *directives) set(name, argument string, given bool) {
	switch strings.ToLower(name) {
	case "no-store":
		d.noStore = true
	case "no-cache":
		d.noCache = d.noCache || !given
		d.except(argument)
	case "private":
		d.private = d.private || !given
		d.except(argument)
	case "only-if-cached":
		d.onlyIfCached = true
	case "must-revalidate", "proxy-revalidate":
		d.mustRevalidate = true
	case "max-age":
		d.maxAge = shorter(d.maxAge, secondsOf(argument))
	case "s-maxage":
		d.sharedMaxAge = shorter(d.sharedMaxAge, secondsOf(argument))
		d.mustRevalidate = true
	case "stale-while-revalidate":
		d.staleWhileRevalidate = shorter(d.staleWhileRevalidate, secondsOf(argument))
	case "stale-if-error":
		d.staleIfError = shorter(d.staleIfError, secondsOf(argument))
	case "min-fresh":
		if least, ok := seconds(argument); ok {
			d.minFresh = max(d.minFresh, least)
		} else {
			d.noCache = true
		}
	case "max-stale":
		if !given {
			d.maxStale = shorter(d.maxStale, anyStale)
		} else {
			d.maxStale = shorter(d.maxStale, secondsOf(argument))
		}
	}
}

// except adds the names of a list to the fields that are left out.
func (d *directives) except(list string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			d.fields = append(d.fields, name)
		}
	}
}

// shorter returns the shorter of two times of which the first may be unset.
func shorter(a, b time.Duration) time.Duration {
	if a == unset {
		return b
	}
	return min(a, b)
}

// secondsOf is seconds for directives of which a wrong one is as good as over.
func secondsOf(s string) time.Duration {
	d, _ := seconds(s)
	return d
}

// seconds reads a whole number of seconds.
func seconds(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+int64(s[i]-'0'), maxSeconds)
	}
	return time.Duration(n) * time.Second, true
}
