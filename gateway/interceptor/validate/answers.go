// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/expression"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Responses says what happens to answers that break a rule of buf.validate of their schema.
type Responses string

// What happens to them.
const (
	// Ignore does not look at them. It is the default.
	Ignore Responses = "off"
	// Report counts them, tells of them in the log now and then, and sends them all the same.
	Report Responses = "report"
	// RefuseResponses fails the call.
	RefuseResponses Responses = "refuse"
)

// lineBroken is the line of the log. It does not show what an answer says.
const lineBroken = "answers break rules of their schema"

// Counts are how many answers broke rules, by method. They outlive snapshots, and are safe for concurrent use.
type Counts struct {
	mu sync.Mutex
	by map[string]*count // the key is the method's path; guarded by mu
}

type count struct {
	answers  atomic.Int64
	complain expression.Complaint
}

// NewCounts returns counts of nothing.
func NewCounts() *Counts { return &Counts{by: map[string]*count{}} }

// of returns the count of a method.
func (k *Counts) of(path string) *count {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by[path] == nil {
		k.by[path] = &count{}
	}
	return k.by[path]
}

// State is how many answers of a method broke a rule.
type State struct {
	// Service and Method are its names.
	Service, Method string
	// Broken is how many did.
	Broken int64
}

// States tells of the methods of a policy whose answers are looked at, by their paths; a nil policy has none.
func (p *Policy) States() []State {
	if p == nil {
		return nil
	}
	var all []State
	for _, path := range slices.Sorted(maps.Keys(p.answers)) {
		own := p.answers[path]
		all = append(all, State{Service: own.method.Service, Method: own.method.Name, Broken: own.count.answers.Load()})
	}
	return all
}

// answers are what the answers of a method are held to.
type answers struct {
	*check

	method *transcoder.Method
	refuse bool
	count  *count
	log    *slog.Logger
}

var _ interceptor.Editor = (*Policy)(nil)

// Edits tells whether the answers of a call are looked at.
func (p *Policy) Edits(c *transcoder.Call) bool { return p.answers[c.Method.Path] != nil }

// Edit holds a message of the answer to what the schema says. It changes none, but for decompressing it.
func (p *Policy) Edit(c *transcoder.Call, m *transcoder.Message) error {
	own := p.answers[c.Method.Path]
	err := m.Decompress(int64(c.Request.MaxAnswer()))
	if err == nil {
		err = own.holds(m.View())
	}
	if err == nil {
		return nil
	}
	own.count.answers.Add(1)
	if n, due := own.count.complain.Due(time.Now()); due {
		own.log.Warn(lineBroken, slog.String("method", c.Method.Path), slog.Int64("answers", n), slog.Bool("refused", own.refuse), slog.String("first", brokenRule(err)))
	}
	if !own.refuse {
		return nil
	}
	return &status.Error{
		Code: codes.Internal, Reason: status.ReasonResponseInvalid, HTTP: http.StatusBadGateway, Message: "the backend's answer breaks a rule of its schema", Cause: errors.New(brokenRule(err)),
	}
}

// EditError leaves errors as they are.
func (p *Policy) EditError(_ *transcoder.Call, err error) error { return err }

// brokenRule says which rule an answer breaks, and of which field, without what stands in it.
func brokenRule(err error) string {
	if e, ok := errors.AsType[*status.Error](err); ok && len(e.Violations) > 0 {
		return e.Violations[0].Field + ": " + e.Violations[0].Reason
	}
	return err.Error()
}
