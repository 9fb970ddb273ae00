// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"strconv"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// cacheName is what the gateway calls itself in Cache-Status.
const cacheName = "dragoman; "

// note counts how a call gets its answer, and says so in the log and in the head of the answer. e is the stored answer, nil where it is
// the backend's.
//
// https://www.rfc-editor.org/rfc/rfc9211.html
func (l *lookup) note(result transcoder.CacheResult, e *entry, how string) {
	c := l.call
	c.Cache = result
	l.cache.counters.of(result).Add(1)
	if e == nil {
		c.AnswerFields.Add("cache-status", cacheName+how)
		return
	}
	age := time.Since(e.born)
	left := (e.fresh - age) / time.Second
	if e.fresh < age {
		left-- // a ttl of 0 is fresh
	}
	c.AnswerFields.Add("age", strconv.FormatInt(int64(age/time.Second), 10))
	c.AnswerFields.Add("cache-status", cacheName+how+"; ttl="+strconv.FormatInt(int64(left), 10))
}

// forwarded is how Cache-Status says why the backend was asked, and what became of the answer.
func (l *lookup) forwarded(e *entry, refused refusal) string {
	how := "fwd=miss"
	switch {
	case l.directives.noCache:
		how = "fwd=request"
	case e != nil && !e.pass:
		how = "fwd=stale"
	}
	if refused == "" {
		return how + "; stored"
	}
	return how + "; detail=" + string(refused)
}
