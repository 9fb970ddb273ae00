// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// EffectOf says when a change of a field takes effect, by its path without what tells entries of lists and maps apart.
func EffectOf(field string) Effect { return effectOf(field) }

// DecodeAs reads a part of a file, the settings of one message, into it, and says what of it cannot be read.
func DecodeAs(m protoreflect.Message, text string) error {
	c := newCollector(newText("example", text))
	if root := parseYAML(c, text); root != nil {
		variable := func(string) (string, bool) { return "x", true }
		(&decoder{collector: c, env: variable}).message(root, m, "")
	}
	return c.err()
}
