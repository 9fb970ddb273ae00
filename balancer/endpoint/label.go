// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"fmt"
	"slices"
)

// Key names a label and fixes the type of its value, so that who reads it needs no assertion.
// Keys of the same name and type are the same key, wherever they were made: a source that learns
// names from outside and a policy that was configured with one find each other.
type Key[T comparable] struct {
	name string
}

// NewKey returns the key of that name for values of type T.
func NewKey[T comparable](name string) Key[T] { return Key[T]{name: name} }

// Name returns the name.
func (k Key[T]) Name() string { return k.name }

// With returns the label that carries v under k.
func (k Key[T]) With(v T) Label { return Label{name: k.name, key: k, value: v} }

// Of returns what e carries under k, and whether it carries anything.
func (k Key[T]) Of(e Endpoint) (T, bool) {
	for _, l := range e.get().spec.Labels {
		if l.key == any(k) {
			v, ok := l.value.(T)
			return v, ok
		}
	}
	var none T
	return none, false
}

// Label is one typed value. Only a [Key] makes one.
type Label struct {
	name  string
	key   any // a Key[T]: comparing it compares both the name and T
	value any // a T, comparable
}

// Name returns the name of the label's key.
func (l Label) Name() string { return l.name }

// String returns the label as "name=value".
func (l Label) String() string { return fmt.Sprintf("%s=%v", l.name, l.value) }

// Labels returns a copy of what e is labelled with, ordered by name.
func (e Endpoint) Labels() []Label { return slices.Clone(e.get().spec.Labels) }

// sortLabels orders labels so that two endpoints with the same ones compare equal.
func sortLabels(labels []Label) ([]Label, error) {
	if len(labels) == 0 {
		return nil, nil
	}
	out := slices.Clone(labels)
	slices.SortStableFunc(out, func(a, b Label) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(fmt.Sprintf("%T", a.key), fmt.Sprintf("%T", b.key)))
	})
	for i, l := range out {
		if l.key == nil || l.name == "" {
			return nil, fmt.Errorf("endpoint: label %d has no name; make labels with a key of a name", i)
		}
		if i > 0 && out[i-1].key == l.key {
			return nil, fmt.Errorf("endpoint: label %q is given twice", l.name)
		}
	}
	return out, nil
}
