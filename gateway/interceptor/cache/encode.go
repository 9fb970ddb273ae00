// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// entryVersion is what entries in the shared store begin with. Another one is another form.
const entryVersion = 1

// errEntry says that bytes are no entry.
var errEntry = errors.New("what the shared store has is no answer of this version")

// encodeEntry writes an entry for the shared store. The key stands in it, so that nobody takes the answer to another question for theirs
// (threat G7).
func encodeEntry(e *entry) []byte {
	b := make([]byte, 0, e.size())
	b = append(b, entryVersion)
	b = protowire.AppendVarint(b, uint64(len(e.tags))) // first, so that TagsOf need not have all
	for _, tag := range e.tags {
		b = protowire.AppendString(b, tag)
	}
	b = append(append(b, e.key[:]...), e.scope[:]...)
	flags := uint64(0)
	if e.mustRevalidate {
		flags = 1
	}
	for _, n := range []uint64{uint64(e.born.UnixMilli()), uint64(e.fresh), uint64(e.staleRevalidate), uint64(e.staleError), flags} { //nolint:gosec // none is negative
		b = protowire.AppendVarint(b, n)
	}
	b = protowire.AppendString(b, e.encoding)
	for _, h := range []wire.Header{e.header, e.trailer} {
		b = protowire.AppendVarint(b, uint64(len(h)))
		for i := range h {
			b = protowire.AppendString(protowire.AppendString(b, h[i].Name), h[i].Value)
		}
	}
	return append(b, e.message...)
}

// decoder reads what encodeEntry wrote. After the first mistake it reads nothing more.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) bytes(n uint64) []byte {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) number() uint64 {
	if d.bad {
		return 0
	}
	v, n := protowire.ConsumeVarint(d.rest)
	if n < 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string { return string(d.bytes(d.number())) }

// duration reads a time of at most most.
func (d *decoder) duration(most time.Duration) time.Duration {
	n := d.number()
	if n > uint64(most) {
		d.bad = true
		return 0
	}
	return time.Duration(n)
}

// count reads how many of something follow, each of which takes at least a byte.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) header() wire.Header {
	var h wire.Header
	for range d.count() {
		f := wire.Field{Name: d.text(), Value: d.text()}
		if d.bad || !wire.ValidName(f.Name) || !wire.ValidValue(f.Value) {
			d.bad = true
			return nil
		}
		h = append(h, f)
	}
	return h
}

// TagsSize is how much of an entry TagsOf needs at most.
const TagsSize = 1 + 2 + MaxTags*(2+MaxTag)

// TagsOf returns the tags of an encoded entry, of which the first TagsSize bytes are enough; it is false for what is none.
func TagsOf(data []byte) ([]string, bool) {
	d := &decoder{rest: data}
	tags := d.tags()
	return tags, !d.bad
}

// tags reads the version and the tags.
func (d *decoder) tags() []string {
	if v := d.bytes(1); d.bad || v[0] != entryVersion {
		d.bad = true
		return nil
	}
	n := d.number()
	d.bad = d.bad || n > MaxTags
	var tags []string
	for range n {
		tag := d.text()
		if d.bad || len(tag) > MaxTag {
			d.bad = true
			return nil
		}
		tags = append(tags, tag)
	}
	return tags
}

// decodeEntry reads an entry of the shared store. What is not checked here is whether it is the answer that was asked for.
func decodeEntry(data []byte) (*entry, error) {
	d := &decoder{rest: data}
	e := &entry{tags: d.tags()}
	copy(e.key[:], d.bytes(uint64(len(e.key))))
	copy(e.scope[:], d.bytes(uint64(len(e.scope))))
	const latest = 1 << 50 // far away, and a number of milliseconds that time can hold
	born := d.number()
	d.bad = d.bad || born > latest
	e.born = time.UnixMilli(int64(born)) //nolint:gosec // see above
	e.fresh, e.staleRevalidate, e.staleError = d.duration(MaxTTL), d.duration(MaxStale), d.duration(MaxStale)
	e.mustRevalidate = d.number()&1 != 0
	e.encoding = d.text()
	e.header, e.trailer = d.header(), d.header()
	if d.bad {
		return nil, errEntry
	}
	e.message = d.rest
	return e, nil
}
