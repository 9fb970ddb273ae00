// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package deadline_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/deadline"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// T174, T176: which deadline a call has.
func TestT174Deadlines(t *testing.T) {
	t.Parallel()
	policy, err := deadline.New(deadline.Config{Timeout: 10 * time.Second, MaxTimeout: 60 * time.Second, StreamIdle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	const none = time.Duration(-1)
	for _, tt := range []struct {
		name   string
		stream bool
		client time.Duration // none: says nothing
		want   time.Duration // after the start; none: no deadline; 0: refused
	}{
		{"the client says nothing: the default", false, none, 10 * time.Second},
		{"the client's", false, 3 * time.Second, 3 * time.Second},
		{"more than the default, if the client asks for it", false, 30 * time.Second, 30 * time.Second},
		{"never more than the most", false, time.Hour, 60 * time.Second},
		{"expired", false, 0, 0},
		{"a stream without one", true, none, none},
		{"a stream with one", true, 3 * time.Second, 3 * time.Second},
		{"a stream with too long a one", true, time.Hour, 60 * time.Second},
		{"a stream that has expired", true, 0, 0},
	} {
		c := transcoder.NewCall(context.Background(), &transcoder.Request{})
		c.Method = transcoder.BareMethod("/a.B/C", false, tt.stream)
		if tt.client != none {
			c.Timeout, c.HasTimeout = tt.client, true
		}
		err := policy.Admit(c)
		switch {
		case tt.want == 0:
			if status.ReasonOf(err) != status.ReasonDeadlineExceeded || codes.Code(status.Proto(err).GetCode()) != codes.DeadlineExceeded {
				t.Errorf("%s: %v; want DEADLINE_EXCEEDED", tt.name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want == none:
			if !c.Deadline.IsZero() {
				t.Errorf("%s: the deadline is %s; want none", tt.name, c.Deadline.Sub(c.Start))
			}
		case !c.Deadline.Equal(c.Start.Add(tt.want)):
			t.Errorf("%s: the deadline is after %s; want %s", tt.name, c.Deadline.Sub(c.Start), tt.want)
		}
		if want := map[bool]time.Duration{true: time.Minute}[tt.stream]; c.StreamIdle != want { // T145
			t.Errorf("%s: idle limit %s; want %s", tt.name, c.StreamIdle, want)
		}
	}
}

// T145, T176: a stream can have a limit of its own, whatever its client says; unary calls do not know it.
func TestT145StreamTimeout(t *testing.T) {
	t.Parallel()
	policy, err := deadline.New(deadline.Config{Timeout: time.Second, MaxTimeout: 10 * time.Minute, StreamTimeout: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	const none = time.Duration(-1)
	for _, tt := range []struct {
		name         string
		stream       bool
		client, want time.Duration
	}{
		{"the client says nothing", true, none, 5 * time.Minute},
		{"the client's is longer", true, 8 * time.Minute, 5 * time.Minute},
		{"the client's is shorter", true, time.Minute, time.Minute},
		{"a unary call that says nothing", false, none, time.Second},
		{"a unary call of a longer time", false, 8 * time.Minute, 8 * time.Minute},
	} {
		c := transcoder.NewCall(context.Background(), &transcoder.Request{})
		c.Method = transcoder.BareMethod("/a.B/C", false, tt.stream)
		if tt.client != none {
			c.Timeout, c.HasTimeout = tt.client, true
		}
		if err := policy.Admit(c); err != nil || c.Deadline.Sub(c.Start) != tt.want {
			t.Errorf("%s: the deadline is %s, %v; want %s", tt.name, c.Deadline.Sub(c.Start), err, tt.want)
		}
	}
}

func TestNoTimeoutLeavesCallsWithoutADeadline(t *testing.T) {
	t.Parallel()
	policy, err := deadline.New(deadline.Config{Timeout: deadline.NoTimeout})
	if err != nil {
		t.Fatal(err)
	}
	c := transcoder.NewCall(context.Background(), &transcoder.Request{})
	c.Method = transcoder.BareMethod("/a.B/C", false, false)
	if err := policy.Admit(c); err != nil || !c.Deadline.IsZero() {
		t.Errorf("%v, deadline %s", err, c.Deadline)
	}
	c.Timeout, c.HasTimeout = time.Second, true
	if err := policy.Admit(c); err != nil || !c.Deadline.Equal(c.Start.Add(time.Second)) {
		t.Errorf("%v, deadline %s: the client's own counts", err, c.Deadline)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []deadline.Config{{Timeout: -1}, {MaxTimeout: -1}, {StreamIdle: -1}, {StreamTimeout: -1}, {Timeout: 2, MaxTimeout: 1}} {
		if _, err := deadline.New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	if _, err := deadline.New(deadline.Config{}); err != nil {
		t.Error(err)
	}
}
