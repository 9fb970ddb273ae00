// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// RFC 9111, section 4.2: to the nanosecond, by whoever says it.
func TestHowLongAnswersAreFresh(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		ttl   time.Duration
		says  []string
		fresh time.Duration // 0: it is not stored
	}{
		{"the policy", 30 * time.Second, nil, 30 * time.Second},
		{"nobody", 0, nil, 0},
		{"the backend alone", 0, []string{"cache-control", "max-age=10"}, 10 * time.Second},
		{"the backend rather than the policy", 30 * time.Second, []string{"cache-control", "max-age=10"}, 10 * time.Second},
		{"for longer, too", 30 * time.Second, []string{"cache-control", "max-age=100"}, 100 * time.Second},
		{"s-maxage rather than max-age", 0, []string{"cache-control", "max-age=100, s-maxage=7"}, 7 * time.Second},
		{"and for longer", 0, []string{"cache-control", "max-age=1, s-maxage=7"}, 7 * time.Second},
		{"not at all", 30 * time.Second, []string{"cache-control", "max-age=0"}, 0},
		{"no longer than a day", 0, []string{"cache-control", "max-age=100000000"}, cache.MaxTTL},
		{"less what it is old", 0, []string{"cache-control", "max-age=100", "age", "40"}, 60 * time.Second},
		{"older than it may be", 0, []string{"cache-control", "max-age=100", "age", "100"}, 0},
		{"Expires", 0, []string{"expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, time.Minute},
		{"Expires and Date", 0, []string{"date", "Sat, 01 Jan 2000 00:00:50 GMT", "expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, 10 * time.Second},
		{"Expires in no form of a date", 30 * time.Second, []string{"expires", "0"}, 0},
		{"max-age rather than Expires", 0, []string{"cache-control", "max-age=5", "expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, 5 * time.Second},
		{"no-store", 30 * time.Second, []string{"cache-control", "no-store"}, 0},
		{"no-cache", 30 * time.Second, []string{"cache-control", "no-cache, max-age=10"}, 0},
		{"private", 30 * time.Second, []string{"cache-control", "private, max-age=10"}, 0},
		{"what cannot be read", 30 * time.Second, []string{"cache-control", "max-age=10; x"}, 0},
		{"two fields", 30 * time.Second, []string{"cache-control", "max-age=10", "cache-control", "no-store"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, cache.Config{}, ttl(tt.ttl))
			r.backend.answer = says(tt.says...)
			r.want(tt.name, r.call("a"), "miss", "1")
			if tt.fresh == 0 {
				r.want(tt.name+": at once", r.call("a"), "miss", "2")
				return
			}
			time.Sleep(tt.fresh - time.Nanosecond)
			r.want(tt.name+": a nanosecond before its end", r.call("a"), "hit", "1")
			time.Sleep(time.Nanosecond)
			r.want(tt.name+": at its end", r.call("a"), "miss", "2")
		})
	}
}

// What requests ask for (RFC 9111, section 5.2.1), of an answer that is fresh for a minute, and 20 seconds old.
func TestWhatRequestsAskFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		control string
		after   time.Duration
		result  string
	}{
		{"", 20 * time.Second, "hit"},
		{"max-age=20", 20 * time.Second, "hit"},
		{"max-age=19", 20 * time.Second, "miss"},
		{"max-age=0", 20 * time.Second, "miss"},
		{"max-age=0", 1, "miss"},
		{"max-age=19, max-stale=1", 20 * time.Second, "stale"},
		{"min-fresh=40", 20 * time.Second, "hit"},
		{"min-fresh=41", 20 * time.Second, "miss"},
		{"no-cache", 20 * time.Second, "miss"},
		{"no-store", 20 * time.Second, "bypass"},
		{"garbage; here", 20 * time.Second, "bypass"},
		{"", 70 * time.Second, "miss"},
		{"max-stale=10", 70 * time.Second, "stale"},
		{"max-stale=9", 70 * time.Second, "miss"},
		{"max-stale", 70 * time.Second, "stale"},
		{"max-stale, min-fresh=1", 70 * time.Second, "miss"},
		{"only-if-cached", 20 * time.Second, "hit"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, StaleIfError: time.Hour})
			r.want("first", r.call("a"), "miss", "1")
			time.Sleep(tt.after)
			body := map[string]string{"hit": "1", "stale": "1", "miss": "2", "bypass": "2"}[tt.result]
			r.want(tt.control, r.call("a", "cache-control", tt.control), tt.result, body)
			if tt.result == "miss" {
				r.want(tt.control+": a new one is stored", r.call("a"), "hit", "2")
			}
		})
	}
}

// A gateway that does not read what clients say is not made to work by them.
func TestClientsAreIgnoredWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, IgnoreClient: true})
	r.want("first", r.call("a"), "miss", "1")
	for _, control := range []string{"no-cache", "no-store", "max-age=0", "only-if-cached"} {
		r.want(control, r.call("a", "cache-control", control), "hit", "1")
	}
	r.want("only-if-cached, of what is not there", r.call("b", "cache-control", "only-if-cached"), "miss", "2")
}

func TestOnlyIfCached(t *testing.T) {
	t.Parallel()
	r := newRig(t, cache.Config{}, ttl(time.Minute))
	o := r.call("a", "cache-control", "only-if-cached")
	e, ok := errors.AsType[*status.Error](o.err)
	if !ok || e.Code != codes.FailedPrecondition || e.HTTP != 504 || e.Reason != status.ReasonNotCached || r.backend.calls.Load() != 0 {
		t.Errorf("%v, and %d calls", o.err, r.backend.calls.Load())
	}
}

// RFC 5861: a stale answer is used while one call fetches a new one, and no longer.
func TestStaleWhileRevalidate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, StaleWhileRevalidate: time.Hour})
		r.want("first", r.call("a"), "miss", "1")
		time.Sleep(time.Minute)
		for range 3 {
			r.want("stale", r.call("a"), "stale", "1")
		}
		synctest.Wait()
		r.want("refreshed", r.call("a"), "hit", "2")
		if n := r.backend.calls.Load(); n != 2 {
			t.Errorf("%d calls arrived", n)
		}
		time.Sleep(time.Minute + time.Hour - 1)
		r.want("a nanosecond before it is too old", r.call("a"), "stale", "2")
		synctest.Wait()
		time.Sleep(time.Minute + time.Hour)
		r.want("too old", r.call("a"), "miss", "4")
		r.generation.Close()
	})
}

// What the backend says of staleness counts more than the policy, both ways; and must-revalidate permits none.
func TestBackendsDecideOnStaleness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says string
		result     string // 30 s after it was fresh, while the backend answers
		failing    string // and while it fails; "" for its error
	}{
		{"the policy", "max-age=60", "stale", "stale"},
		{"the backend forbids", "max-age=60, stale-while-revalidate=0, stale-if-error=0", "miss", ""},
		{"it permits one", "max-age=60, stale-while-revalidate=0", "miss", "stale_if_error"},
		{"and the other", "max-age=60, stale-while-revalidate=31, stale-if-error=0", "stale", "stale"},
		{"for a shorter time", "max-age=60, stale-while-revalidate=30", "miss", "stale_if_error"},
		{"must-revalidate", "max-age=60, must-revalidate", "miss", ""},
		{"proxy-revalidate", "max-age=60, proxy-revalidate, stale-if-error=600", "miss", ""},
		{"s-maxage", "s-maxage=60", "miss", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Hour, StaleWhileRevalidate: time.Minute, StaleIfError: time.Minute})
			r.backend.answer = says("cache-control", tt.says)
			r.call("a")
			r.call("b")
			time.Sleep(90 * time.Second)
			if o := r.call("a"); o.err != nil || o.result() != tt.result {
				t.Errorf("%s: %s; want %s", tt.name, o, tt.result)
			}
			r.backend.answer = func(*transcoder.Call, int64) error { return grpcstatus.Error(codes.Unavailable, "down") }
			o := r.call("b")
			if tt.failing == "" && grpcstatus.Code(o.err) != codes.Unavailable || tt.failing != "" && (o.err != nil || o.result() != tt.failing || o.body != "2") {
				t.Errorf("%s: while it fails: %s; want %q", tt.name, o, tt.failing)
			}
			r.generation.Close()
		})
	}
}

// Which errors a stale answer stands in for, and which are the answer.
func TestStaleIfError(t *testing.T) {
	t.Parallel()
	stands := map[codes.Code]bool{codes.Unavailable: true, codes.DeadlineExceeded: true, codes.Internal: true, codes.Unknown: true, codes.DataLoss: true}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, StaleIfError: time.Hour})
			r.call("a")
			time.Sleep(2 * time.Minute)
			r.backend.answer = func(c *transcoder.Call, _ int64) error {
				c.Trailer = wire.Header{{Name: "x-of-the-error", Value: "1"}}
				return grpcstatus.Error(code, "no")
			}
			o := r.call("a")
			if stands[code] {
				r.want(code.String(), o, "stale_if_error", "1")
				if len(o.call.Trailer) != 0 {
					t.Errorf("%s: the trailer is the error's: %v", code, o.call.Trailer)
				}
			} else if grpcstatus.Code(o.err) != code {
				t.Errorf("%s: %s", code, o)
			}
			if o := r.call("a", "cache-control", "stale-if-error=61"); stands[code] && grpcstatus.Code(o.err) == code {
				t.Errorf("%s: a client that takes it a minute old has %s", code, o)
			}
			if o := r.call("a", "cache-control", "stale-if-error=60"); grpcstatus.Code(o.err) != code {
				t.Errorf("%s: a client that does not take it so old has %s", code, o)
			}
			time.Sleep(59 * time.Minute)
			if o := r.call("a"); grpcstatus.Code(o.err) != code {
				t.Errorf("%s: too old: %s", code, o)
			}
		})
	}
}

// RFC 9211, and RFC 9111, section 5.1: what clients are told.
func TestClientsAreToldWhatBecameOfTheirCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, cache.Config{}, cache.PolicyConfig{TTL: time.Minute, StaleWhileRevalidate: time.Minute})
		told := func(what string, o outcome, age, status string) {
			t.Helper()
			if got := o.call.AnswerFields.Get("age"); got != age || o.status() != status {
				t.Errorf("%s: age %q, %q; want %q, %q", what, got, o.status(), age, status)
			}
		}
		told("a miss", r.call("a"), "", "dragoman; fwd=miss; stored")
		told("a hit", r.call("a"), "0", "dragoman; hit; ttl=60")
		time.Sleep(59*time.Second + 999*time.Millisecond)
		told("a hit later", r.call("a"), "59", "dragoman; hit; ttl=0")
		time.Sleep(2 * time.Second)
		told("a stale one", r.call("a"), "61", "dragoman; hit; ttl=-2")
		synctest.Wait()
		told("a bypass", r.call("a", "cache-control", "no-store"), "", "dragoman; fwd=bypass")
		told("a request for a new one", r.call("a", "cache-control", "no-cache"), "", "dragoman; fwd=request; stored")
		r.generation.Close()
	})
}
