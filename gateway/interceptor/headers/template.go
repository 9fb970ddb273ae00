// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package headers

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// maxValue is how long a value may be that is put together of what a call says, in bytes. One that is longer is not set.
const maxValue = 4096

// claims is what the names of variables begin with that are claims.
const claims = "auth.claims."

// variables are what values may be made of. "" is nothing there.
var variables = map[string]func(*transcoder.Call) string{
	"client.address": func(c *transcoder.Call) string {
		if !c.Client.IsValid() {
			return ""
		}
		return c.Client.String()
	},
	"auth.subject":  func(c *transcoder.Call) string { return identity(c).Subject },
	"auth.tenant":   func(c *transcoder.Call) string { return identity(c).Tenant },
	"auth.provider": func(c *transcoder.Call) string { return identity(c).Provider },
	"request_id":    func(c *transcoder.Call) string { return c.RequestID },
	"method":        func(c *transcoder.Call) string { return method(c).Path },
	"service":       func(c *transcoder.Call) string { return method(c).Service },
	"protocol":      func(c *transcoder.Call) string { return c.Protocol },
	"listener":      func(c *transcoder.Call) string { return c.Request.Listener },
}

// identity is who calls; nobody has no name.
func identity(c *transcoder.Call) *transcoder.Identity {
	if c.Identity == nil {
		return &transcoder.Identity{}
	}
	return c.Identity
}

// method is what is called; nothing has no name.
func method(c *transcoder.Call) *transcoder.Method {
	if c.Method == nil {
		return &transcoder.Method{}
	}
	return c.Method
}

// template makes the value of a field: texts, and variables between braces.
type template struct {
	literal string // of one without variables
	parts   []part
	late    bool // it needs to know who calls
}

// part is a text or a variable.
type part struct {
	text  string
	value func(*transcoder.Call) string
}

// parseTemplate reads a value. The error says what is wrong with it.
func parseTemplate(text string) (*template, error) {
	t := &template{}
	var literal strings.Builder
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			literal.WriteString(rest)
			break
		}
		literal.WriteString(rest[:i])
		if strings.HasPrefix(rest[i+1:], rest[i:i+1]) { // a brace twice is one
			literal.WriteByte(rest[i])
			rest = rest[i+2:]
			continue
		}
		name, after, ok := strings.Cut(rest[i+1:], "}")
		if rest[i] == '}' || !ok {
			return nil, errors.New("has a brace alone; write {{ or }} for one that is meant as such")
		}
		value := variables[name]
		if claim, isClaim := strings.CutPrefix(name, claims); isClaim && claim != "" {
			value = func(c *transcoder.Call) string { return claimText(identity(c).Claims[claim]) }
		}
		if value == nil {
			return nil, fmt.Errorf("has {%.64s}, which is no variable; known are %s and %sNAME", name, strings.Join(names(), ", "), claims)
		}
		if literal.Len() > 0 {
			t.parts = append(t.parts, part{text: literal.String()})
			literal.Reset()
		}
		t.parts = append(t.parts, part{value: value})
		t.late = t.late || strings.HasPrefix(name, "auth.")
		rest = after
	}
	if len(t.parts) == 0 {
		t.literal = literal.String()
	} else if literal.Len() > 0 {
		t.parts = append(t.parts, part{text: literal.String()})
	}
	return t, nil
}

// names are those of the variables.
func names() []string {
	var list []string
	for name := range variables {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// claimText writes a claim as a text; lists and objects are none.
func claimText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	default:
		return ""
	}
}

// value returns the value of a field of a name for a call. It is false where a variable has nothing, and where the value could not stand in a
// header (threats B9 and C21): the field is then not set, whatever a client says in it.
func (t *template) value(c *transcoder.Call, name string) (string, bool) {
	text := t.literal
	if len(t.parts) > 0 {
		var b strings.Builder
		for _, p := range t.parts {
			s := p.text
			if p.value != nil {
				if s = p.value(c); s == "" {
					return "", false
				}
			}
			if b.Len()+len(s) > maxValue {
				return "", false
			}
			b.WriteString(s)
		}
		text = b.String()
	}
	if strings.HasSuffix(name, "-bin") {
		return wire.EncodeBinary([]byte(text)), true
	}
	return text, printable(text)
}

// good tells whether what is written of a value can stand in a field.
func (t *template) good(name string) bool {
	text := t.literal
	for _, p := range t.parts {
		if p.value != nil {
			text += "x"
		}
		text += p.text
	}
	return text != "" && len(text) <= maxValue && (strings.HasSuffix(name, "-bin") || printable(text))
}

// printable tells whether a text is printable ASCII, and does not begin or end with a space.
func printable(text string) bool {
	return text == strings.TrimSpace(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
