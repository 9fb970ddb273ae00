// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is a JSON object that keeps its order, so that a document is the same each time. Values are *object, list, string, bool, int,
// json.Number and nil.
type object struct {
	members []member
}

type member struct {
	key   string
	value any
}

type list []any

// obj makes an object of keys and values in turn.
func obj(pairs ...any) *object {
	o := &object{}
	for i := 0; i < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		o.set(key, pairs[i+1])
	}
	return o
}

// set sets a member, in its old place if it is there.
func (o *object) set(key string, value any) *object {
	for i := range o.members {
		if o.members[i].key == key {
			o.members[i].value = value
			return o
		}
	}
	o.members = append(o.members, member{key, value})
	return o
}

// text sets a member unless the text is empty.
func (o *object) text(key, value string) *object {
	if value != "" {
		o.set(key, value)
	}
	return o
}

// flag sets a member if it is true.
func (o *object) flag(key string, value bool) *object {
	if value {
		o.set(key, true)
	}
	return o
}

func (o *object) get(key string) any {
	for i := range o.members {
		if o.members[i].key == key {
			return o.members[i].value
		}
	}
	return nil
}

func (o *object) has(key string) bool {
	for i := range o.members {
		if o.members[i].key == key {
			return true
		}
	}
	return false
}

func (o *object) remove(key string) {
	for i := range o.members {
		if o.members[i].key == key {
			o.members = append(o.members[:i:i], o.members[i+1:]...)
			return
		}
	}
}

func (o *object) len() int { return len(o.members) }

// object returns the object at a key, which is made if it is not there.
func (o *object) object(key string) *object {
	if inner, ok := o.get(key).(*object); ok {
		return inner
	}
	inner := &object{}
	o.set(key, inner)
	return inner
}

// clone copies an object, but not what it holds.
func (o *object) clone() *object {
	return &object{members: append([]member(nil), o.members...)}
}

// texts makes a list of strings.
func texts(s []string) list {
	l := make(list, len(s))
	for i := range s {
		l[i] = s[i]
	}
	return l
}

// appendJSON appends a value with indentation.
func appendJSON(dst []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case *object:
		return appendAll(dst, '{', '}', len(v.members), depth, func(dst []byte, i int) []byte {
			dst = append(appendText(dst, v.members[i].key), ": "...)
			return appendJSON(dst, v.members[i].value, depth+1)
		})
	case list:
		return appendAll(dst, '[', ']', len(v), depth, func(dst []byte, i int) []byte { return appendJSON(dst, v[i], depth+1) })
	case string:
		return appendText(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case json.Number:
		return append(dst, v...)
	default:
		return append(dst, "null"...)
	}
}

func appendAll(dst []byte, before, behind byte, n, depth int, one func([]byte, int) []byte) []byte {
	dst = append(dst, before)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendIndent(dst, depth+1)
		dst = one(dst, i)
	}
	if n > 0 {
		dst = appendIndent(dst, depth)
	}
	return append(dst, behind)
}

func appendIndent(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "  "...)
	}
	return dst
}

// appendText appends a JSON string. Schemas can have texts that are not UTF-8: those bytes are replaced.
func appendText(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(strings.ToValidUTF8(s, "\ufffd")) // a string always has a form
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// yamlNode is the form of a value in which it is written as YAML.
func yamlNode(v any) *yaml.Node {
	switch v := v.(type) {
	case *object:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, m := range v.members {
			n.Content = append(n.Content, yamlText(m.key), yamlNode(m.value))
		}
		return n
	case list:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, yamlNode(item))
		}
		return n
	case string:
		return yamlText(v)
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(v)}
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(string(v), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: string(v)}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
}

// yamlText is a string. What YAML 1.1 would read as something else, such as the key 404 or the value no, has quotes.
func yamlText(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(strings.ToValidUTF8(s, "\ufffd"))
	if n.Style == 0 && plainMeansOther(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// plainMeansOther tells whether readers of YAML 1.1 or 1.2 may take a plain scalar for no string.
func plainMeansOther(s string) bool {
	switch strings.ToLower(s) {
	case "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<":
		return true
	}
	return strings.IndexByte("0123456789+-.", s[0]) >= 0
}

// raw returns the value of a JSON text that a user wrote, members in the order of their names.
func raw(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%.40q is not JSON", text)
	}
	return plain(v), nil
}
