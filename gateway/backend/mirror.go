// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// Defaults of a MirrorConfig.
const (
	DefaultMirrorPercent     = 100
	DefaultMirrorMaxInFlight = 64
	DefaultMirrorMaxMessage  = 256 << 10
	DefaultMirrorTimeout     = 5 * time.Second
)

// MirroredHeader marks the copies of calls. Clients cannot send it: what begins with x-dragoman- never passes.
const MirroredHeader = "x-dragoman-mirrored"

// MirrorConfig says which calls are sent to a second backend as well, and what that may cost. Zero fields mean their default.
type MirrorConfig struct {
	// Percent of the calls are copied, chosen by chance; 1 to 100. 0 means DefaultMirrorPercent.
	Percent uint32
	// MaxInFlight is how many copies the second backend may have at a time, from whatever method; further calls are not copied.
	// 0 means DefaultMirrorMaxInFlight.
	MaxInFlight int
	// MaxMessage is the size in bytes of the largest request that is copied, and how many bytes of an answer are read. The memory
	// that copies hold is at most MaxInFlight times as much for requests, and as much for answers. 0 means DefaultMirrorMaxMessage.
	MaxMessage int
	// Timeout is how long a copy may take, whatever the call itself may; 0 means DefaultMirrorTimeout.
	Timeout time.Duration
}

// withDefaults returns the configuration with its defaults, or what is wrong with it.
func (cfg MirrorConfig) withDefaults() (MirrorConfig, error) {
	var errs []error
	if cfg.Percent == 0 {
		cfg.Percent = DefaultMirrorPercent
	}
	if cfg.Percent > 100 {
		errs = append(errs, fmt.Errorf("mirror: percent is %d; it must be 1 to 100", cfg.Percent))
	}
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"max_in_flight", &cfg.MaxInFlight, DefaultMirrorMaxInFlight}, {"max_message", &cfg.MaxMessage, DefaultMirrorMaxMessage}} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < 0 {
			errs = append(errs, fmt.Errorf("mirror: %s is %d; it must not be negative", n.name, *n.value))
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultMirrorTimeout
	}
	if cfg.Timeout < 0 {
		errs = append(errs, fmt.Errorf("mirror: timeout is %s; it must not be negative", cfg.Timeout))
	}
	return cfg, errors.Join(errs...)
}

// Forwarder forwards calls. It is safe for concurrent use.
type Forwarder interface {
	// Forward moves a call's messages until the backend has answered, and returns the outcome.
	Forward(c *transcoder.Call, s transcoder.Stream) error
	// Ready tells whether a call would find an endpoint that takes it.
	Ready() bool
	// Changes returns channels of which one is closed when Ready may have changed.
	Changes() []<-chan struct{}
}

// Mirror is a Forwarder that sends copies of calls to a second backend and drops its answers. A copy is sent when the request is
// complete, in a goroutine of its own, with a budget of its own: it never holds up the call, nor changes its outcome. It is not
// cancelled with the call, never sent twice and never answered from a cache. Calls whose client streams are not copied: most of
// them live longer than any copy may, and a part of a stream says little.
type Mirror struct {
	next   Forwarder
	to     *Backend
	config MirrorConfig
}

// NewMirror returns a Mirror of what next forwards.
func NewMirror(cfg MirrorConfig, next Forwarder, to *Backend) (*Mirror, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Mirror{next: next, to: to, config: cfg}, nil
}

// Forward forwards a call, and a copy of it, perhaps.
func (m *Mirror) Forward(c *transcoder.Call, s transcoder.Stream) error {
	if c.Method.ClientStreams || !m.sampled() {
		return m.next.Forward(c, s)
	}
	w := &watched{Stream: s, mirror: m, call: c}
	defer w.drop()
	return m.next.Forward(c, w)
}

// Ready tells whether a call would find an endpoint, whatever becomes of its copy.
func (m *Mirror) Ready() bool { return m.next.Ready() }

// Changes returns what is closed when Ready may have changed.
func (m *Mirror) Changes() []<-chan struct{} { return m.next.Changes() }

func (m *Mirror) sampled() bool {
	return m.config.Percent >= 100 || rand.Uint32N(100) < m.config.Percent //nolint:gosec // it samples, and guards nothing
}

// watched is the client's side of a call of which a copy is sent. Recv is called by one goroutine at a time.
type watched struct {
	transcoder.Stream

	mirror  *Mirror
	call    *transcoder.Call
	request transcoder.Message // with references of its own
	took    bool               // request is the request
	done    bool               // nothing is to be copied any more
}

// Recv receives a message, notes it, and sends the copy when there is no second one.
func (w *watched) Recv() (transcoder.Message, error) {
	m, err := w.Stream.Recv()
	switch {
	case w.done:
	case err == nil && !w.took:
		w.take(m)
	case errors.Is(err, io.EOF) && w.took:
		w.done, w.took = true, false
		w.mirror.to.mirror(mirroredCall{
			method: w.call.Method, header: slices.Clone(w.call.Metadata), request: w.request, config: &w.mirror.config,
		})
	default: // the request failed, or has more messages than its method takes
		w.drop()
	}
	return m, err
}

// take notes the request, without copying its bytes: that is left to the goroutine of the copy.
func (w *watched) take(m transcoder.Message) {
	if m.Data.Len() > w.mirror.config.MaxMessage {
		w.done = true
		w.mirror.to.mirrored.tooLarge.Add(1)
		return
	}
	m.Data.Ref()
	w.request = transcoder.Message{Data: slices.Clone(m.Data), Encoding: m.Encoding}
	w.took = true
}

// drop gives back a request of which no copy was sent.
func (w *watched) drop() {
	w.done = true
	if w.took {
		w.took = false
		w.request.Free()
	}
}
