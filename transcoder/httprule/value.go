// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrInvalidUTF8 is the error of a variable whose decoded value is not valid UTF-8.
var ErrInvalidUTF8 = errors.New("not valid UTF-8")

// Raw is the text of variable i of the binding as it stands in the path, escapes and all.
// After any other outcome than Found it panics, as it does where i is out of range.
func (m *Match) Raw(i int) string {
	v := &m.binding.Variables[i]
	first, last := v.First, v.Last
	if multi := m.binding.Template.multi; multi >= 0 {
		shift := m.n - len(m.binding.Template.segments) // `**` covers 1+shift segments
		if first > multi {
			first += shift
		}
		if last > multi {
			last += shift
		}
	}
	if first >= last {
		return ""
	}
	return m.path[m.at(first) : m.at(last)-1]
}

// Value decodes variable i of the binding, once. It allocates only if there is something to decode. The error wraps
// [ErrInvalidUTF8].
func (m *Match) Value(i int) (string, error) {
	raw := m.Raw(i)
	if !m.escaped || strings.IndexByte(raw, '%') < 0 {
		return raw, nil
	}
	value, err := m.AppendValue(nil, i)
	return string(value), err
}

// AppendValue appends the decoded value of variable i of the binding to dst. The error wraps [ErrInvalidUTF8]; the value is
// appended all the same.
func (m *Match) AppendValue(dst []byte, i int) ([]byte, error) {
	raw := m.Raw(i)
	if !m.escaped || strings.IndexByte(raw, '%') < 0 {
		return append(dst, raw...), nil // a path is ASCII
	}
	v := &m.binding.Variables[i]
	start := len(dst)
	dst = appendUnescaped(dst, raw, v.Unescape)
	if !utf8.Valid(dst[start:]) {
		return dst, fmt.Errorf("path variable %q is %w", v.Name, ErrInvalidUTF8)
	}
	return dst, nil
}
