// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

// skipValue gives the position after the JSON value at p, which is checked and not kept. Brackets may be nested up to depth.
func (d *decoder) skipValue(p, depth int) int {
	switch c := d.at(p); {
	case c == '"':
		_, p = d.str(p)
		return p
	case c == '-' || isDigit(c):
		end := numberEnd(d.in, p)
		if end < 0 {
			return d.syntax(p, "a JSON value")
		}
		return end
	case c == 't':
		return d.literal(p, "true")
	case c == 'f':
		return d.literal(p, "false")
	case c == 'n':
		return d.literal(p, "null")
	case c == '{' || c == '[':
		return d.skipBrackets(p, depth)
	default:
		return d.syntax(p, "a JSON value")
	}
}

func (d *decoder) skipBrackets(p, depth int) int {
	if depth <= 0 {
		return d.tooDeep(p)
	}
	object, end := d.in[p] == '{', byte(']')
	want := `"," or "]"`
	if object {
		end, want = '}', `"," or "}"`
	}
	if p = d.space(p + 1); d.at(p) == end {
		return p + 1
	}
	for {
		if object {
			if d.at(p) != '"' {
				return d.syntax(p, "a name")
			}
			if _, p = d.str(p); p < 0 {
				return p
			}
			if p = d.space(p); d.at(p) != ':' {
				return d.syntax(p, `":"`)
			}
			p = d.space(p + 1)
		}
		if p = d.skipValue(p, depth-1); p < 0 {
			return p
		}
		switch p = d.space(p); d.at(p) {
		case ',':
			p = d.space(p + 1)
		case end:
			return p + 1
		default:
			return d.syntax(p, want)
		}
	}
}
