// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// Random requests are the same in each run: what they find once, they find again.
const (
	seed1, seed2  = 20260105, 3
	randomQueries = 700
	randomBodies  = 700
	randomPaths   = 300
)

// TestRandomRequests sends requests that are made from the descriptors to both, under the profile grpc-gateway. What differs must be
// of a class that has a name: requests that Dragoman refuses by one of these sentences, or parts of requests that only one
// of the two understands; without these, the answers must be the same.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	met := map[string]int{}
	for _, part := range []struct {
		name  string
		count int
		make  func(*random) randomRequest
	}{
		{"queries", randomQueries, (*random).query},
		{"bodies", randomBodies, (*random).body},
		{"paths", randomPaths, (*random).path},
	} {
		t.Run(part.name, func(t *testing.T) {
			r := &random{rand.New(rand.NewPCG(seed1, seed2))} //nolint:gosec // it is to be the same each time
			answered := 0
			for range part.count {
				c := part.make(r)
				ours, theirs := p.askOurs(t, &c.request, rest.ProfileGRPCGateway.Flips()), p.askTheirs(t, &c.request)
				if ours.Status == http.StatusOK {
					answered++
				}
				class, difference := p.classOf(t, &c, ours, theirs)
				if difference != "" {
					t.Errorf("%s\nthe answers differ, by no class that is known (-grpc-gateway +dragoman):\n%s", c.String(), difference)
				}
				met[class]++
			}
			if answered < part.count/5 || answered == part.count { // else nothing is compared but refusals, or no refusals
				t.Errorf("%d of %d requests were answered with 200", answered, part.count)
			}
		})
	}
	t.Logf("requests by class of their difference, none first: %v", met)
}

// randomRequest is a request whose parts are known.
type randomRequest struct {
	request
	// plain is the request without what only one of the two understands, and how that is called; nil where there is nothing such.
	plain *request
	class string
	// call says what is right where a class cannot be left out.
	call *call
}

// randomClass is a class of requests that are known by what Dragoman says of them.
type randomClass struct {
	exception
	says string
}

// randomClasses are the exceptions of what Dragoman refuses, with the sentences by which it does.
var randomClasses = []randomClass{
	{lostEnum, "is not a value of dragoman.test.v1."},
	{lostEnum, "is not a value of google.protobuf.NullValue"},
	{lostAny, `an Any has no "@type"`},
	{moreData, "more follows after the JSON value"},
	{blankBody, "the JSON ends where a JSON value must come"},
	{keySpelling, "is not a key of type"},
	{keyByTwoSpellings, "it is set twice"},
	{notUTF8, "UTF-8"},
	{encodedNUL, "the path has an encoded NUL"},
	{rawByte, "the path has a byte that must be percent-encoded"},
	{emptySegment, "no route for"},
	{missing, "required fields are missing"},
	{jsonInLists, "has no text form"},
	{noJSON, "the backend's answer does not fit its schema"},
	{notSaid, "by what grpc-gateway says"},
}

// fits tells whether two answers are to a request of the class.
func (k *randomClass) fits(ours, theirs *observed) bool {
	if k.name == notSaid.name {
		return theirs.message() == "failed to marshal error message"
	}
	return strings.Contains(ours.message(), k.says)
}

// classOf compares two answers. It returns the class of the difference, "" for none, and what differs beyond that.
func (p *pair) classOf(t *testing.T, c *randomRequest, ours, theirs *observed) (class, difference string) {
	t.Helper()
	difference = compare(&call{request: c.request}, general, ours, theirs)
	if difference == "" {
		return "", ""
	}
	fits := randomClass{}
	for _, k := range randomClasses {
		if ours.Status >= http.StatusBadRequest && k.fits(ours, theirs) {
			fits = k
			break
		}
	}
	refused := func(theirs *observed) string {
		if fits.explain == nil {
			return compare(&call{request: c.request}, general, ours, theirs)
		}
		return compare(&call{request: c.request}, slices.Concat([]exception{fits.exception}, general), ours, theirs)
	}
	switch {
	case fits.explain != nil && refused(theirs) == "":
		return fits.name, ""
	case c.call != nil:
		return c.class, compare(c.call, slices.Concat(c.call.except, general), ours, theirs)
	case c.plain != nil && refused(p.askTheirs(t, c.plain)) == "":
		return c.class, ""
	}
	return "", difference
}

// random makes requests.
type random struct{ *rand.Rand }

// chance is true once in n times.
func (r *random) chance(n int) bool { return r.IntN(n) == 0 }

// of returns one of several.
func of[E any](r *random, all ...E) E { return all[r.IntN(len(all))] }

// integer gives the text of an integer, most of them in the range of 32 bits.
func (r *random) integer() string {
	switch r.IntN(8) {
	case 0:
		return of(r, "-2147483648", "2147483647", "2147483648", "4294967295", "-9223372036854775808", "9223372036854775807", "18446744073709551615", "18446744073709551616")
	case 1:
		return fmt.Sprint(-r.IntN(1000))
	default:
		return fmt.Sprint(r.IntN(100_000))
	}
}

// word gives some text, without what a query or JSON would have to escape but for what is in extra.
func (r *random) word(extra ...string) string {
	var b strings.Builder
	for range r.IntN(6) {
		if len(extra) > 0 && r.chance(4) {
			b.WriteString(of(r, extra...))
			continue
		}
		b.WriteByte("abcXYZ019-_.~"[r.IntN(13)])
	}
	return b.String()
}
