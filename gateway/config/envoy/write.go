// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package envoy

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// seq is the kind of a list, for who makes one of a mapping.
const seq = yaml.SequenceNode

// settings is a mapping of our file, in the order in which it is written.
type settings struct{ node *yaml.Node }

func newSettings() *settings { return &settings{&yaml.Node{Kind: yaml.MappingNode}} }

// set gives a setting a value: a text, a number, a bool, a duration, a list of texts, settings or a list of them. What is empty
// is left out; a setting that is there gets the new value.
func (s *settings) set(name string, value any) {
	n := nodeOf(value)
	if n == nil {
		return
	}
	for i := 0; i < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == name {
			s.node.Content[i+1] = n
			return
		}
	}
	s.node.Content = append(s.node.Content, key(name), n)
}

// in returns the settings below a name, which it makes where there are none.
func (s *settings) in(name string) *settings {
	for i := 0; i < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == name {
			return &settings{s.node.Content[i+1]}
		}
	}
	below := newSettings()
	s.node.Content = append(s.node.Content, key(name), below.node)
	return below
}

// remove takes a setting out.
func (s *settings) remove(name string) {
	for i := 0; i < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == name {
			s.node.Content = append(s.node.Content[:i:i], s.node.Content[i+2:]...)
			return
		}
	}
}

func (s *settings) empty() bool { return s == nil || len(s.node.Content) == 0 }

// has says whether a setting has a value.
func (s *settings) has(name string) bool {
	for i := 0; i < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == name {
			return true
		}
	}
	return false
}

// String is the YAML of the settings, by which they are compared.
func (s *settings) String() string {
	if s == nil || s.empty() && s.node.Kind != yaml.ScalarNode {
		return ""
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	const indent = 2
	e.SetIndent(indent)
	if err := e.Encode(s.node); err != nil {
		return "# " + err.Error() // a tree of our own making
	}
	return b.String()
}

func key(name string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name} }

func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off": // what older readers of YAML take for true and false
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// nodeOf is a value as YAML has it; nil for one that is left out.
func nodeOf(value any) *yaml.Node { //nolint:cyclop // a case for each kind of value
	scalar := func(tag, s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: s} }
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
		return text(strings.ReplaceAll(v, "$", "$$")) // a dollar begins a variable in our file
	case bool:
		return scalar("!!bool", strconv.FormatBool(v))
	case uint32:
		return scalar("!!int", strconv.FormatUint(uint64(v), 10))
	case time.Duration:
		return text(durationText(v))
	case []string:
		if len(v) == 0 {
			return nil
		}
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, s := range v {
			list.Content = append(list.Content, text(strings.ReplaceAll(s, "$", "$$")))
		}
		return list
	case *yaml.Node:
		return v
	case *settings:
		if v.empty() {
			return nil
		}
		return v.node
	case []*settings:
		if len(v) == 0 {
			return nil
		}
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, s := range v {
			list.Content = append(list.Content, s.node)
		}
		return list
	default:
		panic(fmt.Sprintf("no setting is a %T", value)) //nolint:forbidigo // a mistake in this package
	}
}

// durationText writes a duration without what is zero behind minutes and hours.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// sizeText writes a size with the largest unit that it is a whole number of.
func sizeText(bytes uint64) string {
	const kib = 1 << 10
	units := []string{"B", "KiB", "MiB", "GiB"}
	unit := 0
	for unit < len(units)-1 && bytes > 0 && bytes%kib == 0 {
		bytes /= kib
		unit++
	}
	return strconv.FormatUint(bytes, 10) + units[unit]
}
