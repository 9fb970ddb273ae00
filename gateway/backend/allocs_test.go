// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dragoman-gateway/dragoman/balancer"
	"github.com/dragoman-gateway/dragoman/balancer/picker"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/internal/race"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// bare is a channel without anything of this package.
type bare struct {
	*balancer.Channel

	call picker.Call
}

func (b *bare) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return b.Channel.Invoke(picker.WithCall(ctx, &b.call), method, args, reply, opts...)
}

// ReadsCompressed is what a channel of ours says.
func (*bare) ReadsCompressed() bool { return false }

// A call that needs no retry, no queue and no hedge allocates no more than without them.
//
//nolint:paralleltest // it counts allocations
func TestACallThatGoesWellAllocatesNothingMore(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget")
	}
	s := newServer(t, echo)
	b := open(t, backend.Config{}, s)
	m := get()
	request := &transcoder.Request{Method: "POST", Path: m.Path, Major: 2}
	measure := func(do func(c *transcoder.Call, client *client) error) float64 {
		return testing.AllocsPerRun(500, func() {
			c := transcoder.NewCall(t.Context(), request)
			c.Method, c.Deadline = m, time.Now().Add(10*time.Second)
			if err := do(c, newClient("x")); err != nil {
				t.Error(err)
			}
		})
	}
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 5}})
	plain := measure(func(c *transcoder.Call, client *client) error {
		return transcoder.Forward(c, client, &bare{Channel: b.Channel()})
	})
	ours := measure(func(c *transcoder.Call, client *client) error { return r.Forward(c, client) })
	t.Logf("%.0f and %.0f allocations", plain, ours)
	if ours > plain+2 { // give or take what the server in the same process does
		t.Errorf("a call allocates %.0f times; without retries and limits %.0f", ours, plain)
	}
}
