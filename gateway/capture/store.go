// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"sync"

	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Call is what was captured of a call. It is not changed any more.
type Call struct {
	// ID is that of its request.
	ID string
	// Protocol is what its client spoke, Listener where it came, and Authority the host that it was for. What was asked for is not here: a path can hold
	// what is taken out of messages.
	Protocol, Listener, Authority string
	// Method is "/package.Service/Method"; "" for what is none. Binding is the rule of REST by which it was called, as "GET /v1/users/{id}".
	Method, Binding string
	// RequestFields, AnswerFields and Trailers are header fields, names in lower case; what is secret is Redacted.
	RequestFields, AnswerFields, Trailers wire.Header
	// Bodies says that messages were captured, too; there may be none.
	Bodies bool
	// Requests and Answers are the messages.
	Requests, Answers Messages
}

// Messages are the first messages of one side of a call.
type Messages struct {
	// Texts are the messages as JSON.
	Texts []string
	// LeftOut is how many more there were, for which there was no room.
	LeftOut int
	// Redacted says that fields were taken out of them.
	Redacted bool
}

func (m *Messages) size() int64 {
	n := 0
	for _, t := range m.Texts {
		n += len(t) + overhead
	}
	return int64(n)
}

func sizeOf(fields wire.Header) int64 {
	n := 0
	for i := range fields {
		n += len(fields[i].Name) + len(fields[i].Value) + overhead
	}
	return int64(n)
}

// callSize is what a call takes beside its texts.
const callSize = 512

func (c *Call) size() int64 {
	return callSize + int64(len(c.ID)+len(c.Authority)) + sizeOf(c.RequestFields) + sizeOf(c.AnswerFields) + sizeOf(c.Trailers) + c.Requests.size() + c.Answers.size()
}

// store keeps the last calls, within its bounds.
type store struct {
	calls int   // how many there may be
	bytes int64 // how many bytes they may have

	mu   sync.Mutex
	list []*Call          // the oldest first; guarded by mu
	byID map[string]*Call // the latest of each id; guarded by mu
	used int64            // bytes; guarded by mu
	left uint64           // messages that were not kept; guarded by mu
}

// put keeps a call, and forgets the oldest where there is no room for it.
func (s *store) put(c *Call) {
	size := c.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left += uint64(c.Requests.LeftOut + c.Answers.LeftOut) //nolint:gosec // counts
	if size > s.bytes {
		return
	}
	for len(s.list) > 0 && (len(s.list) >= s.calls || s.used+size > s.bytes) {
		s.dropLocked()
	}
	if s.byID == nil {
		s.byID = map[string]*Call{}
	}
	s.list, s.byID[c.ID], s.used = append(s.list, c), c, s.used+size
}

func (s *store) dropLocked() {
	oldest := s.list[0]
	s.list[0] = nil
	s.list, s.used = s.list[1:], s.used-oldest.size()
	if s.byID[oldest.ID] == oldest {
		delete(s.byID, oldest.ID)
	}
}

func (s *store) find(id string) (*Call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byID[id]
	return c, ok
}

func (s *store) state() (calls int, bytes int64, left uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list), s.used, s.left
}

func (s *store) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.byID, s.used = nil, nil, 0
}
