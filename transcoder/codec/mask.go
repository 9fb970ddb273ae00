// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"slices"
)

// MaskPaths gives the field mask of a JSON message: the paths of the members that it has, null and defaults included,
// in proto spelling and sorted. A path goes on into singular messages that have members, and stops at lists, maps and
// well-known types. Members that are no fields are passed over under DiscardUnknown; extensions, which a mask cannot
// name, are an error. The values are not looked at further than that: convert the message first.
func (m *Message) MaskPaths(json []byte, o *DecodeOptions) ([]string, error) {
	if m.err != nil {
		return nil, m.err
	}
	var paths []string
	_, err := decode(m.codec, nil, json, o, func(d *decoder, dst []byte, p int, _ *watchNode) ([]byte, int) {
		if m.form.custom() {
			return dst, d.fail(KindUnsupported, p, "a "+string(m.desc.FullName())+" has no field mask")
		}
		return dst, d.mask(p, m, "", m.codec.maxDepth, &paths)
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// mask appends the paths of the members of the object at p.
func (d *decoder) mask(p int, m *Message, prefix string, depth int, paths *[]string) int {
	switch {
	case depth <= 0:
		return d.tooDeep(p)
	case d.at(p) != '{':
		return d.wrongType(p, "an object")
	}
	if p = d.space(p + 1); d.at(p) == '}' {
		return p + 1
	}
	o := members{m: m, typeAt: noType}
	for {
		at := p
		var f *Field
		if f, p = d.name(p, &o); p < 0 {
			return p
		}
		switch {
		case f == nil:
			p = d.skipValue(p, depth)
		case f.desc.IsExtension():
			p = d.fail(KindUnsupported, at, "a field mask cannot name an extension")
			d.within(f.jsonName)
		default:
			path := prefix + string(f.desc.Name())
			if f.shape == singular && f.message != nil && !f.message.form.custom() && d.hasMembers(p) {
				p = d.mask(p, f.message, path+".", depth-1, paths)
			} else {
				*paths = append(*paths, path)
				p = d.skipValue(p, 2*depth)
			}
			if p < 0 {
				d.within(f.jsonName)
			}
		}
		if p < 0 {
			return p
		}
		more := false
		if p, more = d.more(p); !more {
			return p
		}
	}
}

// hasMembers tells whether an object that is not empty is at p.
func (d *decoder) hasMembers(p int) bool {
	return d.at(p) == '{' && d.at(d.space(p+1)) != '}'
}
