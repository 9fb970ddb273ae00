// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth"
	"github.com/dragoman-gateway/dragoman/gateway/interceptor/auth/authtest"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is a provider that always says the same.
type fixed struct {
	id        *transcoder.Identity
	err       error
	challenge string
	asked     int
}

func (f *fixed) Authenticate(*transcoder.Call) (*transcoder.Identity, error) {
	f.asked++
	return f.id, f.err
}

func (f *fixed) Challenge() string     { return f.challenge }
func (f *fixed) Credentials() []string { return nil }

// patient is a provider that has to wait.
type patient struct {
	fixed
	waited int
}

func (p *patient) Authenticate(*transcoder.Call) (*transcoder.Identity, error) {
	return nil, interceptor.ErrWait
}

func (p *patient) Wait(ctx context.Context, _ *transcoder.Call) (*transcoder.Identity, error) {
	p.waited++
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("the deadline of the call is not that of what is waited for")
	}
	return p.id, p.err
}

func refusal(code codes.Code, reason status.Reason) *status.Error {
	return &status.Error{Code: code, Reason: reason, Message: string(reason)}
}

// Alternatives are asked in their order; who must wait waits; and a provider that says nothing at all lets nobody in.
func TestPolicyAsksInOrder(t *testing.T) {
	t.Parallel()
	named := func(p auth.Provider) []auth.Named { return []auth.Named{{Name: "n", Provider: p}} }
	alice, bob := &transcoder.Identity{Subject: "alice"}, &transcoder.Identity{Subject: "bob"}
	var (
		none    = func() auth.Provider { return &fixed{err: auth.ErrNone, challenge: "Bearer"} }
		foreign = func() auth.Provider { return &fixed{err: refusal(codes.Unauthenticated, status.ReasonTokenUntrusted)} }
		bad     = func() auth.Provider { return &fixed{err: refusal(codes.Unauthenticated, status.ReasonTokenExpired)} }
		down    = func() auth.Provider { return &fixed{err: refusal(codes.Unavailable, status.ReasonAuthUnavailable)} }
		yes     = func() auth.Provider { return &fixed{id: alice} }
		later   = func() auth.Provider { return &patient{fixed: fixed{id: bob}} }
		never   = func() auth.Provider { return &fixed{err: interceptor.ErrWait} } // it is no Waiter
		mute    = func() auth.Provider { return &fixed{} }
		broken  = func() auth.Provider { return &fixed{err: errors.New("secret")} }
	)
	for _, row := range []struct {
		name     string
		any      []func() auth.Provider
		optional bool
		subject  string
		reason   status.Reason
	}{
		{"nobody is asked", nil, false, "", status.ReasonOK},
		{"the first that knows", []func() auth.Provider{none, yes, later}, false, "alice", status.ReasonOK},
		{"who must wait, first", []func() auth.Provider{later, yes}, false, "bob", status.ReasonOK},
		{"bad credentials, and good ones", []func() auth.Provider{bad, foreign, down, yes}, false, "alice", status.ReasonOK},
		{"no credentials", []func() auth.Provider{none, none}, false, "", status.ReasonUnauthenticated},
		{"no credentials, which may be", []func() auth.Provider{none, none}, true, "", status.ReasonOK},
		{"bad ones, where none may be", []func() auth.Provider{none, bad}, true, "", status.ReasonTokenExpired},
		{"a foreign token says less than a bad one", []func() auth.Provider{foreign, bad, none}, false, "", status.ReasonTokenExpired},
		{"a provider that is down says most", []func() auth.Provider{bad, down, foreign}, false, "", status.ReasonAuthUnavailable},
		{"a provider that is down, where none may be", []func() auth.Provider{none, down}, true, "", status.ReasonAuthUnavailable},
		{"a provider that says nothing", []func() auth.Provider{mute}, true, "", status.ReasonInternal},
		{"an error that is none of ours", []func() auth.Provider{broken}, true, "", status.ReasonInternal},
		{"one that waits and cannot", []func() auth.Provider{never}, true, "", status.ReasonInternal},
	} {
		cfg := auth.Config{Optional: row.optional}
		for _, make := range row.any {
			cfg.Any = append(cfg.Any, named(make()))
		}
		p, err := auth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := authtest.Call(t.Context(), authtest.Request())
		c.Deadline = time.Now().Add(time.Hour)
		err = interceptor.Admit(p, c)
		subject := ""
		if c.Identity != nil {
			subject = c.Identity.Subject
		}
		if subject != row.subject || status.ReasonOf(err) != row.reason {
			t.Errorf("%s: %q, %v (%s); want %q, %s", row.name, subject, err, status.ReasonOf(err), row.subject, row.reason)
		}
		if err != nil && strings.Contains(status.Proto(err).GetMessage(), "secret") {
			t.Errorf("%s: the client is told %v", row.name, status.Proto(err))
		}
	}
	if _, err := auth.New(auth.Config{Any: [][]auth.Named{{}}}); err == nil {
		t.Error("an alternative without a provider, which everybody meets, is accepted")
	}
}

// Several at once: all must agree, and the identity has them all; that of a provider is shared and stays as it is.
func TestPolicyAsksAllOfAnAlternative(t *testing.T) {
	t.Parallel()
	alice, bob := &transcoder.Identity{Subject: "alice"}, &transcoder.Identity{Subject: "bob"}
	p, err := auth.New(auth.Config{Any: [][]auth.Named{{{Name: "a", Provider: &fixed{id: alice}}, {Name: "b", Provider: &fixed{id: bob}}}}})
	if err != nil {
		t.Fatal(err)
	}
	c := authtest.Call(t.Context(), authtest.Request())
	if err := p.Admit(c); err != nil || c.Identity.Subject != "alice" || len(c.Identity.Also) != 1 || c.Identity.Also[0] != bob || alice.Also != nil {
		t.Errorf("%v, %+v", err, c.Identity)
	}
	var nobody *transcoder.Identity
	if nobody.HasScope("") || nobody.InGroup("") {
		t.Error("nobody has a scope or a group")
	}
}

// What is asked for is said once, of each kind, and that of the provider at fault first.
func TestPolicyChallenges(t *testing.T) {
	t.Parallel()
	invalid := &status.Error{Code: codes.Unauthenticated, Reason: status.ReasonTokenExpired, Message: "m", Challenge: `Bearer error="invalid_token"`}
	for _, row := range []struct {
		first error
		want  string
	}{
		{auth.ErrNone, `Bearer, Basic realm="r"`},
		{invalid, `Bearer error="invalid_token", Basic realm="r"`},
		{refusal(codes.Unauthenticated, status.ReasonCertificateInvalid), `Bearer, Basic realm="r"`},
		{refusal(codes.PermissionDenied, status.ReasonAuthDenied), ``},
	} {
		p, err := auth.New(auth.Config{Any: [][]auth.Named{
			{{Name: "a", Provider: &fixed{err: row.first, challenge: "Bearer"}}}, {{Name: "b", Provider: &fixed{err: auth.ErrNone, challenge: `Basic realm="r"`}}}, {{Name: "c", Provider: &fixed{err: auth.ErrNone, challenge: "Bearer"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := status.ChallengeOf(p.Admit(authtest.Call(t.Context(), authtest.Request()))); got != row.want {
			t.Errorf("got %s; want %s", got, row.want)
		}
	}
}

// An object that could be read in two ways is none (threat C10).
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":[[[[]]]]}`, `[]`, `{"a":1}{}`, `{"a":1e999}`, "{\"a\":\"\xff\"}", `{"a":{"b":null}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := auth.ParseObject(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := auth.ParseObject(again); err != nil {
			t.Fatalf("%s was read and, written again as %s, is not: %v", data, again, err)
		}
		var loose map[string]json.RawMessage
		if err := json.Unmarshal(data, &loose); err != nil || len(loose) != len(got) {
			t.Fatalf("%s: %v; encoding/json has %d members and not %d", data, err, len(loose), len(got))
		}
	})
}
