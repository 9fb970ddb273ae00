// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"net/http"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Forward answers a call with what is stored, or has the backend answer it and stores that.
func (r *Route) Forward(c *transcoder.Call, s transcoder.Stream) error {
	m := r.generation.methods[c.Method.ID]
	if m == nil {
		return r.next.Forward(c, s)
	}
	l := &lookup{cache: r.generation.cache, route: r, method: m, call: c, stream: s, directives: noDirectives()}
	if !m.policy.config.IgnoreClient {
		l.directives = directivesOf(c.Request.Header)
	}
	if l.directives.noStore || !m.policy.permits(c) {
		l.note(transcoder.CacheBypass, nil, "fwd=bypass")
		return r.next.Forward(c, s)
	}
	var err error
	if l.request, err = transcoder.RecvOnly(s); err != nil {
		return err
	}
	if err := l.request.Decompress(c.Request.MaxMessage()); err != nil {
		return err
	}
	c.RequestEncoding = "" // it is plain now, and nothing comes behind it
	defer l.request.Free()
	l.key = m.key(c, r.backend, l.request.View())
	return l.run()
}

// permits tells whether the answer to a call may be one that others were given, or be given to others. Of calls by somebody that needs a key
// of who it is, or the word of the configuration that it does not matter; credentials that the gateway has not looked at are
// never enough. RFC 9111, section 3.5, would also take the word of the answer.
//
// https://www.rfc-editor.org/rfc/rfc9111.html#section-3.5
func (p *Policy) permits(c *transcoder.Call) bool {
	switch {
	case p.config.Shared:
		return true
	case c.Identity != nil:
		return p.who
	default:
		return !hasCredentials(c)
	}
}

// lookup is one call on its way to an answer.
type lookup struct {
	cache      *Cache
	route      *Route
	method     *method
	call       *transcoder.Call
	stream     transcoder.Stream
	directives directives
	request    transcoder.Message
	key        Key
}

func (l *lookup) run() error {
	now := time.Now()
	e := l.cache.memory.find(l.key, now)
	if served, err := l.serveStored(e, now); served {
		return err
	}
	switch {
	case l.directives.onlyIfCached:
		return l.onlyIfCached(now)
	case l.directives.noCache, e != nil && e.pass:
		return l.alone(e)
	}
	return l.together(now.Add(l.cache.config.MaxWait))
}

// serveStored answers with a stored answer, if it is good enough.
func (l *lookup) serveStored(e *entry, now time.Time) (served bool, err error) {
	if e == nil || e.pass || !l.fits(e) {
		return false, nil
	}
	switch e.judge(now, &l.directives) {
	case useFresh:
		l.note(transcoder.CacheHit, e, "hit")
	case useRefreshed:
		l.refresh()
		l.note(transcoder.CacheStale, e, "hit")
	case useStale:
		l.note(transcoder.CacheStale, e, "hit")
	case useNot:
		return false, nil
	}
	return true, l.send(e)
}

// fits tells whether the client's listener lets an answer of that size pass.
func (l *lookup) fits(e *entry) bool { return len(e.message) <= l.call.Request.MaxAnswer() }

// send sends a stored answer to the client.
func (l *lookup) send(e *entry) error {
	c := l.call
	c.Header, c.Trailer = slices.Clone(e.header), slices.Clone(e.trailer)
	m := e.answer()
	if m.Encoding != c.AnswerEncoding {
		if err := m.Decompress(int64(c.Request.MaxAnswer())); err != nil {
			return &status.Error{
				Code: codes.Internal, Reason: status.ReasonBackendError, HTTP: http.StatusBadGateway, Cause: err, Message: "the backend's answer cannot be read",
			}
		}
	}
	return l.stream.Send(m)
}

// onlyIfCached answers a call that wants nothing of the backend.
func (l *lookup) onlyIfCached(now time.Time) error {
	if e := l.fromShared(now); e != nil {
		if served, err := l.serveStored(e, now); served {
			return err
		}
	}
	l.note(transcoder.CacheMiss, nil, "fwd=miss; fwd-status=504")
	return &status.Error{
		Code: codes.FailedPrecondition, Reason: status.ReasonNotCached, HTTP: http.StatusGatewayTimeout,
		Message: "there is no answer for this call in the cache, and it asks for nothing else (only-if-cached)",
	}
}

// together waits for who fetches the answer already, or fetches it for others as well.
func (l *lookup) together(limit time.Time) error {
	for {
		now := time.Now()
		e, f, leads := l.cache.memory.begin(l.key, now)
		if leads {
			return l.lead(f, e, now)
		}
		if served, err := l.serveStored(e, now); served {
			return err
		}
		switch wait(l.call, f, limit) {
		case waitedEnded:
			return transcoder.Ended(l.call)
		case waitedLong:
			return l.alone(e)
		case waitedDone:
		}
		switch {
		case f.entry != nil && l.fits(f.entry) && f.entry.judge(time.Now(), &l.directives) != useNot:
			l.note(transcoder.CacheCoalesced, f.entry, "fwd=miss; collapsed")
			return l.send(f.entry)
		case !f.abandoned:
			return l.alone(f.entry)
		}
	}
}

// lead fetches the answer that others wait for.
func (l *lookup) lead(f *flight, e *entry, now time.Time) error {
	over := false
	end := func(e *entry, abandoned bool) {
		if !over {
			over = true
			l.cache.memory.end(l.key, f, e, abandoned)
		}
	}
	defer end(nil, true) // a panic
	if served, err := l.led(e, now, end); served {
		return err
	}
	if shared := l.fromShared(now); shared != nil {
		if served, err := l.led(shared, now, end); served {
			return err
		}
	}
	return l.fetch(e, end)
}

// led is serveStored for who leads a flight, which is over before the client takes its answer.
func (l *lookup) led(e *entry, now time.Time, end func(*entry, bool)) (served bool, err error) {
	if e == nil || e.pass || !l.fits(e) || e.judge(now, &l.directives) == useNot {
		return false, nil
	}
	end(e, false)
	return l.serveStored(e, now)
}

// alone has the backend answer for this call, whoever else waits for the same.
func (l *lookup) alone(e *entry) error { return l.fetch(e, func(*entry, bool) {}) }

// fetch has the backend answer. end is told what has come of it before the client is sent anything; e is what was stored before.
func (l *lookup) fetch(e *entry, end func(*entry, bool)) error {
	c := l.call
	since := l.cache.memory.purges.Load()
	var r replay
	r.request = &l.request
	defer r.free()
	err := l.route.next.Forward(c, &r)
	if err != nil {
		end(nil, l.over())
		return l.failed(e, err)
	}
	stored, refused := l.cache.store(l.method, l.key, c, &r.answer, since)
	end(stored, false)
	l.note(transcoder.CacheMiss, nil, l.forwarded(e, refused))
	if !r.answered {
		return nil // the stream says so
	}
	r.answered = false
	return l.stream.Send(r.answer)
}

// over tells whether the client has left, or its time is up: what has come of its call says nothing of others.
func (l *lookup) over() bool {
	c := l.call
	return c.Context().Err() != nil || !c.Deadline.IsZero() && !time.Now().Before(c.Deadline)
}

// failed answers with what was stored before, if that is permitted when the backend fails.
func (l *lookup) failed(e *entry, err error) error {
	now := time.Now()
	if e != nil && !e.pass && l.fits(e) && !l.call.Gone() && isFailure(err) && e.forError(now, &l.directives) {
		l.note(transcoder.CacheStaleIfError, e, "fwd=stale; detail=stale-if-error")
		return l.send(e)
	}
	l.note(transcoder.CacheMiss, nil, l.forwarded(e, "error"))
	return err
}

// isFailure tells whether an error says that the backend could not answer, as those do that RFC 5861 names.
//
// https://www.rfc-editor.org/rfc/rfc5861.html#section-4
func isFailure(err error) bool {
	switch codes.Code(status.Proto(err).GetCode()) { //nolint:gosec // codes are small
	case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.DataLoss:
		return true
	default:
		return false
	}
}
