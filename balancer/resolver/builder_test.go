// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/attributes"
	grpcresolver "google.golang.org/grpc/resolver"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/balancer/resolver"
	"github.com/dragoman-gateway/dragoman/balancer/resolver/resolvertest"
)

// script is a Lookuper whose answers a test sets.
type script struct {
	mu    sync.Mutex
	list  []endpoint.Endpoint
	err   error
	asked []time.Time
}

func (s *script) Lookup(context.Context) ([]endpoint.Endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	return s.list, s.err
}

func (s *script) set(list []endpoint.Endpoint, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.err = list, err
}

func (s *script) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// watch is a Watcher that a test feeds.
type watch struct {
	calls chan func([]endpoint.Endpoint, error)
	end   chan error
}

func newWatch() *watch {
	return &watch{calls: make(chan func([]endpoint.Endpoint, error), 100), end: make(chan error)}
}

func (w *watch) Watch(ctx context.Context, update func([]endpoint.Endpoint, error)) error {
	w.calls <- update
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-w.end:
		return err
	}
}

func build(tb testing.TB, cfg resolver.Config, cc grpcresolver.ClientConn) grpcresolver.Resolver {
	tb.Helper()
	b, err := resolver.NewBuilder(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := b.Build(grpcresolver.Target{}, cc, grpcresolver.BuildOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestNewBuilderRefuses(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]resolver.Config{
		"one of lookup and watch":        {},
		"interval is -1ns":               {Source: resolver.Source{Lookup: &script{}}, Interval: -1, MinInterval: -2},
		"min interval is 2s":             {Source: resolver.Source{Lookup: &script{}}, Interval: time.Second, MinInterval: 2 * time.Second},
		"timeout is -1s; it must be pos": {Source: resolver.Source{Lookup: &script{}}, Timeout: -time.Second},
	} {
		if _, err := resolver.NewBuilder(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestTargetAndAuthority(t *testing.T) {
	t.Parallel()
	b, err := resolver.NewBuilder(resolver.Config{Source: resolver.Source{Lookup: &script{}, Authority: "books:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if b.Scheme() != "dragoman" || b.Target("x") != "dragoman:///x" || b.OverrideAuthority(grpcresolver.Target{}) != "books:1" {
		t.Errorf("scheme %q, target %q, authority %q", b.Scheme(), b.Target("x"), b.OverrideAuthority(grpcresolver.Target{}))
	}
}

func TestAsksAtIntervalsAndTellsChangesOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{list: []endpoint.Endpoint{at(t, "a:1"), at(t, "b:1"), at(t, "a:1")}}
		cc := resolvertest.NewClientConn()
		attrs := attributes.New("key", "value")
		r := build(t, resolver.Config{Source: resolver.Source{Lookup: s}, Attributes: attrs}, cc)
		time.Sleep(time.Minute)
		if got := cc.Addresses(); !slices.Equal(got, []string{"a:1", "b:1"}) {
			t.Errorf("endpoints %v", got)
		}
		if cc.Updates() != 1 {
			t.Errorf("%d updates of one list", cc.Updates())
		}
		if cc.State().Attributes != attrs {
			t.Error("the attributes are not attached")
		}
		asked := s.times()
		for i := 1; i < len(asked); i++ {
			if d := asked[i].Sub(asked[i-1]); d < 3600*time.Millisecond || d > 4*time.Second {
				t.Errorf("asked again after %v, want 3.6s to 4s", d)
			}
		}
		// Fault 29: a change is followed within 5 s.
		s.set([]endpoint.Endpoint{at(t, "c:1")}, nil)
		time.Sleep(5 * time.Second)
		if got := cc.Addresses(); !slices.Equal(got, []string{"c:1"}) {
			t.Errorf("endpoints %v five seconds after a change", got)
		}
		r.Close()
		n := len(s.times())
		time.Sleep(time.Minute)
		if len(s.times()) != n {
			t.Error("asked after Close")
		}
	})
}

func TestResolveNowKeepsTheMinInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{list: []endpoint.Endpoint{at(t, "a:1")}}
		r := build(t, resolver.Config{Source: resolver.Source{Lookup: s}}, resolvertest.NewClientConn())
		defer r.Close()
		for range 300 {
			time.Sleep(10 * time.Millisecond)
			r.ResolveNow(grpcresolver.ResolveNowOptions{})
		}
		asked := s.times()
		for i := 1; i < len(asked); i++ {
			if d := asked[i].Sub(asked[i-1]); d < time.Second || d > time.Second+20*time.Millisecond {
				t.Errorf("asked again after %v, want 1s", d)
			}
		}
		if len(asked) < 3 {
			t.Errorf("asked %d times in 3s", len(asked))
		}
	})
}

func TestFailureKeepsTheLastGoodAnswerAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var reports []resolver.Report
		s := &script{list: []endpoint.Endpoint{at(t, "a:1")}}
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{
			Source:  resolver.Source{Lookup: s, Name: "dns:///books:1"},
			Logger:  slog.New(slog.NewTextHandler(&log, nil)),
			Observe: func(r resolver.Report) { reports = append(reports, r) },
		}, cc)
		time.Sleep(time.Second)
		s.set(nil, errors.New("no such host"))
		time.Sleep(time.Minute)
		s.set(nil, nil)
		time.Sleep(time.Minute)
		if got := cc.Addresses(); cc.Updates() != 1 || !slices.Equal(got, []string{"a:1"}) {
			t.Errorf("%d updates, endpoints %v", cc.Updates(), got)
		}
		if len(cc.Errors()) != 0 {
			t.Errorf("errors %v reached gRPC while an answer is in force", cc.Errors())
		}
		s.set([]endpoint.Endpoint{at(t, "a:1")}, nil)
		time.Sleep(5 * time.Second)
		r.Close()
		if last := reports[len(reports)-1]; last.Err != nil || last.Endpoints != 1 {
			t.Errorf("last report %+v", last)
		}
		if i := slices.IndexFunc(reports, func(r resolver.Report) bool { return r.Err != nil }); i < 0 || reports[i].Endpoints != 1 {
			t.Error("no report of the failure with the endpoints in force")
		}
		text := log.String()
		for want, n := range map[string]int{"cannot be resolved": 1, "no such host": 1, "source=dns:///books:1": 2, "resolved again": 1, "endpoints=1": 2} {
			if got := strings.Count(text, want); got != n {
				t.Errorf("the log says %q %d times, want %d:\n%s", want, got, n, text)
			}
		}
	})
}

func TestFirstFailureReachesTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{err: errors.New("no such host")}
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{Source: resolver.Source{Lookup: s, Name: "x"}}, cc)
		defer r.Close()
		synctest.Wait()
		if errs := cc.Errors(); len(errs) != 1 || errs[0].Error() != "no endpoints from x: no such host" {
			t.Errorf("errors %v", errs)
		}
		// The first retries come sooner than the interval.
		time.Sleep(3 * time.Second)
		if n := len(s.times()); n < 2 || n > 4 {
			t.Errorf("asked %d times in 3s of failure, want 2 to 4", n)
		}
	})
}

func TestCoalescesUpdates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatch()
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{Source: resolver.Source{Watch: w}}, cc)
		defer r.Close()
		update := <-w.calls
		began := time.Now()
		update([]endpoint.Endpoint{at(t, "a:1")}, nil)
		synctest.Wait()
		if cc.Updates() != 1 || time.Since(began) != 0 {
			t.Errorf("the first list took %v, %d updates", time.Since(began), cc.Updates())
		}
		for range 99 {
			time.Sleep(time.Millisecond)
			update([]endpoint.Endpoint{at(t, "a:1"), at(t, "b:1")}, nil)
			update([]endpoint.Endpoint{at(t, "c:1")}, nil)
		}
		synctest.Wait()
		if cc.Updates() != 1 {
			t.Errorf("%d updates in 99ms, want 1", cc.Updates())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := cc.Addresses(); cc.Updates() != 2 || !slices.Equal(got, []string{"c:1"}) {
			t.Errorf("after 101ms: %d updates, endpoints %v; want 2 and the newest list", cc.Updates(), got)
		}
	})
}

// A list and a failure in one coalescing window: the list counts, and then the failure.
func TestAFailureDoesNotSwallowTheListBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatch()
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{Source: resolver.Source{Watch: w}}, cc)
		defer r.Close()
		update := <-w.calls
		update([]endpoint.Endpoint{at(t, "a:1")}, nil)
		synctest.Wait()
		update([]endpoint.Endpoint{at(t, "b:1")}, nil)
		w.end <- errors.New("lost")
		time.Sleep(200 * time.Millisecond)
		if got := cc.Addresses(); !slices.Equal(got, []string{"b:1"}) {
			t.Errorf("endpoints %v, want b:1", got)
		}
	})
}

func TestWatchIsCalledAgainWithBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatch()
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{Source: resolver.Source{Watch: w}}, cc)
		defer r.Close()
		update := <-w.calls
		update([]endpoint.Endpoint{at(t, "a:1")}, nil)
		for _, most := range []time.Duration{1, 2, 4, 8, 10, 10} {
			w.end <- nil
			ended := time.Now()
			<-w.calls
			if d := time.Since(ended); d > most*time.Second || d < most*time.Second*9/10 {
				t.Errorf("called again after %v, want 0.9 to 1 of %ds", d, most)
			}
		}
		if got := cc.Addresses(); !slices.Equal(got, []string{"a:1"}) {
			t.Errorf("endpoints %v", got)
		}
	})
}

func TestARefusedStateIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatch()
		cc := resolvertest.NewClientConn()
		cc.Refuse(errors.New("bad resolver state"))
		r := build(t, resolver.Config{Source: resolver.Source{Watch: w}}, cc)
		defer r.Close()
		update := <-w.calls
		update([]endpoint.Endpoint{at(t, "a:1")}, nil)
		time.Sleep(3500 * time.Millisecond)
		if n := cc.Updates(); n != 4 {
			t.Errorf("tried %d times in 3.5s, want 4", n)
		}
		cc.Refuse(nil)
		time.Sleep(10 * time.Second)
		if n := cc.Updates(); n != 5 {
			t.Errorf("tried %d times after it was taken, want 5", n)
		}
	})
}

// slow is a Lookuper that waits for its context.
type slow struct{}

func (slow) Lookup(ctx context.Context) ([]endpoint.Endpoint, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestALookupIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{Source: resolver.Source{Lookup: slow{}}}, cc)
		time.Sleep(2100 * time.Millisecond)
		if errs := cc.Errors(); len(errs) != 1 || !errors.Is(errs[0], context.DeadlineExceeded) {
			t.Errorf("errors %v after the timeout", errs)
		}
		began := time.Now()
		r.Close()
		if d := time.Since(began); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestShuffles(t *testing.T) {
	t.Parallel()
	firsts := map[string]bool{}
	for range 60 {
		w := newWatch()
		cc := resolvertest.NewClientConn()
		r := build(t, resolver.Config{Source: resolver.Source{Watch: w}}, cc)
		(<-w.calls)([]endpoint.Endpoint{at(t, "a:1"), at(t, "b:1"), at(t, "c:1")}, nil)
		cc.WaitFor(t, []string{"a:1", "b:1", "c:1"})
		firsts[endpoint.FromGRPC(cc.Endpoints()[0]).Address()] = true
		r.Close()
	}
	if len(firsts) != 3 {
		t.Errorf("only %v ever came first", firsts)
	}
}
