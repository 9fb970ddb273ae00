// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// node is a JSON value that keeps the order of its members.
type node struct {
	token   json.Token // of a scalar
	open    json.Delim // of an object or array
	names   []string
	members []*node
}

func parseNode(in []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	return readNode(d)
}

func readNode(d *json.Decoder) (*node, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	open, ok := tok.(json.Delim)
	if !ok {
		return &node{token: tok}, nil
	}
	n := &node{open: open}
	for d.More() {
		if open == '{' {
			tok, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ := tok.(string)
			n.names = append(n.names, name)
		}
		m, err := readNode(d)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, m)
	}
	_, err = d.Token()
	return n, err
}

// rejson writes JSON in another way, which mostly means the same: members reordered and under their other name, white
// space, escapes, numbers as strings; and sometimes breaks it.
func (g *generator) rejson(md protoreflect.MessageDescriptor, in []byte) []byte {
	n, err := parseNode(in)
	if err != nil {
		return in
	}
	var b bytes.Buffer
	g.write(&b, n, md)
	out := b.Bytes()
	if g.IntN(10) == 0 && len(out) > 0 {
		i := g.IntN(len(out))
		switch g.IntN(4) {
		case 0:
			out = append(out[:i:i], out[i+1:]...)
		case 1:
			out[i] = pick[byte](g, ',', '"', '}', ']', ':', '0', ' ', 'e', '-', '.', '\\', 0xff, 0, 'n')
		case 2:
			out = out[:i]
		default:
			out = append(out, pick(g, "null", "{}", " ", ",", "\x00")...)
		}
	}
	return out
}

func (g *generator) space(b *bytes.Buffer) {
	if g.IntN(12) == 0 {
		b.WriteString(pick(g, " ", "\n", "\t", "\r\n", "  "))
	}
}

func (g *generator) write(b *bytes.Buffer, n *node, md protoreflect.MessageDescriptor) {
	g.space(b)
	defer g.space(b)
	if g.IntN(200) == 0 {
		b.WriteString(pick(g, "null", "1", `"x"`, "{}", "[]", "true", "1e2", "1.5", "-0", `"NaN"`, `"1"`, "[null]"))
		return
	}
	switch n.open {
	case '[':
		b.WriteByte('[')
		for i, m := range n.members {
			if i > 0 {
				b.WriteByte(',')
			}
			g.write(b, m, md)
		}
		b.WriteByte(']')
	case '{':
		g.object(b, n, md)
	default:
		g.scalar(b, n.token)
	}
}

func (g *generator) object(b *bytes.Buffer, n *node, md protoreflect.MessageDescriptor) {
	order := make([]int, len(n.members))
	for i := range order {
		order[i] = i
	}
	if g.IntN(3) == 0 {
		g.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	if len(order) > 0 && g.IntN(60) == 0 {
		order = append(order, order[g.IntN(len(order))])
	}
	b.WriteByte('{')
	comma := func() {
		if b.Bytes()[b.Len()-1] != '{' {
			b.WriteByte(',')
		}
	}
	for _, i := range order {
		comma()
		name := n.names[i]
		var child protoreflect.MessageDescriptor
		if md != nil {
			if fd := md.Fields().ByJSONName(name); fd != nil {
				child = fd.Message()
				if g.IntN(6) == 0 {
					name = fd.TextName()
				}
				if fd.IsMap() {
					child = nil
				}
			}
		}
		g.space(b)
		g.quote(b, name)
		g.space(b)
		b.WriteByte(':')
		g.write(b, n.members[i], child)
	}
	if g.IntN(40) == 0 {
		comma()
		b.WriteString(pick(g, `"unknown":1`, `"@type":"x"`, `"unknown":{"a":[1,{}]}`, `"[codec.two.zebra]":1`, `"value":null`, `"name":null`, `"fInt32":null`))
	}
	b.WriteByte('}')
}

func (g *generator) scalar(b *bytes.Buffer, tok json.Token) {
	switch v := tok.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case json.Number:
		s := v.String()
		switch {
		case g.IntN(12) == 0:
			s = `"` + s + `"`
		case g.IntN(12) == 0 && !strings.ContainsAny(s, ".eE"):
			s += pick(g, ".0", "e0", "E+0", ".000e0", "0e-1", "e", "0e1")
		}
		b.WriteString(s)
	case string:
		if g.IntN(12) == 0 && json.Valid([]byte(v)) && v != "" && strings.Trim(v, "-0123456789") == "" {
			b.WriteString(v)
			return
		}
		if g.IntN(100) == 0 {
			v = pick(g, v+" ", " "+v, v+"x", v+"=", v+"\n", "", "0", "+1", "1.", ".s", "1s", "2020-01-01T1:00:00Z", "2020-01-01T01:00:00,5Z")
		}
		g.quote(b, v)
	}
}

func (g *generator) quote(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || g.IntN(60) == 0:
			if r >= 0x10000 {
				hi, lo := utf16.EncodeRune(r)
				fmt.Fprintf(b, `\u%04x\u%04X`, hi, lo)
			} else {
				fmt.Fprintf(b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
