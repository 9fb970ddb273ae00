// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// refusal says why an answer is not stored; "" for one that is.
type refusal string

const (
	refusedNoStore   refusal = "no-store"
	refusedPrivate   refusal = "private"
	refusedNoCache   refusal = "no-cache"
	refusedCookie    refusal = "set-cookie"
	refusedVary      refusal = "vary"
	refusedNoTime    refusal = "no-lifetime"
	refusedTooLarge  refusal = "too-large"
	refusedByPurge   refusal = "purged"
	refusedByRequest refusal = "request"
)

// life is how long an answer may be used.
type life struct {
	born            time.Time     // when the backend made it
	fresh           time.Duration // from then on
	staleRevalidate time.Duration // behind fresh: while a new one is fetched
	staleError      time.Duration // behind fresh: while none can be had
	mustRevalidate  bool          // never used when it is no longer fresh
}

// kept is how long it is of any use.
func (l *life) kept() time.Duration { return l.fresh + max(l.staleRevalidate, l.staleError) }

// lifeOf decides whether an answer is stored that has come now, and for how long.
func (p *Policy) lifeOf(header, trailer wire.Header, d *directives, now time.Time) (life, refusal) {
	switch {
	case d.noStore:
		return life{}, refusedNoStore
	case d.private:
		return life{}, refusedPrivate
	case d.noCache:
		return life{}, refusedNoCache // there is no way to ask a gRPC server whether an answer is still right
	case header.Has("set-cookie") || trailer.Has("set-cookie") || header.Has("set-cookie2") || trailer.Has("set-cookie2"):
		return life{}, refusedCookie
	case !p.coversVary(header) || !p.coversVary(trailer):
		return life{}, refusedVary
	}
	l := life{born: now.Add(-ageOf(header)), mustRevalidate: d.mustRevalidate}
	switch {
	case d.sharedMaxAge != unset:
		l.fresh = d.sharedMaxAge
	case d.maxAge != unset:
		l.fresh = d.maxAge
	case header.Has("expires"):
		l.fresh = untilExpiry(header, now) + now.Sub(l.born)
	default:
		l.fresh = p.config.TTL
	}
	l.fresh = min(l.fresh, MaxTTL)
	if !l.mustRevalidate {
		l.staleRevalidate, l.staleError = p.config.StaleWhileRevalidate, p.config.StaleIfError
		if d.staleWhileRevalidate != unset {
			l.staleRevalidate = min(d.staleWhileRevalidate, MaxStale)
		}
		if d.staleIfError != unset {
			l.staleError = min(d.staleIfError, MaxStale)
		}
	}
	if now.Sub(l.born) >= l.fresh {
		return life{}, refusedNoTime
	}
	return l, ""
}

// ageOf is how old an answer was that another cache before the backend has answered.
func ageOf(header wire.Header) time.Duration {
	age := time.Duration(0)
	for i := range header {
		if header[i].Name == "age" {
			age = max(age, secondsOf(strings.TrimSpace(header[i].Value)))
		}
	}
	return age
}

// untilExpiry is how long it is until Expires; one that is no date is in the past.
//
// https://www.rfc-editor.org/rfc/rfc9111.html#section-5.3
func untilExpiry(header wire.Header, now time.Time) time.Duration {
	expires, err := http.ParseTime(header.Get("expires"))
	if err != nil {
		return 0
	}
	from := now
	if date, err := http.ParseTime(header.Get("date")); err == nil {
		from = date
	}
	return max(expires.Sub(from), 0)
}

// coversVary tells whether all that an answer says it depends on is part of its key. The encoding is not: it is no matter of the backend.
func (p *Policy) coversVary(fields wire.Header) bool {
	for i := range fields {
		if fields[i].Name != "vary" {
			continue
		}
		for name := range strings.SplitSeq(fields[i].Value, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "" || name == "accept-encoding" || name == "grpc-accept-encoding" {
				continue
			}
			if !slices.ContainsFunc(p.vary, func(v part) bool { return v.kind == partHeader && v.name == name }) {
				return false
			}
		}
	}
	return true
}

// use is what a stored answer is good for.
type use int

const (
	useNot       use = iota // a new one must be had
	useFresh                // it is as good as new
	useStale                // it is not fresh, and wanted all the same
	useRefreshed            // as useStale, while a new one is fetched
)

// judge decides what an answer is good for that was stored before, for a request.
//
// https://www.rfc-editor.org/rfc/rfc9111.html#section-4.2.4
func (l *life) judge(now time.Time, request *directives) use {
	age := now.Sub(l.born)
	switch {
	case request.noCache:
		return useNot
	case request.maxAge != unset && age > request.maxAge && request.maxStale == unset:
		return useNot
	case request.minFresh != unset && l.fresh-age < request.minFresh:
		return useNot
	case age < l.fresh && (request.maxAge == unset || age <= request.maxAge):
		return useFresh
	case l.mustRevalidate:
		return useNot
	}
	fresh := l.fresh
	if request.maxAge != unset {
		fresh = min(fresh, request.maxAge)
	}
	stale := age - fresh
	switch {
	case age-l.fresh < l.staleRevalidate && (request.maxAge == unset || age <= request.maxAge):
		return useRefreshed
	case request.maxStale != unset && stale <= request.maxStale && age < l.kept():
		return useStale
	}
	return useNot
}

// forError tells whether it may be used because no new one can be had.
func (l *life) forError(now time.Time, request *directives) bool {
	age := now.Sub(l.born)
	allowed := l.staleError
	if request.staleIfError != unset {
		allowed = min(allowed, request.staleIfError)
	}
	return !l.mustRevalidate && !request.noCache && age-l.fresh < allowed
}
