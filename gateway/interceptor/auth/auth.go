// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package auth provides authentication: who calls, by which of several providers, and what the backend is told of it.
//
// A provider knows one kind of credentials; each is a child package, and authtest has the contract that all pass. A [Policy] asks the
// providers of a method, before a byte of the body is read, and puts the [transcoder.Identity] on the call.
package auth

import (
	"context"
	"errors"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// ErrNone is what a Provider returns for a call that has no credentials of its kind: others may be asked. It is no outcome of a call.
var ErrNone = errors.New("auth: the call has no credentials of this kind")

// Provider finds out who calls, by one kind of credentials. It is used by many goroutines at a time.
type Provider interface {
	// Authenticate returns who calls, an Identity that is shared and not changed any more. It reads the head of the request alone
	// and does not block. The errors: ErrNone; interceptor.ErrWait, where it is a Waiter and has to; else a *status.Error, of which
	// UNAUTHENTICATED and PERMISSION_DENIED are about the caller and all others about the provider.
	Authenticate(c *transcoder.Call) (*transcoder.Identity, error)
	// Challenge is what WWW-Authenticate says of it to who has no credentials (RFC 9110, section 11.6.1); "" for nothing.
	Challenge() string
	// Credentials are the fields of a request that it reads, in lower case. They are secrets: backends do not get them.
	Credentials() []string
}

// Waiter is a Provider that sometimes has to wait. Wait is called where Authenticate returned interceptor.ErrWait, and may block until ctx
// ends.
type Waiter interface {
	Provider
	Wait(ctx context.Context, c *transcoder.Call) (*transcoder.Identity, error)
}

// Runner is a Provider that has work to do beside calls: fetching keys, watching files. Run is called once and returns, when all is
// quiet, after ctx has ended.
type Runner interface {
	Provider
	Run(ctx context.Context)
}

// Sending says who decides that credentials are sent, which is what a page of another site can abuse (threat F3).
type Sending int

// Who decides that credentials are sent.
const (
	// SentByProgram is what a program adds to the request; no page can make a browser do that.
	SentByProgram Sending = iota
	// SentByAny is what programs send and what browsers add by themselves, such as the certificate of a client.
	SentByAny
	// SentByBrowser is a cookie.
	SentByBrowser
)

// Sender is a Provider whose credentials browsers may add by themselves. SentBy is called for calls that it has authenticated.
type Sender interface {
	Provider
	SentBy(c *transcoder.Call) Sending
}
