// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package acme_test provides the tests of certificates that an authority gives, through the gateway and from its configuration file on. The
// authority is Pebble, in a process of its own.
package acme_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/dragoman-gateway/dragoman/internal/processtest"
)

func TestMain(m *testing.M) {
	processtest.Play(map[string]processtest.Role{instanceRole: serveInstance})
	goleak.VerifyTestMain(m,
		// certmagic has one for each account, for ever, and one for each lock until it looks again.
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).permit"),
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*ACMEIssuer).newBasicACMEClient"),
	)
}
