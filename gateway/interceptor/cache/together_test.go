// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// slow has the backend take so long for each answer, or until the call is over.
func slow(d time.Duration) func(*transcoder.Call, int64) error {
	return func(c *transcoder.Call, _ int64) error { return pause(c, d) }
}

func pause(c *transcoder.Call, d time.Duration) error {
	if !c.Deadline.IsZero() {
		d = min(d, time.Until(c.Deadline))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.Context().Done():
		return grpcstatus.Error(codes.Canceled, "cancelled")
	}
	if !c.Deadline.IsZero() && !time.Now().Before(c.Deadline) {
		return grpcstatus.Error(codes.DeadlineExceeded, "too late")
	}
	return nil
}

// many makes calls at the same time, and returns what became of them.
func (r *rig) many(n int, call func(i int) outcome) []outcome {
	all := make([]outcome, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { all[i] = call(i) })
	}
	running.Wait()
	return all
}

// count counts outcomes by how calls got them.
func count(all []outcome) map[string]int {
	by := map[string]int{}
	for _, o := range all {
		if o.err != nil {
			by[grpcstatus.Code(errorOf(o.err)).String()]++
			continue
		}
		by[o.result()]++
	}
	return by
}

func errorOf(err error) error {
	if e, ok := errors.AsType[*status.Error](err); ok {
		return e.GRPCStatus().Err()
	}
	return err
}

func TestMissesWaitForOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = slow(time.Second)
		all := r.many(100, func(int) outcome { return r.call("a") })
		if by := count(all); by["miss"] != 1 || by["coalesced"] != 99 || r.backend.calls.Load() != 1 {
			t.Errorf("%v, and %d calls", by, r.backend.calls.Load())
		}
		for _, o := range all {
			if o.body != "1" {
				t.Errorf("a client has %q", o.body)
			}
		}
		if s := r.cache.Stats(); s.Misses != 1 || s.Coalesced != 99 || s.Results()[transcoder.CacheCoalesced] != 99 {
			t.Errorf("%+v", s)
		}
	})
}

// A client that goes away takes nobody's answer with it: one of those who wait fetches it.
func TestWhoFetchesMayLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = slow(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var first sync.WaitGroup
		first.Go(func() {
			if o := r.callWith(ctx, "a", nil); o.err == nil {
				t.Errorf("a call that was cancelled has %s", o)
			}
		})
		synctest.Wait()
		var others sync.WaitGroup
		others.Go(func() {
			if by := count(r.many(10, func(int) outcome { return r.call("a") })); by["miss"] != 1 || by["coalesced"] != 9 {
				t.Errorf("%v", by)
			}
		})
		synctest.Wait()
		cancel()
		first.Wait()
		others.Wait()
		if n := r.backend.calls.Load(); n != 2 {
			t.Errorf("%d calls arrived; want the first, and one for the others", n)
		}
	})
}

// The same where the first has less time than it takes.
func TestWhoFetchesMayRunOutOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = slow(time.Second)
		var all sync.WaitGroup
		all.Go(func() {
			o := r.callWith(t.Context(), "a", func(c *transcoder.Call) { c.Deadline = time.Now().Add(300 * time.Millisecond) })
			if grpcstatus.Code(o.err) != codes.DeadlineExceeded {
				t.Errorf("the first: %s", o)
			}
		})
		synctest.Wait()
		r.want("the second", r.call("a"), "miss", "2")
		all.Wait()
	})
}

// Who waits has a deadline of its own, leaves when its client does, and waits no longer than the configuration says.
func TestWhoWaitsDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		edit   func(*transcoder.Call)
		leave  time.Duration
		result string
		code   codes.Code
		after  time.Duration
	}{
		{"own deadline", func(c *transcoder.Call) { c.Deadline = time.Now().Add(500 * time.Millisecond) }, 0, "", codes.DeadlineExceeded, 500 * time.Millisecond},
		{"its client leaves", nil, 200 * time.Millisecond, "", codes.Canceled, 200 * time.Millisecond},
		{"the longest time", nil, 0, "miss", codes.OK, 2*time.Second + time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, cache.Config{MaxWait: 2 * time.Second}, ttl(time.Minute))
			r.backend.answer = slow(time.Minute)
			var first sync.WaitGroup
			first.Go(func() { r.call("a") })
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.leave > 0 {
				defer time.AfterFunc(tt.leave, cancel).Stop()
			}
			began := time.Now()
			o := r.callWith(ctx, "a", tt.edit)
			if took := time.Since(began); grpcstatus.Code(errorOf(o.err)) != tt.code || o.result() != tt.result || took != tt.after {
				t.Errorf("%s: %s after %s; want %s %s after %s", tt.name, o, took, tt.result, tt.code, tt.after)
			}
			first.Wait()
		})
	}
}

// An error is for who got it alone; those who waited ask for themselves, all at once.
func TestErrorsAreNotShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = func(c *transcoder.Call, n int64) error {
			if err := pause(c, time.Second); err != nil {
				return err
			}
			if n == 1 {
				return grpcstatus.Error(codes.PermissionDenied, "not for the first")
			}
			return nil
		}
		began := time.Now()
		by := count(r.many(10, func(int) outcome { return r.call("a") }))
		if by["PermissionDenied"] != 1 || by["miss"] != 9 || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %s", by, time.Since(began))
		}
	})
}

// Nobody waits for answers that are not stored: after the first, calls of a key go at once for a while.
func TestNobodyWaitsForWhatIsNotStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = func(c *transcoder.Call, n int64) error {
			if n < 100 {
				_ = says("cache-control", "no-store")(c, n)
			}
			return pause(c, time.Second)
		}
		if by := count(r.many(10, func(int) outcome { return r.call("a") })); by["miss"] != 10 {
			t.Errorf("%v", by)
		}
		began := time.Now()
		r.many(5, func(int) outcome { return r.call("a") })
		if took := time.Since(began); took != time.Second {
			t.Errorf("afterwards they take %s", took)
		}
		r.backend.calls.Store(100)
		r.want("it is stored when it may be", r.call("a"), "miss", "101")
		r.want("and used", r.call("a"), "hit", "101")
	})
}

// A panic of the call that fetches ends that one.
func TestAPanicIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, ttl(time.Minute))
		r.backend.answer = func(c *transcoder.Call, n int64) error {
			if err := pause(c, time.Second); err != nil {
				return err
			}
			if n == 1 {
				panic("broken")
			}
			return nil
		}
		var first sync.WaitGroup
		first.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is lost")
				}
			}()
			r.call("a")
		})
		synctest.Wait()
		r.want("who waited", r.call("a"), "miss", "2")
		first.Wait()
	})
}

// A refresh that panics or fails leaves the stale answer, and the next call tries again.
func TestRefreshesMayFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, StaleWhileRevalidate: time.Hour})
		r.backend.answer = func(_ *transcoder.Call, n int64) error {
			switch n {
			case 2:
				panic("broken")
			case 3:
				return grpcstatus.Error(codes.Unavailable, "down")
			}
			return nil
		}
		r.call("a")
		time.Sleep(2 * time.Minute)
		for range 3 {
			r.want("stale", r.call("a"), "stale", "1")
			synctest.Wait()
		}
		r.want("at last", r.call("a"), "hit", "4")
		if s := r.cache.Stats(); s.Refreshes != 3 || s.RefreshesFailed != 2 {
			t.Errorf("%+v", s)
		}
		r.generation.Close()
	})
}

// Only so many are fetched at a time that nobody waits for, and a snapshot that goes takes its own with it.
func TestRefreshesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{MaxRefreshes: 2}, cache.PolicyConfig{TTL: time.Minute, StaleWhileRevalidate: time.Hour})
		for _, id := range []string{"a", "b", "c"} {
			r.call(id)
		}
		time.Sleep(2 * time.Minute)
		r.backend.answer = slow(time.Hour)
		for _, id := range []string{"a", "b", "c", "a"} {
			if o := r.call(id); o.result() != "stale" {
				t.Errorf("%s: %s", id, o)
			}
		}
		synctest.Wait()
		if n := r.backend.calls.Load(); n != 5 {
			t.Errorf("%d are fetched beside the first 3; want 2", n-3)
		}
		began := time.Now()
		r.generation.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("the snapshot is released after %s", took)
		}
		if o := r.call("a"); o.result() != "stale" {
			t.Errorf("a call that is still under way: %s", o)
		}
		if s := r.cache.Stats(); s.RefreshesLeft != 1 || s.RefreshesFailed != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// What is fetched beside calls is so for as long as the call had, and no longer than half a minute.
func TestRefreshesHaveADeadline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ has, want time.Duration }{{0, 30 * time.Second}, {5 * time.Second, 5 * time.Second}, {time.Millisecond, time.Second}, {time.Hour, 30 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, StaleWhileRevalidate: time.Hour})
			r.call("a")
			time.Sleep(2 * time.Minute)
			var left time.Duration
			r.backend.answer = func(c *transcoder.Call, _ int64) error {
				left = time.Until(c.Deadline)
				return nil
			}
			r.callWith(t.Context(), "a", func(c *transcoder.Call) {
				if tt.has > 0 {
					c.Deadline = time.Now().Add(tt.has)
				}
			})
			synctest.Wait()
			if left != tt.want {
				t.Errorf("of a call with %s it has %s; want %s", tt.has, left, tt.want)
			}
			r.generation.Close()
		})
	}
}
