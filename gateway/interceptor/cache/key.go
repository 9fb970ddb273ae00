// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Key names an answer: a SHA-256 of all that it may depend on, each behind its length (threat C12). Nobody can make two requests with
// one key that do not mean the same.
type Key [sha256.Size]byte

// String returns the key as operators see it.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	var k Key
	data, err := hex.DecodeString(s)
	if err != nil || len(data) != len(k) {
		return k, fmt.Errorf("key is %.80q; it must be %d hexadecimal digits", s, 2*len(k))
	}
	copy(k[:], data)
	return k, nil
}

// toldByGateway are what the gateway itself tells backends of a call, beside who calls and from where, that an answer may depend on: a link in
// it, for one. They are part of every key, so that who sends another Host gets answers for himself alone.
func toldByGateway(name string) bool {
	return name == "x-forwarded-host" || name == "x-forwarded-proto"
}

// hasher makes keys. It is used by one goroutine at a time.
type hasher struct {
	sum  hash.Hash
	head []byte
	form canonicalizer
}

var hashers = sync.Pool{New: func() any { return &hasher{sum: sha256.New()} }}

// key returns the key of a call with its request, for answers of a backend.
func (m *method) key(c *transcoder.Call, backend string, message []byte) (k Key) {
	h, ok := hashers.Get().(*hasher)
	if !ok {
		return k
	}
	defer hashers.Put(h)
	h.head = appendText(append(h.head[:0], m.scope[:]...), backend)
	h.head = appendFields(h.head, c.Metadata, toldByGateway)
	if m.policy.who {
		h.head = appendWho(h.head, c, m.callers)
	}
	for i := range m.policy.vary {
		h.head = m.policy.vary[i].append(h.head, c)
	}
	if form, ok := h.form.canonical(m.request, message); ok {
		message = form
	}
	h.sum.Reset()
	h.sum.Write(h.head)
	h.sum.Write(message) // last, so that it needs no length
	h.sum.Sum(k[:0])
	return k
}

// scopeOf is a hash of what all answers of a method have in common: its name, all that its descriptor is made of, the policy, and what else says
// what the backend is sent. An answer is used as long as it stays the same, over reloads and in other gateways.
func scopeOf(m *transcoder.Method, cfg *PolicyConfig, sent string) [sha256.Size]byte {
	h := sha256.New()
	add := func(s string) { h.Write(protowire.AppendString(nil, s)) }
	add("dragoman cache 1")
	add(m.Path)
	add(sent)
	add(fmt.Sprintf("%q %t %d %d %d %q", cfg.Vary, cfg.Shared, cfg.TTL, cfg.StaleWhileRevalidate, cfg.StaleIfError, cfg.Metadata))
	describe(m.Desc.Input(), map[protoreflect.FullName]bool{}, add)
	describe(m.Desc.Output(), map[protoreflect.FullName]bool{}, add)
	return [sha256.Size]byte(h.Sum(nil))
}

// describe adds a message and all that it is made of.
func describe(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool, add func(string)) {
	if seen[d.FullName()] {
		return
	}
	seen[d.FullName()] = true
	add(string(d.FullName()))
	add(d.ParentFile().Syntax().String())
	addProto(d.ParentFile().Options(), add) // features
	addProto(protodesc.ToDescriptorProto(d), add)
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		if inner := fd.Message(); inner != nil {
			describe(inner, seen, add)
		}
		if e := fd.Enum(); e != nil && !seen[e.FullName()] {
			seen[e.FullName()] = true
			add(string(e.FullName()))
			addProto(protodesc.ToEnumDescriptorProto(e), add)
		}
	}
}

func addProto(m proto.Message, add func(string)) {
	data, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.MarshalAppend(nil, m)
	if err != nil {
		data = []byte(err.Error()) // a descriptor that is in use can be written
	}
	add(string(data))
}
