// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// listed is how many names a hint lists.
const listed = 16

// didYouMean returns the hint for a word that is none of the known ones: the closest, or else all of them.
func didYouMean(word string, known []string) string {
	if best := closest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return knownAre(known)
}

func knownAre(known []string) string {
	if len(known) > listed {
		known = append(known[:listed:listed], "…")
	}
	return "known: " + strings.Join(known, ", ")
}

// closest returns the known word that the author of word most likely meant, or "": the same in another spelling, then one
// with few letters changed, then one of which word is the beginning or the end.
func closest(word string, known []string) string {
	want := fold(word)
	if want == "" {
		return ""
	}
	best, distance := "", max(len(want)/3, 1)+1
	part := ""
	for _, k := range known {
		have := fold(k)
		if have == want {
			return k
		}
		if d := editDistance(want, have); d < distance && d < len(have) {
			best, distance = k, d
		}
		if part == "" && len(want) > 2 && (strings.HasPrefix(have, want) || strings.HasSuffix(have, want)) {
			part = k
		}
	}
	if best != "" {
		return best
	}
	return part
}

var separators = strings.NewReplacer("_", "", "-", "")

// fold drops what differs between the spellings of a name.
func fold(name string) string {
	return strings.ToLower(separators.Replace(name))
}

// longest is how much of a word is compared; what is longer is no typing mistake.
const longest = 64

// editDistance is how many letters to add, drop, change, or swap with their neighbour turn a into b.
func editDistance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
