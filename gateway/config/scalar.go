// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// maxValue is how many bytes a value may have in the file: that of the longest path of a file.
const maxValue = 4096

const (
	durationName = "google.protobuf.Duration"
	durationHelp = "must be a duration with a unit, such as 250ms, 5s, 1m30s or 2h"
)

// scalar returns the value of a field from a single value.
func (d *decoder) scalar(n *yaml.Node, f protoreflect.FieldDescriptor, path string) (protoreflect.Value, bool) {
	if n.Kind != yaml.ScalarNode {
		d.at(position(n), path, "", "is %s; it must be a single value", kindOf(n))
		return protoreflect.Value{}, false
	}
	if len(n.Value) > maxValue {
		d.at(position(n), path, "", "has %d bytes; a value may have %d", len(n.Value), maxValue)
		return protoreflect.Value{}, false
	}
	value, ok := d.expand(n, path)
	if !ok {
		return protoreflect.Value{}, false
	}
	refuse := func(hint, message string) (protoreflect.Value, bool) {
		if d.places[path].raw != "" {
			hint = "" // it could show what the variable holds
		}
		d.at(d.place(path), path, hint, "%s", message)
		return protoreflect.Value{}, false
	}
	// What comes from a variable is quoted so that YAML takes it as a text.
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && d.places[path].raw == ""
	switch f.Kind() {
	case protoreflect.StringKind:
		if !d.oneLine(n, value) {
			return refuse("", "has several lines or a control character; it must be one line")
		}
		return protoreflect.ValueOfString(value), true
	case protoreflect.BoolKind:
		switch {
		case value == "true" && !quoted:
			return protoreflect.ValueOfBool(true), true
		case value == "false" && !quoted:
			return protoreflect.ValueOfBool(false), true
		default:
			return refuse(boolHint(value), "must be true or false, without quotes")
		}
	case protoreflect.Uint32Kind:
		number, err := strconv.ParseUint(value, 10, 32)
		if err != nil || quoted {
			return refuse("", "must be a whole number, without quotes and unit")
		}
		return protoreflect.ValueOfUint32(uint32(number)), true
	case protoreflect.MessageKind: // a duration: value hands no others over
		duration, err := time.ParseDuration(value)
		if err != nil {
			return refuse(durationHint(value), durationHelp)
		}
		return protoreflect.ValueOfMessage(durationpb.New(duration).ProtoReflect()), true
	default:
		return refuse("", "is of a kind that the schema of the configuration must not have, "+f.Kind().String())
	}
}

// oneLine says whether a text is written in one line and has no control character. What is wrapped in the file without
// quotes could end at the end of any of its lines, and a file cut short there would look whole.
func (d *decoder) oneLine(n *yaml.Node, value string) bool {
	if strings.ContainsFunc(value, unicode.IsControl) || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return false
	}
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 || strings.HasPrefix(d.text.rest(n.Line, n.Column), n.Value)
}

// boolHint knows what other dialects of YAML write.
func boolHint(value string) string {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "y", "1":
		return "did you mean true?"
	case "false", "no", "off", "n", "0":
		return "did you mean false?"
	default:
		return ""
	}
}

func durationHint(value string) string {
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return "did you mean " + value + "s?"
	}
	return ""
}
