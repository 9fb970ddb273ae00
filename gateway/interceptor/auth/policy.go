// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// Named is a provider under the name that the configuration gives it.
type Named struct {
	Name string
	Provider
	// ForwardCredentials leaves the fields with the credentials in what the backend gets.
	ForwardCredentials bool
	// EndStreams says that streams end when the identity expires; nil means those over WebSocket.
	EndStreams *bool
	// Figures count what becomes of calls with its credentials; nil counts nothing.
	Figures *Figures
}

// ends tells whether a call is to end when its identity expires.
func (n *Named) ends(c *transcoder.Call) bool {
	if c.Method.Unary() {
		return false // it has a deadline
	}
	if n.EndStreams != nil {
		return *n.EndStreams
	}
	return c.Protocol == "websocket"
}

// Config is what the calls of a method are asked for.
type Config struct {
	// Any are alternatives, asked in this order until one is met; all the providers of an alternative have to agree. Without any, calls
	// are not asked.
	Any [][]Named
	// Optional lets calls pass that have no credentials at all. What they have must be right all the same.
	Optional bool
	// Reserved are names of metadata that providers may set, whether or not they are among those here: no client can (threat B1).
	Reserved []string
	// AllowsOrigin tells whether pages of an origin may call the method with the credentials of their users; nil for none.
	AllowsOrigin func(origin string) bool
}

// Policy is an admitter that authenticates calls.
type Policy struct {
	config  Config
	hidden  []string // fields with credentials
	missing *status.Error
}

var (
	_ interceptor.Waiter   = (*Policy)(nil)
	_ interceptor.Finisher = (*Policy)(nil)
)

// New returns the policy of a configuration.
func New(cfg Config) (*Policy, error) {
	p := &Policy{config: cfg}
	var challenges, carriers []string
	for _, all := range cfg.Any {
		if len(all) == 0 {
			return nil, errors.New("auth: an alternative has no provider")
		}
		for _, n := range all {
			challenges = appendNew(challenges, n.Challenge())
			for _, field := range n.Credentials() {
				carriers = appendNew(carriers, field)
				if !n.ForwardCredentials {
					p.hidden = appendNew(p.hidden, field)
				}
			}
		}
	}
	message := "this method asks who calls, and the call has no credentials"
	if len(carriers) > 0 {
		message += "; it takes them in " + strings.Join(carriers, " or ")
	}
	p.missing = &status.Error{
		Code: codes.Unauthenticated, Reason: status.ReasonUnauthenticated, Message: message, Challenge: strings.Join(challenges, ", "),
	}
	return p, nil
}

// Challenge is what calls without credentials are asked for, as in WWW-Authenticate; "" for nothing.
func (p *Policy) Challenge() string { return p.missing.Challenge }

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Admit authenticates a call, unless that has to wait.
func (p *Policy) Admit(c *transcoder.Call) error { return p.admit(c.Context(), c, false) }

// Wait authenticates a call whose providers have to wait for something.
func (p *Policy) Wait(ctx context.Context, c *transcoder.Call) error { return p.admit(ctx, c, true) }

func (p *Policy) admit(ctx context.Context, c *transcoder.Call, wait bool) error {
	id, until, err := p.identify(ctx, c, wait)
	if err != nil {
		return err
	}
	if !until.IsZero() {
		endAt(c, until)
	}
	p.clean(c)
	c.Identity = id
	if id != nil {
		c.Metadata = append(c.Metadata, id.Forward...)
		for _, also := range id.Also {
			c.Metadata = append(c.Metadata, also.Forward...)
		}
	}
	return nil
}

// identify asks the alternatives in their order. Where none is met, the error is that which helps most: of a provider that cannot tell
// before those of bad credentials, and these before the one of missing ones.
// Beside who calls it returns when the call is to end; zero for never.
func (p *Policy) identify(ctx context.Context, c *transcoder.Call, wait bool) (id *transcoder.Identity, until time.Time, err error) {
	if len(p.config.Any) == 0 {
		return nil, until, nil // nobody in particular
	}
	var (
		worst  error
		denied *Named
	)
	for _, all := range p.config.Any {
		id, until, asked, err := p.askAll(ctx, c, all, wait)
		if err == nil {
			for i := range all {
				all[i].Figures.accept()
			}
			return id, until, nil
		}
		if err == interceptor.ErrWait { //nolint:errorlint // a sentinel that is passed on as it is
			return nil, until, err
		}
		if weight(err) > weight(worst) {
			worst, denied = err, asked
		}
	}
	if weight(worst) > weightNone {
		c.Denied = denied.Name
		denied.Figures.refuse(worst)
		return nil, until, p.challenged(worst)
	}
	if p.config.Optional {
		return nil, until, nil
	}
	return nil, until, p.missing
}

// askAll asks the providers of an alternative. The identity is that of the first; those of the others are with it. An error is of the
// provider that was asked last.
func (p *Policy) askAll(ctx context.Context, c *transcoder.Call, all []Named, wait bool) (first *transcoder.Identity, until time.Time, asked *Named, err error) {
	var together *joined
	for i := range all {
		id, err := ask(ctx, c, all[i].Provider, wait)
		if err == nil {
			err = p.checkSite(c, all[i].Provider)
		}
		if err != nil {
			return nil, until, &all[i], err
		}
		if !id.Expires.IsZero() && (until.IsZero() || id.Expires.Before(until)) && all[i].ends(c) {
			until = id.Expires
		}
		if i == 0 {
			first = id
			continue
		}
		if together == nil {
			together = &joined{Identity: *first}
			together.Also = together.others[:0]
			first = &together.Identity
		}
		together.Also = append(together.Also, id)
	}
	return first, until, nil, nil
}

// joined is an identity of several providers, in one piece where there are two.
type joined struct {
	transcoder.Identity

	others [1]*transcoder.Identity
}

func ask(ctx context.Context, c *transcoder.Call, provider Provider, wait bool) (*transcoder.Identity, error) {
	id, err := provider.Authenticate(c)
	if err == interceptor.ErrWait && wait { //nolint:errorlint // a sentinel that is returned as it is
		if w, ok := provider.(Waiter); ok {
			id, err = w.Wait(ctx, c)
		}
	}
	if err == nil && id == nil {
		return nil, &status.Error{ // which no provider does: it would let everybody in
			Code: codes.Internal, Reason: status.ReasonInternal, Message: "internal error", Cause: fmt.Errorf("auth: %T says neither who calls nor why not", provider),
		}
	}
	return id, err
}

// Weights of errors.
const (
	weightNone        = 1 + iota // no credentials
	weightForeign                // credentials of somebody else's, perhaps of another provider's
	weightBad                    // bad credentials
	weightUnavailable            // the provider cannot tell
)

func weight(err error) int {
	e, ok := errors.AsType[*status.Error](err)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNone):
		return weightNone
	case !ok || e.Code != codes.Unauthenticated && e.Code != codes.PermissionDenied:
		return weightUnavailable
	case e.Reason == status.ReasonTokenUntrusted:
		return weightForeign
	default:
		return weightBad
	}
}

// challenged returns an error with what all providers ask for, that of its own provider first.
func (p *Policy) challenged(err error) error {
	e, ok := errors.AsType[*status.Error](err)
	if !ok || e.Code != codes.Unauthenticated {
		return err
	}
	own := *e
	for challenge := range strings.SplitSeq(p.missing.Challenge, ", ") {
		scheme, _, _ := strings.Cut(challenge, " ")
		if !strings.HasPrefix(own.Challenge, scheme) {
			own.Challenge = strings.TrimPrefix(own.Challenge+", "+challenge, ", ")
		}
	}
	own.Challenge = cmp.Or(own.Challenge, p.missing.Challenge)
	return &own
}
