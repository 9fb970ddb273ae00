// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// rate is the load of the fault table, in calls a second.
const rate = 300

// once checks that no call of Charge was carried out twice (threat H9).
func once(t *testing.T, ps ...*process) {
	t.Helper()
	for id, n := range asked(t, ps...) {
		if n > 1 {
			t.Errorf("charge %s was carried out %d times", id, n)
		}
	}
}

// Fault 1: all three backends are restarted one after the other, in their own time, and no call fails, of whatever method, or takes much
// longer.
func TestFault01RollingRestart(t *testing.T) {
	t.Parallel()
	ps := []*process{startProcess(t), startProcess(t), startProcess(t)}
	b := openProcesses(t, backend.Config{LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive}}, ps...)
	l := startLoad(t, route(t, b, backend.PolicyConfig{}), rate, get(), charge())
	b99 := quiet(t, l, get())
	for range rounds(1, 6) {
		for _, p := range ps {
			p.restart(t, syscall.SIGTERM)
			l.more(t, get(), rounds(100, 500))
		}
	}
	l.end()
	within(t, "during restarts", l.p99(get()), b99, 2)
	t.Log(l)
	if l.failures(get()) > 0 || l.failures(charge()) > 0 {
		t.Errorf("calls failed: %v; %+v", l, b.State())
	}
	once(t, ps...)
}

// Fault 2, threat H9: a backend is killed again and again. No call of an idempotent method fails; of others only those that it had, and none
// is carried out twice.
func TestFault02Killed(t *testing.T) {
	t.Parallel()
	ps := []*process{startProcess(t), startProcess(t), startProcess(t)}
	b := openProcesses(t, backend.Config{LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive}}, ps...)
	l := startLoad(t, route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 3}}), rate, get(), charge())
	l.more(t, get(), 50)
	n := rounds(4, 10)
	for i := range n {
		ps[i%len(ps)].restart(t, syscall.SIGKILL)
		l.more(t, get(), rounds(50, 500))
	}
	l.end()
	t.Log(l)
	const inFlight = 10 // that one of them has, generously: 300 calls a second of some milliseconds, a third of them there
	if l.failures(get()) > 0 || l.failures(charge()) > n*inFlight {
		t.Errorf("calls failed: %v; %+v", l, b.State())
	}
	once(t, ps...)
}

// busiest returns the process that had most of the latest calls. Another one may be avoided just then, where the machine has made it slow.
func busiest(t *testing.T, b *backend.Backend, l *load, ps ...*process) *process {
	t.Helper()
	had := map[string]uint64{}
	for _, e := range b.Overview().Endpoints {
		had[e.Address] = e.Succeeded
	}
	l.more(t, get(), 100)
	most, of := uint64(0), ""
	for _, e := range b.Overview().Endpoints {
		if n := e.Succeeded - had[e.Address]; n > most {
			most, of = n, e.Address
		}
	}
	for _, p := range ps {
		if p.address == of {
			return p
		}
	}
	t.Fatalf("%q is none of the processes", of)
	return nil
}

// Fault 3: one of three stops answering, and its kernel does not tell. With 250 ms for each attempt no call of an idempotent method fails.
func TestFault03Stopped(t *testing.T) {
	t.Parallel()
	ps := []*process{startProcess(t), startProcess(t), startProcess(t)}
	b := openProcesses(t, backend.Config{LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive}}, ps...)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 3, PerTryTimeout: 250 * time.Millisecond}})
	l := startLoad(t, r, rate, get())
	b99 := quiet(t, l, get())
	stopped := busiest(t, b, l, ps...)
	stopped.Signal(t, syscall.SIGSTOP)
	l.more(t, get(), rounds(300, 900)) // three seconds
	during := l.p99(get())
	for range rounds(1, 9) {
		l.more(t, get(), 3*rate)
	}
	within(t, "once it is ejected", l.p99(get()), b99, 1.2)
	stopped.Signal(t, syscall.SIGCONT)
	l.more(t, get(), 100)
	l.end()
	t.Log(l, b.State().Retries, "p99 of the first three seconds:", during)
	if faults.Held() && during > 300*time.Millisecond {
		t.Errorf("p99 until it was ejected: %v", during)
	}
	if l.failures(get()) > 0 || b.State().Retries == 0 {
		t.Errorf("calls failed: %v; %+v", l, b.State())
	}
	if faults.Held() && l.took[get().Name] > 600*time.Millisecond {
		t.Errorf("the longest call: %v", l)
	}
}

// Fault 9: one of three answers UNAVAILABLE to everything. No call of an idempotent method fails, and it is left alone.
func TestFault09OneIsAlwaysUnavailable(t *testing.T) {
	t.Parallel()
	bad := newServer(t, failing(errDown))
	b := open(t, backend.Config{LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive}}, bad, newServer(t, echo), newServer(t, echo))
	r := route(t, b, backend.PolicyConfig{})
	const calls = 2000
	for range calls {
		if _, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if n := bad.arrived.Load(); n > calls/10 {
		t.Errorf("it had %d of %d calls", n, calls)
	}
}

// Fault 11: two of three fail, or are gone. Not all are ejected, calls of idempotent methods are carried out by the good one as far as the
// budget of retries allows, and it is not asked for more than it may be: what is too much is refused soon.
func TestFault11TwoOfThreeBad(t *testing.T) {
	t.Parallel()
	const capacity, work = 8, 10 * time.Millisecond // of the good one: 800 calls a second
	good := newServer(t, func(n int64, s grpc.ServerStream) error {
		time.Sleep(work)
		return echo(n, s)
	})
	bad, gone := newServer(t, failing(errDown)), newServer(t, echo)
	b := open(t, backend.Config{
		LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive},
		Limits:        backend.LimitsConfig{MaxPerEndpoint: capacity, QueueTimeout: 500 * time.Millisecond},
	}, bad, gone, good)
	gone.grpc.Stop()
	l := startLoad(t, route(t, b, backend.PolicyConfig{}), rate, get())
	ejected, most := 0, int64(0)
	for range rounds(10, 60) {
		l.more(t, get(), 50)
		out := 0
		for _, e := range b.Overview().Endpoints {
			if e.State == "ejected" {
				out++
			}
			if e.Address == good.address {
				most = max(most, e.InFlight)
			}
		}
		ejected = max(ejected, out)
	}
	before := l.failures(get())
	calls := l.count(get())
	l.more(t, get(), 300)
	l.end()
	t.Logf("%v; at most %d ejected, %d calls at the good one; %+v", l, ejected, most, b.State())
	if ejected > 1 || most > capacity {
		t.Errorf("%d ejected, %d calls at the good one", ejected, most)
	}
	if failed, all := l.failures(get())-before, l.count(get())-calls; faults.Held() && failed > all/10 { // a busy machine does not have the capacity
		t.Errorf("%d of %d calls failed after it was known", failed, all)
	}
	if faults.Held() && l.took[get().Name] > time.Second {
		t.Errorf("the longest call: %v", l)
	}
}

// Fault 13: one of three is killed and started again, again and again. No call of an idempotent method fails, and it is not ejected and
// taken back as often.
func TestFault13Flapping(t *testing.T) {
	t.Parallel()
	ps := []*process{startProcess(t), startProcess(t), startProcess(t)}
	b := openProcesses(t, backend.Config{LoadBalancing: backend.LoadBalancing{Policy: backend.Adaptive}}, ps...)
	l := startLoad(t, route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 3}}), rate, get(), charge())
	l.more(t, get(), 50)
	flaps, ejections, was := rounds(4, 60), 0, false
	for range flaps {
		ps[0].restart(t, syscall.SIGKILL)
		from := l.count(get())
		eventually(t, "a second's calls", func() bool {
			for _, e := range b.Overview().Endpoints {
				if e.Address == ps[0].address {
					is := e.State == "ejected"
					if is && !was {
						ejections++
					}
					was = is
				}
			}
			return l.count(get()) >= from+rate/2
		})
	}
	l.end()
	t.Logf("%v; %d ejections; %+v", l, ejections, b.State())
	if l.failures(get()) > 0 || ejections > 1+flaps/10 {
		t.Errorf("calls failed: %v; %d ejections", l, ejections)
	}
	once(t, ps...)
}

// Fault 12: while all backends are down calls fail at once; when one is back, so are they.
func TestFault12AllDown(t *testing.T) {
	t.Parallel()
	ps := []*process{startProcess(t), startProcess(t)}
	b := openProcesses(t, backend.Config{}, ps...)
	r := route(t, b, backend.PolicyConfig{})
	for _, p := range ps {
		p.Signal(t, syscall.SIGKILL)
		p.Wait()
	}
	failed := func(err error) bool {
		e, ok := errors.AsType[*status.Error](err)
		return ok && e.Code == codes.Unavailable && e.Reason == status.ReasonNoReadyBackend
	}
	eventually(t, "it is known", func() bool {
		_, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second)
		return failed(err) && b.Channel().ReadyEndpoints() == 0
	})
	retries, slow := b.State().Retries, 0
	for range 500 {
		began := time.Now()
		if _, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second); !failed(err) {
			t.Fatalf("got %v", err)
		}
		if time.Since(began) > 50*time.Millisecond {
			slow++
		}
	}
	if b.State().Retries != retries {
		t.Errorf("%d calls that found no endpoint were tried again", b.State().Retries-retries)
	}
	if faults.Held() && slow > 5 {
		t.Errorf("%d of 500 calls took more than 50 ms to fail", slow)
	}
	ps[1].start(t)
	eventually(t, "calls succeed", func() bool {
		_, err := forward(t.Context(), r, get(), newClient("x"), 10*time.Second)
		return err == nil
	})
}

// Fault 17: servers close connections by their age, and no call fails, of whatever method.
func TestFault17ConnectionsAreClosedByAge(t *testing.T) {
	t.Parallel()
	age := grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 200 * time.Millisecond, MaxConnectionAgeGrace: 5 * time.Second})
	one, two := newServer(t, echo, age), newServer(t, echo, age)
	b := open(t, backend.Config{}, one, two)
	l := startLoad(t, route(t, b, backend.PolicyConfig{}), rate, get(), charge(), streaming(true, true))
	l.more(t, charge(), rounds(300, 1500))
	l.end()
	t.Log(l)
	if len(l.failed) > 0 {
		t.Errorf("calls failed: %v; %+v", l, b.State())
	}
	if n := int(one.arrived.Load() + two.arrived.Load()); n != l.count(get())+l.count(charge())+l.count(streaming(true, true)) {
		t.Errorf("%d arrived: %v", n, l)
	}
}

// Fault 18: a server takes ten streams at a time, and three hundred calls at once find their way.
func TestFault18FewStreams(t *testing.T) {
	t.Parallel()
	const concurrent, each = 300, 5
	s := newServer(t, echo, grpc.MaxConcurrentStreams(10))
	b := open(t, backend.Config{}, s)
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 1}})
	var all sync.WaitGroup
	var failed atomic.Int64
	for range concurrent {
		all.Go(func() {
			for range each {
				if _, err := forward(t.Context(), r, charge(), newClient("x"), 10*time.Second); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if failed.Load() > 0 || s.arrived.Load() != concurrent*each || b.Channel().Endpoints()[0].Connections < 3 {
		t.Errorf("%d failed, %d arrived; %+v", failed.Load(), s.arrived.Load(), b.Channel().Endpoints())
	}
}
