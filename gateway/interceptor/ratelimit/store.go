// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Store keeps buckets that several gateways share. It is used by many goroutines at a time.
type Store interface {
	// Up tells whether it is worth asking. It does not block.
	Up() bool
	// Take takes tokens. It may block until ctx ends, and no longer than is good for a call. An error says that the store cannot tell; the
	// tokens may have been taken all the same.
	Take(ctx context.Context, q *Query) (Outcome, error)
}

// Query asks a store for tokens.
type Query struct {
	// Rule is the name of the rule; Key is what has the bucket within it, any bytes.
	Rule string
	Key  []byte
	// Interval is the time in which one token comes, Capacity that in which all come.
	Interval, Capacity time.Duration
	// Least is how many are needed, and Most how many are taken if they are there.
	Least, Most int64

	call  *transcoder.Call
	bound *bound
	first []byte
}

// Outcome is what a store says.
type Outcome struct {
	// Granted is how many tokens were taken; 0 where there are not enough.
	Granted int64
	// Left is how many are left, Full how long until all are there, and Wait how long until there are enough where Granted is 0.
	Left       int64
	Full, Wait time.Duration
}

// Entry says one thing of a call by which it is counted.
type Entry struct {
	// Name is how the part of the key is written, such as client.address; with "-bin" behind it where Value is base64.
	Name string
	// Value is what the call has, in UTF-8.
	Value string
}

// newEntry returns an entry. What is not UTF-8 goes as base64 under a name of its own: what no message can carry would look as if the store were at
// fault (threat G6), and what stands in its place must not be another caller's (threat G2).
func newEntry(name, value string) Entry {
	if !utf8.ValidString(value) {
		return Entry{Name: name + "-bin", Value: base64.StdEncoding.EncodeToString([]byte(value))}
	}
	return Entry{Name: name, Value: value}
}

// Entries are the parts of the call's key, as texts.
func (q *Query) Entries() []Entry {
	for _, list := range q.bound.rule.Key.alternatives {
		entries := make([]Entry, 0, len(list))
		for i := range list {
			text, ok := list[i].text(q.call, q.bound.fields, q.first)
			if !ok {
				break
			}
			entries = append(entries, newEntry(list[i].label, text))
		}
		if len(entries) == len(list) {
			return entries
		}
	}
	return nil
}
