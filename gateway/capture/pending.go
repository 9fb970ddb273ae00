// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/codec"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

type pendingKey struct{}

type forcedKey struct{}

// Forced returns a context whose calls are captured whole, whatever the rule is: those that an operator makes, who wants to see the answer.
func Forced(ctx context.Context) context.Context { return context.WithValue(ctx, forcedKey{}, true) }

// Capture returns a stream that keeps what is sent by a call, or the stream itself.
func (k *Capture) Capture(c *transcoder.Call, s transcoder.Stream) transcoder.Stream {
	rule := k.rule()
	if c.Context().Value(forcedKey{}) != nil {
		rule = &Rule{On: true, Bodies: true}
	}
	if !rule.On || !rule.matches(c) {
		return s
	}
	p := &pending{capture: k, rule: rule}
	c.SetContext(context.WithValue(c.Context(), pendingKey{}, p))
	if !rule.Bodies || c.Method == nil || c.Method.Desc == nil {
		return s // of what no schema has it cannot be told what is secret
	}
	p.bodies = true
	return &captured{Stream: s, pending: p}
}

func (r *Rule) matches(c *transcoder.Call) bool {
	if r.Match == nil {
		return true
	}
	return c.Method != nil && r.Match(c.Method.Service, c.Method.Name)
}

// Observe keeps what was captured of a call that is over.
func (k *Capture) Observe(c *transcoder.Call) {
	p, _ := c.Context().Value(pendingKey{}).(*pending)
	if p == nil || p.capture != k {
		return
	}
	defer func() { k.held.Add(-p.taken.Swap(0)) }()
	if p.rule.Errors && codes.Code(status.Proto(c.Err).GetCode()) == codes.OK { //nolint:gosec // codes are small
		return
	}
	k.store.put(p.finish(c))
}

// pending is what is kept of a call under way.
type pending struct {
	capture *Capture
	rule    *Rule
	bodies  bool

	// Two goroutines may send and receive.
	request, answer direction
	taken           atomic.Int64 // bytes of both
}

// direction is the messages of one side.
type direction struct {
	mu       sync.Mutex
	messages [][]byte // guarded by mu
	left     int      // how many were not kept; guarded by mu
}

// overhead is what a message takes beside its bytes.
const overhead = 48

// captured is a stream whose messages are kept. It stands before all policies, so that what they refuse is kept too, and what they take out of answers
// is not.
type captured struct {
	transcoder.Stream

	pending *pending
}

func (s *captured) Recv() (transcoder.Message, error) {
	m, err := s.Stream.Recv()
	if err == nil {
		s.pending.keep(&s.pending.request, &m)
	}
	return m, err
}

func (s *captured) Send(m transcoder.Message) error {
	s.pending.keep(&s.pending.answer, &m)
	return s.Stream.Send(m)
}

// keep keeps a copy of a message, if there is room for it; of later ones of its side nothing is kept then, so that what is kept is the beginning.
// The message stays as it is.
func (p *pending) keep(d *direction, m *transcoder.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left > 0 {
		d.left++
		return
	}
	most := p.capture.config.Call
	if m.Encoding != "" {
		m.Data.Ref()
		plain := transcoder.Message{Data: m.Data, Encoding: m.Encoding}
		if err := plain.Decompress(most); err != nil {
			d.left++ // it is too large, or broken, which is told elsewhere
			return
		}
		defer plain.Free()
		m = &plain
	}
	size := int64(m.Data.Len()) + overhead
	if size > most || !p.reserve(size) {
		d.left++
		return
	}
	d.messages = append(d.messages, append([]byte(nil), m.View()...))
}

// reserve takes bytes of the budget of the call and of that of all calls under way.
func (p *pending) reserve(size int64) bool {
	if p.taken.Add(size) > p.capture.config.Call {
		p.taken.Add(-size)
		return false
	}
	if p.capture.held.Add(size) > p.capture.config.Bytes/2 {
		p.capture.held.Add(-size)
		p.taken.Add(-size)
		return false
	}
	return true
}

// finish makes what is kept of a call that is over.
func (p *pending) finish(c *transcoder.Call) *Call {
	r := c.Request
	k := &Call{
		ID: c.RequestID, Protocol: c.Protocol, Listener: r.Listener, Authority: r.Authority,
		RequestFields: p.capture.secret.fields(r.Header), AnswerFields: append(p.capture.secret.fields(c.AnswerFields), p.capture.secret.fields(c.Header)...),
		Trailers: p.capture.secret.fields(c.Trailer), Bodies: p.bodies,
	}
	if c.Method != nil {
		k.Method = c.Method.Path
	}
	if c.Binding != nil {
		k.Binding = c.Binding.String()
	}
	if p.bodies {
		room := p.capture.config.Call
		k.Requests = p.texts(c.Method, &p.request, true, &room)
		k.Answers = p.texts(c.Method, &p.answer, false, &room)
	}
	return k
}

// texts writes the messages of one side as JSON, without what is secret.
func (p *pending) texts(m *transcoder.Method, d *direction, request bool, room *int64) Messages {
	d.mu.Lock()
	defer d.mu.Unlock()
	desc := m.Desc.Output()
	if request {
		desc = m.Desc.Input()
	}
	plan := p.capture.secret.plan(m.Schema, desc)
	out := Messages{LeftOut: d.left}
	for i, data := range d.messages {
		kept, changed, err := plan.Prune(data)
		var text []byte
		if err == nil {
			// An Any whose type no schema has could hold anything.
			text, err = m.Codec.Message(desc).AppendJSON(nil, kept, &codec.EncodeOptions{DropRedacted: true, RefuseUnknownAny: true})
		}
		size := int64(len(text) + overhead)
		if err != nil || size > *room {
			out.LeftOut += len(d.messages) - i
			break
		}
		*room -= size
		out.Redacted = out.Redacted || changed
		out.Texts = append(out.Texts, string(text))
	}
	d.messages = nil
	return out
}
