// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// lease is the Ending of a call that is to end when its identity expires, if it has not ended before (threat C22).
type lease struct {
	context.Context //nolint:containedctx // it is one
	stop            context.CancelFunc
}

// endAt makes a call end at a time.
func endAt(c *transcoder.Call, until time.Time) {
	parent := c.Ending
	if parent == nil {
		parent = context.WithoutCancel(c.Context())
	}
	l := &lease{}
	l.Context, l.stop = context.WithDeadlineCause(parent, until, status.Errorf(codes.Unauthenticated, status.ReasonTokenExpired,
		"the credentials have expired while the stream was open; call again with new ones"))
	c.Ending = l
}

// Finish gives back what waits for the time at which a call is to end.
func (*Policy) Finish(c *transcoder.Call) {
	if l, ok := c.Ending.(*lease); ok {
		l.stop()
	}
}
