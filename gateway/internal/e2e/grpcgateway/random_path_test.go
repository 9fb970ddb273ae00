// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// randomPlaces are paths with places for random segments, and the field that they set: several segments where the place is the
// last and has two stars.
var randomPlaces = []struct{ path, field string }{
	{"/test/v1/things/*", "id"},
	{"/test/v1/safe/*", "id"},
	{"/test/v1/files/**", "path"},
	{"/test/v1/shelves/*/books/*", "name"},
	{"/test/v1/projects/*/**", "path"},
	{"/test/v1/path/int32/*", ""},
	{"/test/v1/path/bool/*", ""},
	{"/test/v1/nested/*/true/COLOR_RED", ""},
	{"/test/v1/nowhere/*", ""},
}

// path makes a GET whose path has random segments.
func (r *random) path() randomRequest {
	place := randomPlaces[r.IntN(len(randomPlaces))]
	var segments, values []string
	slash := false
	for _, s := range strings.Split(place.path, "/")[1:] {
		count := 1
		if s == "**" {
			count = 1 + r.IntN(3)
		}
		for range count {
			text := s
			if strings.HasPrefix(s, "*") {
				text = r.segment()
			}
			slash = slash || strings.Contains(strings.ToUpper(text), "%2F")
			segments = append(segments, text)
			values = append(values, text)
		}
	}
	c := randomRequest{request: request{verb: http.MethodGet, target: "/" + strings.Join(segments, "/")}}
	if slash { // grpc-gateway sees another path, so what is right is said here
		c.call, c.class = &call{request: c.request, except: []exception{encodedSlash}}, encodedSlash.name
		message := fmt.Sprintf("%s:%q", place.field, decoded(place.path, values))
		c.call.message = &message
		if place.field == "" {
			c.call, c.class = &call{request: c.request, except: []exception{slashInNumber}}, slashInNumber.name
		}
	}
	return c
}

// slashInNumber is an escaped slash where there is no text.
var slashInNumber = pick("encoded slash in a number", "T36: %2F is data, and a number has none; grpc-gateway finds no route", func(ours, theirs *observed) error {
	if ours.Status < http.StatusBadRequest || theirs.Status < http.StatusBadRequest || len(ours.Calls)+len(theirs.Calls) > 0 {
		return fmt.Errorf("status %d and %d", ours.Status, theirs.Status)
	}
	*theirs = *ours.clone()
	return nil
})

// decoded is the value of the variable of a place, by the rules of google.api.http (T36, T37).
func decoded(place string, segments []string) string {
	parts := strings.Split(place, "/")[1:]
	first := 0
	for parts[first] == "test" || parts[first] == "v1" || parts[first] == "things" || parts[first] == "safe" || parts[first] == "files" {
		first++
	}
	segments = segments[first:]
	if len(parts)-first == 1 && parts[first] == "*" {
		text, _ := url.PathUnescape(segments[0])
		return text
	}
	for i, s := range segments {
		kept := strings.NewReplacer("%2F", "%252F", "%2f", "%252f").Replace(s)
		segments[i], _ = url.PathUnescape(kept)
	}
	return strings.Join(segments, "/")
}

// segment makes a segment, as it is written.
func (r *random) segment() string {
	if r.chance(4) {
		return of(r, "5", "true", "-1", "0", "null", "T", "+7", "1.5")
	}
	return r.word("%20", "%25", "%C3%A9", "%3f", "%2F", "%2f", "%41", "%00", "%FF", "é", "+", "@", "!", "%2541")
}
