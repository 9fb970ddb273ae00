// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Bounds of what is known of the keys that a rule refuses.
const (
	// HotKeys is how many of them are told.
	HotKeys = 10
	// HotSpan is how far back that goes at least; at most it goes twice as far.
	HotSpan = time.Minute

	hotTracked = 32 // keys that are counted apart within a span
	maxHotText = 64 // bytes of a part of a key that are kept
)

// State is how a rule fares.
type State struct {
	// Rule is the rule; its Name is that of the configuration, or of the method or service whose schema has it.
	Rule Rule
	// Index is its place among the rules of the configuration; -1 for one of a schema.
	Index int
	// Admitted and Refused count calls, or messages where these are counted. Alone is how many of them were decided without the store although the rule
	// is shared.
	Admitted, Refused, Alone uint64
	// Keys is how many keys are remembered.
	Keys int
	// Hottest are the keys that were refused most of late, the first the most, at most HotKeys. What is not among the hotTracked that come most
	// often is counted with others.
	Hottest []HotKey
}

// HotKey is a key and how often it was refused.
type HotKey struct {
	// Parts are those of the key. What a part says of header fields, claims and requests is never kept, but a Mask of it.
	Parts []Entry
	// Refused is how often it was refused.
	Refused uint64
}

// all returns the rules of the configuration in their order, then those of schemas by name.
func (l *Limiter) all() []*rule {
	rules := slices.Clone(l.rules)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(l.declared)) {
		rules = append(rules, l.declared[name])
	}
	return rules
}

// Count is what a rule has counted.
type Count struct {
	// Name is that of the rule.
	Name string
	// Admitted and Refused are as in State.
	Admitted, Refused uint64
}

// Counts tells what the rules have counted, those of the configuration first. It costs less than States, which looks at every key.
func (l *Limiter) Counts() []Count {
	rules := l.all()
	counts := make([]Count, 0, len(rules))
	for _, r := range rules {
		counts = append(counts, Count{Name: r.Name, Admitted: r.figures.admitted.Load(), Refused: r.figures.refused.Load()})
	}
	return counts
}

// States tells how the rules fare: those of the configuration in their order, then those of schemas by name.
func (l *Limiter) States() []State {
	rules := l.all()
	keys := l.table.count()
	states := make([]State, 0, len(rules))
	for _, r := range rules {
		states = append(states, State{
			Rule: r.Rule, Index: r.index, Admitted: r.figures.admitted.Load(), Refused: r.figures.refused.Load(), Alone: r.figures.alone.Load(),
			Keys: keys[string(r.id)], Hottest: r.figures.hottest(time.Now()),
		})
	}
	return states
}

// count returns how many keys of each rule are remembered, by what its keys begin with.
func (t *Table) count() map[string]int {
	counts := map[string]int{}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for key := range s.entries {
			counts[ruleOf(key)]++
		}
		s.mu.Unlock()
	}
	return counts
}

// ruleOf returns what the keys of the rule begin with that a key is of.
func ruleOf(key string) string {
	if len(key) >= 2+declaredBytes && key[0] == declaredID && key[1] == declaredID-1 {
		return key[:2+declaredBytes]
	}
	return key[:min(1, len(key))]
}

// figures count what a rule does. They are safe for concurrent use.
type figures struct {
	admitted, refused, alone atomic.Uint64

	mu         sync.Mutex
	young, old map[string]*HotKey // by their text; guarded by mu
	began      time.Time          // when young began; guarded by mu
}

// refuse counts a refusal, and whose it was.
func (f *figures) refuse(b *bound, c *transcoder.Call, message []byte) {
	f.refused.Add(1)
	parts := b.rule.Key.shown(c, b.fields, message)
	var text strings.Builder
	for _, p := range parts {
		text.WriteString(p.Name)
		text.WriteByte('=')
		text.WriteString(p.Value)
		text.WriteByte('\n')
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turnLocked(now)
	if own := f.young[text.String()]; own != nil {
		own.Refused++
		return
	}
	next := &HotKey{Parts: parts, Refused: 1}
	if len(f.young) >= hotTracked {
		// The key that came least gives up its place and its count, so that one that comes often from now on is not missed: the "space saving" of
		// Metwally, Agrawal and El Abbadi, 2005.
		least := ""
		for key, own := range f.young {
			if least == "" || own.Refused < f.young[least].Refused {
				least = key
			}
		}
		next.Refused += f.young[least].Refused
		delete(f.young, least)
	}
	f.young[text.String()] = next
}

// turnLocked begins a new span where the last one is over.
func (f *figures) turnLocked(now time.Time) {
	switch age := now.Sub(f.began); {
	case f.young == nil || age >= 2*HotSpan:
		f.young, f.old, f.began = map[string]*HotKey{}, nil, now
	case age >= HotSpan:
		f.young, f.old, f.began = map[string]*HotKey{}, f.young, f.began.Add(HotSpan)
	}
}

// hottest returns the keys that were refused most of late.
func (f *figures) hottest(now time.Time) []HotKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.young == nil {
		return nil
	}
	f.turnLocked(now)
	both := map[string]HotKey{}
	for _, from := range []map[string]*HotKey{f.old, f.young} {
		for key, own := range from {
			sum := *own
			sum.Refused += both[key].Refused
			both[key] = sum
		}
	}
	order := slices.SortedFunc(maps.Keys(both), func(a, b string) int {
		return cmp.Or(cmp.Compare(both[b].Refused, both[a].Refused), cmp.Compare(a, b))
	})
	var all []HotKey
	for _, key := range order[:min(HotKeys, len(order))] {
		all = append(all, both[key])
	}
	return all
}

// shown are the parts of a call's key as operators may see them; none for a call that has none.
func (k *Key) shown(c *transcoder.Call, fields []*field, message []byte) []Entry {
	for _, list := range k.alternatives {
		parts := make([]Entry, 0, len(list))
		for i := range list {
			value, ok := list[i].text(c, fields, message)
			if !ok {
				break
			}
			switch list[i].kind {
			case authClaim, header, requestField: // which may be secret
				value = Mask(value)
			case clientAddress, authSubject, authTenant, authProvider, method, service, listener:
				value = cutText(value)
			}
			parts = append(parts, Entry{Name: list[i].label, Value: value})
		}
		if len(parts) == len(list) {
			return parts
		}
	}
	return nil
}

// cutText makes a text of a client's one that can be shown: of UTF-8, and not long.
func cutText(s string) string {
	if len(s) > maxHotText {
		return strings.ToValidUTF8(s[:maxHotText], "") + "…"
	}
	return strings.ToValidUTF8(s, "\ufffd")
}
