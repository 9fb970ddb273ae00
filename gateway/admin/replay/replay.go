// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package replay provides calls that were captured once more: by the protocol that their clients spoke, through all of the gateway.
//
// A replay is a call like any other, by a connection in memory: authentication, limits and all else hold for it. It has no address, and credentials
// only where who replays gives them, since none are captured. The messages of a stream are sent one after the other, without the pauses that
// their client made.
package replay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dragoman-gateway/dragoman/gateway/calling"
	"github.com/dragoman-gateway/dragoman/gateway/capture"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Bounds of replays.
const (
	// MaxTime is how long one goes on: streams that go on longer are ended.
	MaxTime = 10 * time.Second
	// MaxAnswers is how many messages of an answer are waited for.
	MaxAnswers = 100
	// MaxAtOnce is how many replays there may be at a time.
	MaxAtOnce = 4
	// MaxHeaders is how many header fields can be given.
	MaxHeaders = 64
)

// Config is what replays meet.
type Config struct {
	// Serve serves a call, as it does those of listeners.
	Serve func(transcoder.Exchange)
	// Mux finds what is called; nil before anything is served.
	Mux func() *transcoder.Mux
	// Limits are those of a listener.
	Limits func(listener string) transcoder.Limits
}

// Replayer replays calls. It is safe for concurrent use.
type Replayer struct {
	config Config
	turns  chan struct{}
}

// New returns a Replayer.
func New(cfg Config) *Replayer {
	return &Replayer{config: cfg, turns: make(chan struct{}, MaxAtOnce)}
}

// Reasons why a call cannot be replayed.
var (
	// ErrIncomplete says that not all of its messages were captured.
	ErrIncomplete = errors.New("the messages of the call were not captured, or not all of them, so that it cannot be sent again")
	// ErrGone says that what it called is not there any more.
	ErrGone = errors.New("what the call called is not there any more, or is called in another way")
	// ErrBusy says that there are MaxAtOnce replays already.
	ErrBusy = errors.New("other calls are being replayed; try again")
)

// vias are the protocols by their names in calls.
var vias = map[string]calling.Via{
	"rest": calling.ViaREST, "grpc": calling.ViaGRPC, "grpc-web": calling.ViaGRPCWeb, "grpc-web-text": calling.ViaGRPCWeb, "connect": calling.ViaConnect, "websocket": calling.ViaWebSocket,
}

// Via is how `dragoman call` names the protocol that a call came by; "" for what cannot be sent again.
func Via(c *capture.Call) calling.Via { return vias[c.Protocol] }

// Replayable tells whether all messages of a call's request are there.
func Replayable(c *capture.Call) bool {
	return c.Bodies && c.Method != "" && c.Requests.LeftOut == 0 && Via(c) != ""
}

// Result is what a replay has come to.
type Result struct {
	// RequestID is the id of the new call.
	RequestID string
	// Notes say what was not as in the call before.
	Notes []string
	// Err is how it ended, as its client sees that; nil for well.
	Err error
}

// Replay sends a call again, with header fields beside those that were captured, and instead of them. It returns when the answer is over. The error says
// that nothing was sent.
func (r *Replayer) Replay(ctx context.Context, c *capture.Call, header wire.Header) (*Result, error) {
	if !Replayable(c) {
		return nil, ErrIncomplete
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	default:
		return nil, ErrBusy
	}
	call, err := r.call(c)
	if err != nil {
		return nil, err
	}
	out := &Result{RequestID: newID(c.ID)}
	call.Header, out.Notes = headerOf(c, header)
	call.Header.Add("x-request-id", out.RequestID)
	if c.Requests.Redacted {
		out.Notes = append(out.Notes, "fields of the request that may be secret were not kept, and not sent")
	}
	answers := 0
	call.Receive = func([]byte, bool) error {
		if answers++; answers >= MaxAnswers && call.Method.ServerStreams {
			return errEnough
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	out.Err = r.send(ctx, c, call)
	switch {
	case errors.Is(out.Err, errEnough):
		out.Notes, out.Err = append(out.Notes, fmt.Sprintf("the stream was ended after %d messages", MaxAnswers)), nil
	case ctx.Err() != nil:
		out.Notes = append(out.Notes, fmt.Sprintf("the call was ended after %s", MaxTime))
	}
	return out, nil
}

// errEnough ends a stream.
var errEnough = errors.New("enough of the answer is there")

// call finds what is to be called, in the snapshot in force.
func (r *Replayer) call(c *capture.Call) (*calling.Call, error) {
	mux := r.config.Mux()
	if mux == nil {
		return nil, ErrGone
	}
	call := &calling.Call{Method: mux.Method(c.Method)}
	if call.Method == nil {
		return nil, ErrGone
	}
	if Via(c) == calling.ViaREST && c.Binding != "" {
		if call.Binding = bindingOf(mux, c); call.Binding == nil {
			return nil, ErrGone
		}
	}
	var next atomic.Int64
	call.Send = func() ([]byte, error) {
		i := int(next.Add(1)) - 1
		if i >= len(c.Requests.Texts) {
			return nil, io.EOF
		}
		return []byte(c.Requests.Texts[i]), nil
	}
	return call, nil
}

func bindingOf(mux *transcoder.Mux, c *capture.Call) *httprule.Binding {
	if mux.Routes() == nil {
		return nil
	}
	for _, b := range mux.Routes().Bindings() {
		if b.String() == c.Binding && "/"+string(b.Method.Parent().FullName())+"/"+string(b.Method.Name()) == c.Method {
			return b
		}
	}
	return nil
}

// maxKept is how much of the id of the first call the new one has in its own.
const maxKept = 48

func newID(of string) string { return of[:min(len(of), maxKept)] + "-" + rand.Text()[:8] }

// own are header fields that a protocol has for itself, that belong to one connection, or that say who sent the call: those of the new call are its own.
var own = []string{
	"host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "content-type", "content-encoding", "accept",
	"accept-encoding", "expect", "origin", "referer", "user-agent", "x-request-id", "traceparent", "tracestate", "forwarded", "via", "x-server-timeout", "x-grpc-web", "x-user-agent",
	"last-event-id",
}

// ownPrefixes are how such names begin.
var ownPrefixes = []string{":", "grpc-", "connect-", "sec-", "x-forwarded-", "x-envoy-"}

// headerOf returns the header fields to send, and what is to be said of those that are not sent.
func headerOf(c *capture.Call, given wire.Header) (out wire.Header, notes []string) {
	var missing []string
	for i := range c.RequestFields {
		f := c.RequestFields[i]
		switch {
		case given.Has(f.Name), slices.Contains(own, f.Name), slices.ContainsFunc(ownPrefixes, func(p string) bool { return strings.HasPrefix(f.Name, p) }):
		case f.Value == capture.Redacted:
			if !slices.Contains(missing, f.Name) {
				missing = append(missing, f.Name)
			}
		default:
			out.Add(f.Name, f.Value)
		}
	}
	for i := range given {
		out.Add(given[i].Name, given[i].Value)
	}
	if len(missing) > 0 {
		notes = append(notes, "header fields that may be secret were not kept, and not sent: "+strings.Join(missing, ", "))
	}
	return out, notes
}
