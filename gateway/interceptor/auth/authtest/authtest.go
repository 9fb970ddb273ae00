// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package authtest provides the contract that every provider of authentication passes, and calls to try providers with.
package authtest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// Patience is how long a provider may wait in a test.
const Patience = 20 * time.Second

// Subject is a provider and what it is tried with.
type Subject struct {
	// Provider is under test. Where it is a Runner, Run is called beside.
	Provider auth.Provider
	// Good are requests of callers that it knows, by the subject of their identity; at least two.
	Good map[string]*transcoder.Request
	// Bad are requests that it refuses, by what is wrong with them.
	Bad map[string]*transcoder.Request
	// Always says that it looks at every call, whether or not it has credentials.
	Always bool
}

// Request returns the head of a request with such fields: a name, its value, the next name.
func Request(fields ...string) *transcoder.Request {
	r := &transcoder.Request{Method: "POST", Path: "/a.B/C", Authority: "api.example", Scheme: "https", Major: 2, ContentLength: -1}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// Call returns a call of a request.
func Call(ctx context.Context, r *transcoder.Request) *transcoder.Call {
	c := transcoder.NewCall(ctx, r)
	c.Protocol, c.RequestID = "grpc", "id"
	c.Method = transcoder.BareMethod(r.Path, false, false)
	return c
}

// Authenticate asks a provider about a request, and waits where it has to.
func Authenticate(ctx context.Context, p auth.Provider, r *transcoder.Request) (*transcoder.Identity, error) {
	c := Call(ctx, r)
	id, err := p.Authenticate(c)
	if errors.Is(err, interceptor.ErrWait) {
		if w, ok := p.(auth.Waiter); ok {
			return w.Wait(ctx, c)
		}
	}
	return id, err
}

// Run tests a provider against the contract.
func Run(t *testing.T, s Subject) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	if r, ok := s.Provider.(auth.Runner); ok {
		ctx, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		t.Cleanup(func() {
			stop()
			running.Wait()
		})
	}
	if len(s.Good) < 2 || len(s.Bad) == 0 {
		t.Fatal("the contract needs two good requests and a bad one")
	}
	t.Run("knows who calls", func(t *testing.T) { good(ctx, t, s) })
	t.Run("refuses the rest", func(t *testing.T) { bad(ctx, t, s) })
	t.Run("passes by calls without credentials", func(t *testing.T) {
		id, err := Authenticate(ctx, s.Provider, Request("user-agent", "test"))
		if s.Always {
			if id != nil || err == nil {
				t.Errorf("got %+v, %v for a call without credentials", id, err)
			}
			return
		}
		if id != nil || !errors.Is(err, auth.ErrNone) {
			t.Errorf("got %+v, %v; want ErrNone", id, err)
		}
	})
	t.Run("names what it reads", func(t *testing.T) {
		for _, field := range s.Provider.Credentials() {
			if !wire.ValidName(field) || field != strings.ToLower(field) {
				t.Errorf("Credentials has %q, which is no name in lower case", field)
			}
		}
		if !wire.ValidValue(s.Provider.Challenge()) {
			t.Errorf("the challenge %q is no value of a field", s.Provider.Challenge())
		}
	})
	t.Run("never takes one for another", func(t *testing.T) { together(ctx, t, s) })
}

func good(ctx context.Context, t *testing.T, s Subject) {
	t.Helper()
	for subject, r := range s.Good {
		before := slices.Clone(r.Header)
		var first *transcoder.Identity
		for range 3 { // what is remembered says the same
			id, err := Authenticate(ctx, s.Provider, r)
			if err != nil {
				t.Errorf("%s: %v", subject, err)
				continue
			}
			if id.Subject != subject || id.Provider == "" {
				t.Errorf("got subject %q of provider %q; want %q", id.Subject, id.Provider, subject)
			}
			for _, f := range id.Forward {
				if auth.CheckForward(f.Name) != nil || !wire.ValidValue(f.Value) {
					t.Errorf("%s: forwards %q: %q", subject, f.Name, f.Value)
				}
			}
			if first == nil {
				first = id
			}
			if !reflect.DeepEqual(first, id) {
				t.Errorf("%s: is first %+v and then %+v", subject, first, id)
			}
		}
		if !slices.Equal(before, r.Header) {
			t.Errorf("%s: the head of the request was changed", subject)
		}
	}
}

func bad(ctx context.Context, t *testing.T, s Subject) {
	t.Helper()
	for what, r := range s.Bad {
		for range 2 {
			id, err := Authenticate(ctx, s.Provider, r)
			e, ok := errors.AsType[*status.Error](err)
			if id != nil || !ok {
				t.Errorf("%s: got %+v, %v; want a *status.Error and nobody", what, id, err)
				continue
			}
			if e.Code != codes.Unauthenticated && e.Code != codes.PermissionDenied && e.Code != codes.Unavailable || e.Reason == "" || e.Message == "" {
				t.Errorf("%s: refused with %v, reason %q", what, e, e.Reason)
			}
			if !wire.ValidValue(e.Challenge) || !wire.ValidValue(e.Message) {
				t.Errorf("%s: the refusal says %q and %q", what, e.Challenge, e.Message)
			}
			for _, f := range r.Header {
				if f.Name == "authorization" && len(f.Value) > 12 && strings.Contains(e.Error(), f.Value[len(f.Value)-12:]) {
					t.Errorf("%s: the refusal shows the credentials: %v", what, e) // threat I7
				}
			}
		}
	}
}

// together asks for all callers at the same time (threat C12).
func together(ctx context.Context, t *testing.T, s Subject) {
	t.Helper()
	var asking sync.WaitGroup
	for subject, r := range s.Good {
		for range 8 {
			asking.Go(func() {
				for range 25 {
					if id, err := Authenticate(ctx, s.Provider, r); err != nil || id.Subject != subject {
						t.Errorf("%s: got %+v, %v", subject, id, err)
						return
					}
				}
			})
		}
	}
	for what, r := range s.Bad {
		asking.Go(func() {
			if id, err := Authenticate(ctx, s.Provider, r); err == nil {
				t.Errorf("%s: got %+v", what, id)
			}
		})
	}
	asking.Wait()
}
