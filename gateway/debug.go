// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/subtle"
	"errors"
	"maps"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// debugHeader is the field in which a request shows the token of those who may be told where its time went, and which route is near.
const debugHeader = "x-dragoman-debug"

// mayAsk tells whether a request shows the token. Comparing takes as long for a wrong one as for the right one.
func (s *Snapshot) mayAsk(c *transcoder.Call) bool {
	if s.DebugToken == "" {
		return false
	}
	shown := c.Request.Header.Get(debugHeader)
	return shown != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(s.DebugToken)) == 1
}

// nearestKey is what the ErrorInfo of an answer without a route has the nearest one under.
const nearestKey = "nearest"

// nearest adds to a refusal for want of a route which one is near, if the client may know. It is looked for then only, so that how long
// an answer takes tells nobody else anything.
func (s *Snapshot) nearest(c *transcoder.Call, err error) error {
	if err == nil || (!s.TellNearest && !c.Explain) {
		return err
	}
	refused, ok := errors.AsType[*status.Error](err)
	if !ok || refused.Reason != status.ReasonNoRoute {
		return err
	}
	near := s.Mux.Nearest(c)
	if near == "" {
		return err
	}
	told := *refused
	told.Metadata = maps.Clone(refused.Metadata)
	if told.Metadata == nil {
		told.Metadata = map[string]string{}
	}
	told.Metadata[nearestKey] = near
	return &told
}
