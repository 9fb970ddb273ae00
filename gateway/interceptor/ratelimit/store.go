// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"time"

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
	// Name is how the part of the key is written, such as client.address.
	Name string
	// Value is what the call has.
	Value string
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
			entries = append(entries, Entry{Name: list[i].label, Value: text})
		}
		if len(entries) == len(list) {
			return entries
		}
	}
	return nil
}
