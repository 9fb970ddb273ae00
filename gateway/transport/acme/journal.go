// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package acme

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// MostEvents is how many events a journal keeps.
	MostEvents = 200
	// mostText is how many bytes of a reason are kept: authorities write it.
	mostText = 1 << 10
)

// What an event can be.
const (
	// Loaded is a certificate that was in the storage.
	Loaded Kind = "loaded"
	// Ordered is a certificate that is asked for.
	Ordered Kind = "ordered"
	// Issued is a certificate that the authority gave.
	Issued Kind = "issued"
	// Failed is a certificate that it did not.
	Failed Kind = "failed"
	// Revoked is a certificate that the authority took back; another is asked for.
	Revoked Kind = "revoked"
)

// Kind is what an event is.
type Kind string

// Event is something that happened with a certificate.
type Event struct {
	Time time.Time
	Kind Kind
	// Domain is the name that it is for.
	Domain string
	// Renewal says that there was one before.
	Renewal bool
	// Text says why it failed, or else until when the certificate is valid; it may be empty.
	Text string
}

// Counts are how often the certificate of a name was issued, and was not, since the process began.
type Counts struct{ Issued, Failed uint64 }

// Journal keeps what happened last with the certificates of a listener. It outlives Managers, and is safe for concurrent use.
type Journal struct {
	mu     sync.Mutex
	events []Event // the last MostEvents, oldest first; guarded by mu, as is counts
	counts map[string]Counts
}

// NewJournal returns an empty journal.
func NewJournal() *Journal { return &Journal{counts: map[string]Counts{}} }

func (j *Journal) add(e Event) {
	if len(e.Text) > mostText {
		e.Text = strings.ToValidUTF8(e.Text[:mostText], "") + " […]"
	}
	e.Time = time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.events) == MostEvents {
		j.events = slices.Delete(j.events, 0, 1)
	}
	j.events = append(j.events, e)
	c := j.counts[e.Domain]
	switch e.Kind {
	case Issued:
		c.Issued++
	case Failed:
		c.Failed++
	case Loaded, Ordered, Revoked:
	}
	j.counts[e.Domain] = c
}

// Keep forgets what is counted of names that are no more.
func (j *Journal) Keep(names []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.counts
	j.counts = make(map[string]Counts, len(names))
	for _, n := range names {
		j.counts[n] = before[n]
	}
}

// Events returns what happened last, newest first.
func (j *Journal) Events() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Clone(j.events)
	slices.Reverse(all)
	return all
}

// Counts returns how often certificates were issued, by name.
func (j *Journal) Counts() map[string]Counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make(map[string]Counts, len(j.counts))
	for n, c := range j.counts {
		all[n] = c
	}
	return all
}
