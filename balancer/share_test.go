// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package balancer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
)

// A policy and its panic threshold change together, on the connections that there are; a threshold that is none is refused.
func TestSetPlacing(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	c := openTo(t, b)
	ready(t, c, 1)
	before := c.Endpoints()[0].Since
	if err := c.SetPlacing(picker.Random{}, 0.2); err != nil {
		t.Fatal(err)
	}
	if got := c.Policy().Name(); got != "random" {
		t.Errorf("the policy is %s", got)
	}
	if _, err := unary(t.Context(), c); err != nil {
		t.Error(err)
	}
	if s := c.Endpoints()[0]; s.Since != before {
		t.Errorf("the endpoint is what it is since %v; before, %v", s.Since, before)
	}
	if err := c.SetPlacing(picker.Random{}, 2); err == nil || !strings.Contains(err.Error(), "threshold is 2") {
		t.Errorf("a threshold of 2: %v", err)
	}
}

// What is known of a source says when it last answered well, and since when it fails or does not.
func TestSourceState(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	l := &list{current: []endpoint.Endpoint{at(t, b.address)}}
	c := open(t, balancer.Config{Source: l.source()})
	ready(t, c, 1)
	good := c.Source()
	if good.Err != nil || good.Endpoints != 1 || good.Good.IsZero() || good.Since != good.Good || good.Name != "list" {
		t.Errorf("the source is %+v", good)
	}
	tell := func(err error, then func(balancer.SourceState) bool) balancer.SourceState {
		t.Helper()
		l.mu.Lock()
		update, current := l.update, l.current
		l.mu.Unlock()
		if err != nil {
			current = nil
		}
		update(current, err)
		for deadline := time.Now().Add(patience); !then(c.Source()); {
			if time.Now().After(deadline) {
				t.Fatalf("the source is %+v", c.Source())
			}
			<-time.After(time.Millisecond)
		}
		return c.Source()
	}
	away := tell(errors.New("away"), func(s balancer.SourceState) bool { return s.Err != nil })
	if away.Good != good.Good || !away.Since.After(good.Good) || away.Endpoints != 1 {
		t.Errorf("a source that fails: %+v", away)
	}
	still := tell(errors.New("still away"), func(s balancer.SourceState) bool { return s.At.After(away.At) })
	if still.Since != away.Since {
		t.Errorf("it fails since %v; it failed at %v", still.Since, away.Since)
	}
	again := tell(nil, func(s balancer.SourceState) bool { return s.Err == nil })
	if again.Good != again.At || again.Since != again.At {
		t.Errorf("a source that answers again: %+v", again)
	}
}

// A channel that somebody else balances says whether calls can be placed, and takes no notice of what is for ours.
func TestAdopt(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	conn, err := grpc.NewClient("passthrough:///"+b.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	c := balancer.Adopt("foreign", conn)
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil || !c.Ready() {
		t.Errorf("ready: %v, %t", err, c.Ready())
	}
	if err := c.SetPlacing(picker.Random{}, 0.5); err != nil || len(c.Endpoints()) != 0 {
		t.Errorf("got %v and %v", err, c.Endpoints())
	}
	if name, err := unary(ctx, c); err != nil {
		t.Errorf("%q, %v", name, err)
	}
	b.kill()
	for changed := c.Changed(); c.Ready(); changed = c.Changed() {
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("a channel without a server stays ready")
		case <-time.After(time.Millisecond): // it may have changed between the two questions
		}
	}
	short, end := context.WithTimeout(ctx, 20*time.Millisecond)
	defer end()
	if err := c.WaitReady(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: %v", err)
	}
}
