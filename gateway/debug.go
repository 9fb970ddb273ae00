// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/subtle"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// debugHeader is the field in which a request shows the token of those who may be told where its time went.
const debugHeader = "x-dragoman-debug"

// mayAsk tells whether a request shows the token. Comparing takes as long for a wrong one as for the right one.
func (s *Snapshot) mayAsk(c *transcoder.Call) bool {
	if s.DebugToken == "" {
		return false
	}
	shown := c.Request.Header.Get(debugHeader)
	return shown != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(s.DebugToken)) == 1
}
