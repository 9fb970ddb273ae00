// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// store stores the answer that a call has had, and returns it as it is stored; nil, and why, where it is not. The answer stays the caller's.
func (k *Cache) store(m *method, key Key, c *transcoder.Call, answer *transcoder.Message, since int64) (*entry, refusal) {
	now := time.Now()
	e, refused := k.entryOf(m, key, c, answer, now)
	if refused == "" && !k.memory.put(e, since) {
		refused = refusedByPurge
	}
	if refused != "" {
		k.counters.notStored.Add(1)
		k.memory.put(&entry{key: key, scope: m.scope, method: m.of.Path, pass: true, life: life{born: now, fresh: passTime}}, since)
		return nil, refused
	}
	k.counters.stored.Add(1)
	k.share(e, now)
	return e, ""
}

// entryOf makes what is stored of an answer.
func (k *Cache) entryOf(m *method, key Key, c *transcoder.Call, answer *transcoder.Message, now time.Time) (*entry, refusal) {
	said := directivesOf(c.Header, c.Trailer)
	lives, refused := m.policy.lifeOf(c.Header, c.Trailer, &said, now)
	if refused != "" {
		return nil, refused
	}
	tags, ok := tagsOf(k.config.TagField, c.Header, c.Trailer)
	if !ok || answer.Data.Len() > k.config.Largest {
		return nil, refusedTooLarge
	}
	e := &entry{
		life: lives, key: key, scope: m.scope, method: m.of.Path, encoding: answer.Encoding, tags: tags,
		header: m.policy.allowed(c.Header, said.fields), trailer: m.policy.allowed(c.Trailer, said.fields),
	}
	if e.size()+answer.Data.Len() > k.config.Largest {
		return nil, refusedTooLarge
	}
	e.message = make([]byte, answer.Data.Len()) // the buffers that it stands in may be larger, and are others'
	answer.Data.CopyTo(e.message)
	return e, ""
}
