// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

func storedEntry() *entry {
	return &entry{
		life: life{born: time.UnixMilli(1_800_000_000_000), fresh: time.Minute, staleRevalidate: time.Hour, staleError: time.Second, mustRevalidate: true},
		key:  Key{1, 2, 3}, scope: [32]byte{4, 5}, message: []byte("answer"), encoding: "gzip", tags: []string{"red", "blue"},
		header: wire.Header{{Name: "x-a", Value: "1"}, {Name: "x-a", Value: ""}}, trailer: wire.Header{{Name: "x-b", Value: "2"}},
	}
}

func TestEntriesOfTheSharedStore(t *testing.T) {
	t.Parallel()
	want := storedEntry()
	data := encodeEntry(want)
	got, err := decodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{}, life{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if tags, ok := TagsOf(data[:12]); !ok || strings.Join(tags, " ") != "red blue" {
		t.Errorf("the tags are %q", tags)
	}
	for i := range len(data) - len(want.message) {
		if _, err := decodeEntry(data[:i]); err == nil {
			t.Errorf("%d bytes of it are an entry", i)
		}
	}
	for name, bad := range map[string][]byte{"another version": append([]byte{entryVersion + 1}, data[1:]...), "nothing": nil, "text": []byte("hello"), "many tags": {entryVersion, 0xff, 0x7f}} {
		if _, err := decodeEntry(bad); err == nil {
			t.Errorf("%s is an entry", name)
		}
		if _, ok := TagsOf(bad); ok {
			t.Errorf("%s has tags", name)
		}
	}
	full := &entry{}
	for i := range MaxTags {
		full.tags = append(full.tags, strings.Repeat(string(rune('a'+i%26)), MaxTag-1)+string(rune('A'+i%26)))
	}
	if tags, ok := TagsOf(encodeEntry(full)[:TagsSize]); !ok || len(tags) != MaxTags {
		t.Errorf("%d tags do not fit into TagsSize", len(tags))
	}
}

// Threat G7 and fuzz target 22: whatever the store answers, what is read has bounds, can be sent, and is written as it was read.
func FuzzEntry(f *testing.F) {
	f.Add(encodeEntry(storedEntry()))
	f.Add(encodeEntry(&entry{}))
	f.Add([]byte{entryVersion, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeEntry(data)
		if err != nil {
			return
		}
		if e.kept() > MaxTTL+MaxStale || e.size() > 40*len(data)+2*entryOverhead {
			t.Errorf("%x: it is kept for %s, and counts as %d bytes", data, e.kept(), e.size())
		}
		for _, h := range []wire.Header{e.header, e.trailer} {
			for _, field := range h {
				if !wire.ValidName(field.Name) || !wire.ValidValue(field.Value) {
					t.Errorf("%x: a field %q: %q", data, field.Name, field.Value)
				}
			}
		}
		again, err := decodeEntry(encodeEntry(e))
		if err != nil || !bytes.Equal(again.message, e.message) || again.key != e.key || again.life != e.life {
			t.Errorf("%x is read as %+v, and again as %+v, %v", data, e, again, err)
		}
	})
}

// liar is a store that answers what it was told to, whatever it is asked.
type liar struct {
	answer []byte
	err    error
}

func (s *liar) Up() bool                                         { return true }
func (s *liar) Get(context.Context, string, Key) ([]byte, error) { return s.answer, s.err }
func (s *liar) Set(string, Key, []byte, time.Duration) bool      { return false }
func (s *liar) Purge(Purge)                                      {}

// Threat G7: an answer to another question, of another schema, from the future or too old is none.
func TestThreatG7AnswersOfTheSharedStore(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name string
		edit func(*entry)
		want bool
	}{
		{"the one that was asked for", func(*entry) {}, true},
		{"by a clock that is a little ahead", func(e *entry) { e.born = now.Add(clockSkew / 2) }, true},
		{"of another key", func(e *entry) { e.key[31]++ }, false},
		{"of another schema", func(e *entry) { e.scope[0]++ }, false},
		{"from the future", func(e *entry) { e.born = now.Add(time.Hour) }, false},
		{"too old", func(e *entry) { e.born = now.Add(-2 * time.Hour) }, false},
		{"too large", func(e *entry) { e.message = make([]byte, DefaultLargest) }, false},
	} {
		store := &liar{}
		k, err := New(Config{Shared: store})
		if err != nil {
			t.Fatal(err)
		}
		e := storedEntry()
		e.born = now
		m := &method{of: &transcoder.Method{Path: "/a.B/Get"}, scope: e.scope}
		l := &lookup{cache: k, method: m, key: e.key, call: transcoder.NewCall(t.Context(), &transcoder.Request{})}
		tt.edit(e)
		store.answer = encodeEntry(e)
		got := l.fromShared(now)
		if (got != nil) != tt.want || tt.want && (got.born.After(now) || k.memory.find(l.key, now) != got) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	for _, store := range []*liar{{answer: []byte("garbage")}, {err: context.DeadlineExceeded}, {}} {
		k, err := New(Config{Shared: store})
		if err != nil {
			t.Fatal(err)
		}
		l := &lookup{cache: k, method: &method{of: &transcoder.Method{}}, call: transcoder.NewCall(t.Context(), &transcoder.Request{})}
		if got := l.fromShared(now); got != nil {
			t.Errorf("%q, %v is %+v", store.answer, store.err, got)
		}
	}
}
