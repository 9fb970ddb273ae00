// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// everywhere are the statements by which strict differs from the profile in so many calls that these do not name them: what unset
// fields look like, and what metadata are called.
var everywhere = []int{112, 163, 167}

// pair is grpc-gateway and Dragoman, each with its own backends.
type pair struct {
	theirs *theirs
	ours   *ours
}

func startPair(t *testing.T) *pair {
	t.Helper()
	return &pair{theirs: startTheirs(t), ours: startOurs(t)}
}

// askTheirs sends a request to grpc-gateway.
func (p *pair) askTheirs(t *testing.T, r *request) *observed {
	t.Helper()
	return ask(t, p.theirs.web, p.theirs.backends, r)
}

// askOurs sends a request to Dragoman, which is strict but for these flips of the profile grpc-gateway.
func (p *pair) askOurs(t *testing.T, r *request, flips []rest.Flip) *observed {
	t.Helper()
	p.ours.use(t, flips)
	return ask(t, p.ours.web, p.ours.backends, r)
}

func ask(t *testing.T, w *web, b *backends, r *request) *observed {
	t.Helper()
	b.restore(t)
	if r.verb != http.MethodGet && strings.HasPrefix(r.target, "/v1/") {
		b.used.Store(true)
	}
	seen := w.send(t, r)
	seen.Calls = b.recorder.take(t)
	for _, name := range []string{"Date", "Content-Length", "Connection"} { // they are about the connection
		seen.Header.Del(name)
	}
	for _, v := range seen.Values {
		forget(v)
	}
	return seen
}

// forget takes out of an answer what depends on the connection between the gateway and its backend: the recorder has what is
// compared.
func forget(v any) {
	object, _ := v.(map[string]any)
	if inner, ok := object["result"].(map[string]any); ok {
		object = inner
	}
	if seen, ok := object["seen"].(map[string]any); ok {
		delete(seen, "peer")
		delete(seen, "metadata")
		if seen["deadlineLeft"] != nil {
			seen["deadlineLeft"] = "some"
		}
	}
}

func TestProfileAgainstGRPCGateway(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	k := newComparison(general)
	for _, c := range calls() {
		t.Run(c.String(), func(t *testing.T) { // not parallel: what the backends record belongs to one call
			ours, theirs := p.askOurs(t, &c.request, rest.ProfileGRPCGateway.Flips()), p.askTheirs(t, &c.request)
			if c.plain != nil {
				c.plainSeen = p.askTheirs(t, c.plain)
			}
			report(t, k.check(&c, ours, theirs))
		})
	}
	report(t, k.finish())
}

// TestStrictByStatements: with the flips of its statements, and those of everywhere, strict gives the answer of the profile, and
// with one of them fewer it does not.
func TestStrictByStatements(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	needed := map[int]bool{}
	for _, c := range calls() {
		t.Run(c.String(), func(t *testing.T) {
			profile := p.askOurs(t, &c.request, rest.ProfileGRPCGateway.Flips())
			differs := func(statements ...int) string {
				return difference(profile, p.askOurs(t, &c.request, flipsOf(t, statements)))
			}
			all := slices.Concat(c.flips, everywhere)
			if d := differs(all...); d != "" {
				t.Errorf("strict differs from the profile by more than the statements %d (-profile +strict):\n%s", c.flips, d)
				return
			}
			for i, s := range all {
				if i >= len(c.flips) && needed[s] {
					continue // it need not be for each call
				}
				if differs(slices.Delete(slices.Clone(all), i, i+1)...) != "" {
					needed[s] = true
				} else if i < len(c.flips) {
					t.Errorf("T%d is no reason for a difference: the answers are equal without it", s)
				}
			}
		})
	}
	for _, f := range rest.ProfileGRPCGateway.Flips() {
		if !needed[f.Statement] {
			t.Errorf("no call shows what the flip of T%d does", f.Statement)
		}
	}
}

func report(t *testing.T, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Error(problem)
	}
}
