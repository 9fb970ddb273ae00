// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"crypto/sha256"
	"slices"
	"strings"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Bounds of what is kept of an answer beside its message.
const (
	// MaxTags is how many tags an answer has at most; one with more is not stored, since it could not be purged by them.
	MaxTags = 32
	// MaxTag is how long a tag is at most.
	MaxTag = 128
	// entryOverhead is about what an entry takes beside its texts and bytes.
	entryOverhead = 512
)

// entry is a stored answer. It is not changed once it is stored.
type entry struct {
	life

	key      Key
	scope    [sha256.Size]byte
	method   string // the path
	message  []byte // as it came from the backend
	encoding string // of message; "" for none
	header   wire.Header
	trailer  wire.Header
	tags     []string
	pass     bool // there is no answer: those of this key are not stored, so that nobody waits for one
}

// size is how many bytes the entry counts as.
func (e *entry) size() int {
	n := entryOverhead + len(e.message) + len(e.method)
	for _, h := range []wire.Header{e.header, e.trailer} {
		for i := range h {
			n += fieldOverhead + len(h[i].Name) + len(h[i].Value)
		}
	}
	for _, tag := range e.tags {
		n += fieldOverhead + len(tag)
	}
	return n
}

const fieldOverhead = 32

// answer returns the message, whose bytes are shared by all who are answered with it: nobody writes into them.
func (e *entry) answer() transcoder.Message {
	return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(e.message)}, Encoding: e.encoding}
}

// allowed returns the fields that may be stored. Those that the answer itself keeps out are not.
func (p *Policy) allowed(h wire.Header, except []string) wire.Header {
	var kept wire.Header
	for i := range h {
		if _, ok := slices.BinarySearch(p.stored, h[i].Name); ok && !slices.Contains(except, h[i].Name) {
			kept = append(kept, wire.Field{Name: strings.Clone(h[i].Name), Value: strings.Clone(h[i].Value)})
		}
	}
	return kept
}

// tagsOf returns the tags of an answer; it is false where there are too many, or one that is too long.
func tagsOf(name string, lists ...wire.Header) ([]string, bool) {
	var tags []string
	for _, h := range lists {
		for i := range h {
			if h[i].Name != name {
				continue
			}
			for tag := range strings.FieldsFuncSeq(h[i].Value, func(r rune) bool { return r == ',' || r == ' ' }) {
				if len(tag) > MaxTag || len(tags) == MaxTags {
					return nil, false
				}
				if !slices.Contains(tags, tag) {
					tags = append(tags, strings.Clone(tag))
				}
			}
		}
	}
	return tags, true
}
