// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package headers

import (
	"fmt"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Way is an admitter that changes fields on their way: metadata on its way to the backend, when it is known who calls, and the backend's on its way to
// the client.
type Way struct {
	request, response *rules // nil for nothing
}

var (
	_ interceptor.Admitter       = (*Way)(nil)
	_ interceptor.MetadataEditor = (*Way)(nil)
)

// NewWay returns the admitter of rules for both directions; nil, without an error, where they change nothing.
func NewWay(request, response Rules) (*Way, error) {
	w := &Way{}
	var err error
	if !request.Zero() {
		if w.request, err = newRules(&request, ToBackend); err != nil {
			return nil, fmt.Errorf("request: %w", err)
		}
	}
	if !response.Zero() {
		if w.response, err = newRules(&response, ToClient); err != nil {
			return nil, fmt.Errorf("response: %w", err)
		}
	}
	if w.request == nil && w.response == nil {
		return nil, nil //nolint:nilnil // nothing to change is no error
	}
	return w, nil
}

// Announce puts what rules add to answers into all of a call, refusals included. What needs to know who calls comes in Admit.
func (w *Way) Announce(c *transcoder.Call) {
	if w != nil && w.response != nil {
		w.response.values(&c.AnswerFields, c, false)
	}
}

// Admit changes the metadata of a call.
func (w *Way) Admit(c *transcoder.Call) error {
	if w.request != nil {
		w.request.pass(&c.Metadata)
		w.request.values(&c.Metadata, c, false)
		w.request.values(&c.Metadata, c, true)
	}
	if w.response != nil {
		w.response.values(&c.AnswerFields, c, true)
	}
	return nil
}

// EditsMetadata tells whether the metadata of answers is to be changed.
func (w *Way) EditsMetadata(*transcoder.Call) bool { return w.response != nil }

// EditMetadata changes metadata of an answer.
func (w *Way) EditMetadata(_ *transcoder.Call, fields *wire.Header) { w.response.pass(fields) }
