// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package browser_test provides the tests of the gateway with clients that nobody here wrote: in a real browser, headless Chromium, the
// packages that pages use and what browsers have built in; in Node, gRPC's own client for JavaScript and Connect's.
//
// The cases are written in JavaScript, in the folder js. A Go test starts a backend, a gateway and the servers of the pages, then Node,
// which says of each case how it went, a line of JSON each. The table of the cases is here, with the statements that they prove: one that
// did not run fails as one that failed does.
package browser_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(install.folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		os.Exit(code)
	}),
		// certmagic has one for each account, for ever, and one for each lock until it looks again.
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).permit"),
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*ACMEIssuer).newBasicACMEClient"),
	)
}
