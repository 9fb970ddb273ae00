// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"slices"
	"strings"

	"github.com/dragoman-gateway/dragoman/internal/frames"
)

// The representations of fields (RFC 7541 section 6), with the bits of the number that follows.
const (
	indexed, indexedBits   = 0x80, 7
	adding, addingBits     = 0x40, 6
	resizing, resizingBits = 0x20, 5
	never, neverBits       = 0x10, 4
	passing, passingBits   = 0x00, 4
	plainBits              = 7 // of the length of a string without Huffman's coding
)

// The static table's (RFC 7541 appendix A).
const (
	staticEntries     = 61
	staticPost        = 3
	staticHTTP        = 6
	staticHTTPS       = 7
	staticAuthority   = 1
	staticPath        = 4
	staticContentType = 31
	staticUserAgent   = 58
)

// mostMetadata is how much of the table callers' own fields may take, so that there is room for methods.
const mostMetadata = frames.TableSize / 2

// headEncoder writes heads of requests. What is the same for many calls is added to the dynamic table until that is full, and then stays: nothing is
// ever evicted, so the number of an entry is known without looking for it, and all that calls of one method have in common is written once. It
// is guarded by the connection's mu.
type headEncoder struct {
	size     int // the dynamic table's, in bytes, as HPACK counts
	used     int
	metadata int // of used
	count    int // of entries
	entries  map[entry]int
	names    map[string]int // of an entry that has it

	resized  bool // the server is to be told that the table was emptied
	prefixes map[string]*prefix
}

type entry struct{ name, value string }

// prefix is what all calls of a method begin with that name the same server and content type.
type prefix struct {
	encoded                []byte
	authority, contentType string
	complete               int // with how many entries it is valid; the numbers of entries change with each that is added
}

func (p *prefix) is(r *Request) bool {
	return p.authority == r.Authority && p.contentType == r.ContentType && r.Encoding == ""
}

func (h *headEncoder) init() {
	h.size = frames.TableSize
	h.empty()
}

func (h *headEncoder) empty() {
	h.used, h.metadata, h.count = 0, 0, 0
	h.entries, h.names, h.prefixes = map[entry]int{}, map[string]int{}, map[string]*prefix{}
}

// resize empties the table: the server says that it may have so many bytes.
func (h *headEncoder) resize(size int) {
	h.size = size
	h.resized = true
	h.empty()
}

// begin appends what comes before all fields.
func (h *headEncoder) begin(b []byte) []byte {
	if h.resized {
		h.resized = false
		b = appendNumber(b, resizing, resizingBits, 0)
		if h.size > 0 {
			b = appendNumber(b, resizing, resizingBits, h.size)
		}
	}
	return b
}

// mostPrefixes is of how many methods the prefix is kept.
const mostPrefixes = 1024

// common appends what all calls of a method have in common.
func (h *headEncoder) common(b []byte, c *Conn, r *Request) []byte {
	p := h.prefixes[r.Path]
	valid := p != nil && p.complete == h.count
	if valid && p.is(r) {
		return append(b, p.encoded...)
	}
	at, had := len(b), h.count
	scheme := staticHTTP
	if c.config.Secure {
		scheme = staticHTTPS
	}
	b = appendNumber(b, indexed, indexedBits, staticPost)
	b = appendNumber(b, indexed, indexedBits, scheme)
	b = h.field(b, ":path", r.Path, staticPath, h.size-mostMetadata)
	b = h.field(b, ":authority", r.Authority, staticAuthority, h.size)
	b = h.field(b, "content-type", r.ContentType, staticContentType, h.size)
	b = h.field(b, "user-agent", c.config.UserAgent, staticUserAgent, h.size)
	b = h.field(b, "te", "trailers", 0, h.size)
	if r.Encoding != "" {
		b = h.field(b, "grpc-encoding", r.Encoding, 0, h.size)
		return h.field(b, "grpc-accept-encoding", r.Encoding, 0, h.size)
	}
	if h.count == had && !valid && (p != nil || len(h.prefixes) < mostPrefixes) {
		h.prefixes[strings.Clone(r.Path)] = &prefix{slices.Clone(b[at:]), strings.Clone(r.Authority), strings.Clone(r.ContentType), h.count}
	}
	return b
}

// field appends a field that is added to the table while that has fewer bytes than most; static is the name's number in the static table, 0 for
// none.
func (h *headEncoder) field(b []byte, name, value string, static, most int) []byte {
	if at, ok := h.entries[entry{name, value}]; ok {
		return appendNumber(b, indexed, indexedBits, h.number(at))
	}
	if size := len(name) + len(value) + fieldOverhead; h.used+size <= min(most, h.size) {
		b = h.named(b, adding, addingBits, name, static)
		h.add(name, value, size)
		return appendString(b, value)
	}
	return appendString(h.named(b, passing, passingBits, name, static), value)
}

// own appends a field of a caller.
func (h *headEncoder) own(b []byte, name, value string) []byte {
	switch name {
	case "authorization", "cookie", "proxy-authorization":
		return appendString(h.named(b, never, neverBits, name, 0), value)
	}
	if at, ok := h.entries[entry{name, value}]; ok {
		return appendNumber(b, indexed, indexedBits, h.number(at))
	}
	// The first value of a name is remembered: it may be that of most, and it takes the name along.
	size := len(name) + len(value) + fieldOverhead
	if _, ok := h.names[name]; !ok && h.used+size <= h.size && h.metadata+size <= mostMetadata {
		b = h.named(b, adding, addingBits, name, 0)
		h.add(name, value, size)
		h.metadata += size
		return appendString(b, value)
	}
	return appendString(h.named(b, passing, passingBits, name, 0), value)
}

func (h *headEncoder) add(name, value string, size int) {
	name, value = strings.Clone(name), strings.Clone(value) // they may be of a large head
	h.entries[entry{name, value}] = h.count
	h.names[name] = h.count
	h.count++
	h.used += size
}

// number returns that of an entry, which is counted from the newest.
func (h *headEncoder) number(at int) int { return staticEntries + h.count - at }

// named appends the beginning of a field, with its name or the number of that.
func (h *headEncoder) named(b []byte, kind byte, bits int, name string, static int) []byte {
	if static == 0 {
		if at, ok := h.names[name]; ok {
			static = h.number(at)
		}
	}
	b = appendNumber(b, kind, bits, static)
	if static == 0 {
		b = appendString(b, name)
	}
	return b
}

// appendNumber appends a number whose first bits are in a byte with kind (RFC 7541 section 5.1).
func appendNumber(b []byte, kind byte, bits, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(b, kind|byte(n)) //nolint:gosec // it has so many bits
	}
	b = append(b, kind|byte(most)) //nolint:gosec // likewise
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80) //nolint:gosec // the rest follows
	}
	return append(b, byte(n)) //nolint:gosec // it is less than 128
}

func appendString(b []byte, s string) []byte {
	return append(appendNumber(b, 0, plainBits, len(s)), s...)
}
