// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"hash/maphash"
	"slices"
	"sync"
)

// decoder is the state of one conversion from JSON to wire bytes.
//
// Its methods take and give the output and the position in the JSON, so that both stay in registers. A negative
// position tells that the conversion has failed, and why is in err. What has a length on the wire gets one byte reserved
// for it; if that turns out too small the tail is moved.
type decoder struct {
	o *DecodeOptions
	c *Codec
	// defaults is what nil options mean.
	defaults DecodeOptions

	in  []byte
	err *Error

	// Stacks: who pushes takes off again.
	bits  []uint64 // fields and oneofs seen, of messages that have more than fit into a word
	exts  []uint32 // numbers of the extensions seen
	keys  []uint32 // where in the output the keys of maps are
	slots []uint32 // hash tables of those keys, for maps that have many
	seed  maphash.Seed

	text  []byte // the last name or scalar that had escapes
	types []typeMember
	// scanned is how far types reaches: objects that start before it and are not in it have no "@type".
	scanned int
	opened  []int // scratch of the scan
}

var decoders = sync.Pool{New: func() any { return &decoder{seed: maphash.MakeSeed()} }}

const failed = -1

func newDecoder(c *Codec, in []byte, o *DecodeOptions) *decoder {
	d, _ := decoders.Get().(*decoder)
	if o == nil {
		o = &d.defaults
	}
	d.c, d.in, d.o, d.err, d.scanned = c, in, o, nil, 0
	return d
}

func (d *decoder) free() {
	d.c, d.in, d.o, d.err = nil, nil, nil, nil
	d.bits = recycle(d.bits)
	d.exts = recycle(d.exts)
	d.keys = recycle(d.keys)
	d.slots = recycle(d.slots)
	d.text = recycle(d.text)
	d.types = recycle(d.types)
	d.opened = recycle(d.opened)
	decoders.Put(d)
}

// AppendWire appends the wire bytes of a message, given as JSON, to dst. Errors are of type *Error; dst is then
// returned as it was. Required fields may be missing: see MissingRequired.
func (m *Message) AppendWire(dst, json []byte, o *DecodeOptions) ([]byte, error) {
	return decode(m.codec, dst, json, o, func(d *decoder, dst []byte, p int, w *watchNode) ([]byte, int) {
		return d.message(dst, p, m, m.codec.maxDepth, w)
	})
}

// decode runs a conversion of one JSON value and sees to what surrounds it.
func decode(c *Codec, dst, json []byte, o *DecodeOptions, run func(*decoder, []byte, int, *watchNode) ([]byte, int)) ([]byte, error) {
	if len(json) > maxInput {
		return dst, errTooLong(false)
	}
	d := newDecoder(c, json, o)
	defer d.free()
	var w *watchNode
	if d.o.Watch != nil {
		w = d.o.Watch.root
		clear(d.o.Hits)
	}
	start := len(dst)
	dst = slices.Grow(dst, len(json)/2)
	p := 0
	if len(json) >= 3 && json[0] == 0xef && json[1] == 0xbb && json[2] == 0xbf {
		p = 3 // a byte order mark
	}
	if w != nil && len(d.o.Hits) < d.o.Watch.n {
		return dst, &Error{Kind: KindUnsupported, Offset: -1, Message: "there is no room for the hits of the watch"}
	}
	dst, p = run(d, dst, d.space(p), w)
	if p >= 0 {
		if p = d.space(p); p < len(json) {
			p = d.fail(KindSyntax, p, "more follows after the JSON value")
		}
	}
	if p < 0 {
		return dst[:start], d.err
	}
	return dst, nil
}

// fail notes what is wrong at a position and gives the position that tells so.
func (d *decoder) fail(kind Kind, p int, message string) int {
	if d.err == nil {
		d.err = &Error{Kind: kind, Offset: min(p, len(d.in)), Message: message}
	}
	return failed
}

// syntax is fail for what is not JSON at p; it tells what was wanted there.
func (d *decoder) syntax(p int, want string) int {
	if p >= len(d.in) {
		return d.fail(KindSyntax, p, "the JSON ends where "+want+" must come")
	}
	end := p + 1
	for end < len(d.in) && end < p+16 && d.in[end] > ' ' && d.in[end] < 0x80 {
		end++
	}
	return d.fail(KindSyntax, p, show(d.in[p:end])+" where "+want+" must come")
}

func (d *decoder) tooDeep(p int) int {
	return d.fail(KindDepth, p, "messages are nested more than "+itoa(d.c.maxDepth)+" deep")
}

// within notes that a failure lies in a step of the path.
func (d *decoder) within(step string) {
	d.err.Path = joinPath(step, d.err.Path)
}

// space gives the position of the next byte that is not white space.
func (d *decoder) space(p int) int {
	for p < len(d.in) {
		switch d.in[p] {
		case ' ', '\n', '\r', '\t':
			p++
		default:
			return p
		}
	}
	return p
}

// at gives the byte at a position; 0, which is in no JSON outside of strings, at the end.
func (d *decoder) at(p int) byte {
	if uint(p) < uint(len(d.in)) {
		return d.in[p]
	}
	return 0
}

// literal gives the position after a word that starts at p, or fails.
func (d *decoder) literal(p int, word string) int {
	if len(d.in)-p >= len(word) && string(d.in[p:p+len(word)]) == word && !isWordByte(d.at(p+len(word))) {
		return p + len(word)
	}
	return d.syntax(p, "a JSON value")
}

// isWordByte tells whether a byte could belong to the literal or number before it.
func isWordByte(c byte) bool {
	return isLower(c) || isUpper(c) || isDigit(c) || c == '-' || c == '+' || c == '.' || c == '_'
}

// appendLength reserves room for a length; closeLength is given its position.
func closeLength(dst []byte, at int) []byte {
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	return closeLongLength(dst, at, n)
}

func closeLongLength(dst []byte, at, n int) []byte {
	more := 1
	for v := n >> 14; v > 0; v >>= 7 {
		more++
	}
	dst = append(dst, "\x00\x00\x00\x00\x00"[:more]...)
	copy(dst[at+1+more:], dst[at+1:at+1+n])
	for ; n >= 0x80; n >>= 7 {
		dst[at] = byte(n) | 0x80
		at++
	}
	dst[at] = byte(n)
	return dst
}

func appendVarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}
