// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// listedFields is how many fields of a message a problem lists.
const listedFields = 12

// hasFields says "the request has: id, view".
func hasFields(subject string, message protoreflect.MessageDescriptor) string {
	fields := message.Fields()
	if fields.Len() == 0 {
		return subject + " has no fields"
	}
	names := make([]string, 0, listedFields)
	for i := 0; i < fields.Len() && i < listedFields; i++ {
		names = append(names, string(fields.Get(i).Name()))
	}
	text := subject + " has: " + strings.Join(names, ", ")
	if more := fields.Len() - listedFields; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// closestField gives the field of message that the author of name most likely meant, or "": the same name in another
// spelling, then one with few letters changed, then one that ends or begins like it.
func closestField(name string, message protoreflect.MessageDescriptor) string {
	fields := message.Fields()
	want := fold(name)
	best, distance := "", len(want)/3+1
	part := ""
	for i := range fields.Len() {
		field := string(fields.Get(i).Name())
		have := fold(field)
		if have == want {
			return field
		}
		if d := editDistance(want, have); d < distance {
			best, distance = field, d
		}
		if part == "" && (partOf(name, field) || partOf(field, name)) {
			part = field
		}
	}
	if best != "" {
		return best
	}
	return part
}

// fold drops what differs between proto and JSON spelling.
func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// partOf reports whether short is the first or last words of long, as "id" of "user_id".
func partOf(short, long string) bool {
	return strings.HasSuffix(long, "_"+short) || strings.HasPrefix(long, short+"_")
}

// editDistance is the Levenshtein distance.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
