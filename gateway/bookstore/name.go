// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package bookstore

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	shelfCollection = "shelves/"
	bookCollection  = "/books/"
	// allShelves is the name that stands for every shelf where books are listed or watched (AIP-159).
	allShelves = "shelves/-"
	// maxID is how many characters the last part of a name has at most.
	maxID = 40
)

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// validShelfName tells whether name is shelves/{id} with a valid id.
func validShelfName(name string) bool {
	id, ok := strings.CutPrefix(name, shelfCollection)
	return ok && idPattern.MatchString(id)
}

// validBookName tells whether name is shelves/{id}/books/{id} with valid ids.
func validBookName(name string) bool {
	shelf, id, ok := strings.Cut(name, bookCollection)
	return ok && validShelfName(shelf) && idPattern.MatchString(id)
}

// shelfOf returns the name of the shelf on which a book of a valid name stands.
func shelfOf(book string) string {
	shelf, _, _ := strings.Cut(book, bookCollection)
	return shelf
}

// idOf returns the last part of a valid name.
func idOf(name string) string {
	return name[strings.LastIndexByte(name, '/')+1:]
}

// idFromTitle makes an id of a title: its ASCII letters and digits in lower case, hyphens between words. It is empty when
// the title has no such letter to begin with.
func idFromTitle(title string) string {
	var id strings.Builder
	for _, r := range strings.ToLower(title) {
		isLetter := r >= 'a' && r <= 'z'
		isDigit := r >= '0' && r <= '9'
		switch {
		case isLetter, isDigit && id.Len() > 0:
			id.WriteRune(r)
		case id.Len() > 0 && !strings.HasSuffix(id.String(), "-"):
			id.WriteByte('-')
		}
		if id.Len() == maxID {
			break
		}
	}
	return strings.TrimRight(id.String(), "-")
}

// freeID returns id, or id with the smallest number behind it for which taken is false.
func freeID(id string, taken func(id string) bool) string {
	candidate := id
	for n := 2; taken(candidate); n++ {
		suffix := "-" + strconv.Itoa(n)
		candidate = strings.TrimRight(id[:min(len(id), maxID-len(suffix))], "-") + suffix
	}
	return candidate
}
