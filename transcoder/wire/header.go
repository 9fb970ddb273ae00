// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package wire provides what the protocols share on the wire: header fields, the
// five-byte message envelope, timeouts, percent-encoding and the mapping between header fields and metadata.
package wire

// Field is one header or trailer field. Name is in lower case; Value is as it
// stood on the wire, for "-bin" metadata therefore still in base64.
type Field struct {
	Name  string
	Value string
}

// Header is a list of fields in the order of the wire. It is a slice and not
// a map because a request has a dozen fields, is read once, and a map costs an
// allocation for each. Lookups compare lower-case names exactly.
//
// The zero value is an empty list. A Header is not safe for concurrent change.
type Header []Field

// Get returns the value of the first field with that lower-case name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value
		}
	}
	return ""
}

// Has tells whether a field with that lower-case name is present.
func (h Header) Has(name string) bool {
	for i := range h {
		if h[i].Name == name {
			return true
		}
	}
	return false
}

// Count returns how many fields have that lower-case name.
func (h Header) Count(name string) int {
	n := 0
	for i := range h {
		if h[i].Name == name {
			n++
		}
	}
	return n
}

// Add appends a field.
func (h *Header) Add(name, value string) { *h = append(*h, Field{Name: name, Value: value}) }

// Set gives the name one value: the first field of that name takes it, later
// ones are dropped, and where there is none one is appended.
func (h *Header) Set(name, value string) {
	set := false
	kept := (*h)[:0]
	for _, f := range *h {
		if f.Name != name {
			kept = append(kept, f)
			continue
		}
		if !set {
			kept, set = append(kept, Field{Name: name, Value: value}), true
		}
	}
	*h = kept
	if !set {
		h.Add(name, value)
	}
}

// Del drops every field of that name.
func (h *Header) Del(name string) {
	kept := (*h)[:0]
	for _, f := range *h {
		if f.Name != name {
			kept = append(kept, f)
		}
	}
	*h = kept
}
