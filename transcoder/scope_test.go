// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dragoman-gateway/dragoman/transcoder"
)

// The context of an exchange ends with the exchange, also when it is first asked for then, and at a deadline that was known when it was first asked for.
func TestScope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			name  string
			early bool          // it is asked for before the deadline is known
			limit time.Duration // 0 for none
			end   time.Duration // of the exchange
			want  error
			after time.Duration
		}{
			{"no deadline", false, 0, time.Second, context.Canceled, time.Second},
			{"the deadline comes first", false, time.Second, time.Minute, context.DeadlineExceeded, time.Second},
			{"the exchange ends first", false, time.Minute, time.Second, context.Canceled, time.Second},
			{"the deadline is known too late", true, time.Second, time.Minute, context.Canceled, time.Minute},
			{"the exchange is over before", false, time.Second, 0, context.Canceled, 0},
		} {
			var s transcoder.Scope
			began := time.Now()
			var deadline time.Time
			if row.limit > 0 {
				deadline = began.Add(row.limit)
			}
			if row.early {
				s.Context(time.Time{})
			}
			if row.end == 0 {
				s.End()
			} else {
				time.AfterFunc(row.end, s.End)
			}
			ctx := s.Context(deadline)
			<-ctx.Done()
			if took := time.Since(began); !errors.Is(ctx.Err(), row.want) || took != row.after {
				t.Errorf("%s: %v after %s; want %v after %s", row.name, ctx.Err(), took, row.want, row.after)
			}
			if s.Context(time.Time{}) != ctx {
				t.Errorf("%s: there is another context later", row.name)
			}
			time.Sleep(time.Hour) // the exchange ends in any case
		}
	})
}

// Contexts that are made of a scope's end with it, with its reason; so do functions that wait for its end.
func TestScopesChildren(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s transcoder.Scope
		ctx := s.Context(time.Now().Add(time.Minute))
		if at, ok := ctx.Deadline(); !ok || !at.Equal(time.Now().Add(time.Minute)) || ctx.Err() != nil || ctx.Value("x") != nil {
			t.Errorf("it has the deadline %v, %t, and %v", at, ok, ctx.Err())
		}
		child, cancel := context.WithCancel(ctx)
		valued, leaveValued := context.WithCancel(context.WithValue(ctx, key{}, 1))
		defer leaveValued()
		defer cancel()
		gone, leave := context.WithCancel(ctx)
		leave()
		calls := make(chan string, 3)
		context.AfterFunc(ctx, func() { calls <- "a function" })
		if stop := context.AfterFunc(ctx, func() { calls <- "one that was stopped" }); !stop() || stop() {
			t.Error("stopping a function says something else than that it was stopped, once")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(child.Err(), context.DeadlineExceeded) || !errors.Is(valued.Err(), context.DeadlineExceeded) || !errors.Is(context.Cause(child), context.DeadlineExceeded) || !errors.Is(gone.Err(), context.Canceled) {
			t.Errorf("children end with %v and %v", child.Err(), gone.Err())
		}
		if got := <-calls; got != "a function" || len(calls) > 0 {
			t.Errorf("called was %s, and %d more", got, len(calls))
		}
		context.AfterFunc(ctx, func() { calls <- "late" })
		if got := <-calls; got != "late" {
			t.Error(got)
		}
		s.End()
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("the first reason counts; got %v", ctx.Err())
		}
	})
}

type key struct{}
