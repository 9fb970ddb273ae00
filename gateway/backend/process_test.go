// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/internal/processtest"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// processRole is that of a server; its argument is where it listens and the file in which it notes what it was asked.
const processRole = "backend"

// serveProcess serves until it is told to stop, or the test ends. Every request of Charge is noted before it is answered.
func serveProcess(argument string) {
	address, file, _ := strings.Cut(argument, " ")
	notes, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		panic(err)
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(transcoder.RawCodec{}), grpc.UnknownServiceHandler(func(_ any, ss grpc.ServerStream) error {
		var m transcoder.Message
		if err := ss.RecvMsg(&m); err != nil {
			return err
		}
		defer m.Free()
		if method, _ := grpc.MethodFromServerStream(ss); method == charge().Path {
			if _, err := notes.WriteString(text(&m) + "\n"); err != nil {
				return err
			}
		}
		time.Sleep(2 * time.Millisecond)
		return ss.SendMsg(&m)
	}))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		s.GracefulStop()
	}()
	fmt.Println(l.Addr())
	_ = s.Serve(l)
}

// process is a server in a process of its own, which is started anew at the same address.
type process struct {
	*processtest.Process

	address, notes string
}

func startProcess(t *testing.T) *process {
	t.Helper()
	p := &process{notes: t.TempDir() + "/notes"}
	p.Process = processtest.Start(t, processRole, "127.0.0.1:0 "+p.notes)
	p.address = p.Line
	return p
}

// restart ends the process by a signal and starts it again.
func (p *process) restart(t *testing.T, sig syscall.Signal) {
	t.Helper()
	p.Signal(t, sig)
	p.Wait() // killed, or done
	p.start(t)
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.Again(t, processRole, p.address+" "+p.notes)
}

// asked returns what a process was asked, with how often.
func asked(t *testing.T, ps ...*process) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, p := range ps {
		data, err := os.ReadFile(p.notes)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for id := range strings.Lines(string(data)) {
			all[strings.TrimSpace(id)]++
		}
	}
	return all
}

// load calls so often a second, whatever becomes of the calls, one of the methods each time, until it is ended. A call takes from when it
// was due, so that nothing is gained by calling late.
type load struct {
	end func()

	mu     sync.Mutex
	calls  map[string]int             // by method
	failed map[string]int             // by method and code
	took   map[string]time.Duration   // the longest, by method
	lately map[string][]time.Duration // by method, since the last look
}

func startLoad(t *testing.T, r *backend.Route, perSecond int, methods ...*transcoder.Method) *load {
	t.Helper()
	l := &load{calls: map[string]int{}, failed: map[string]int{}, took: map[string]time.Duration{}, lately: map[string][]time.Duration{}}
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	calls.Go(func() {
		began, pause := time.Now(), time.NewTimer(0)
		defer pause.Stop()
		for n := 0; ; n++ {
			due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
			pause.Reset(time.Until(due))
			select {
			case <-ctx.Done():
				return
			case <-pause.C:
				m := methods[rand.IntN(len(methods))]                 //nolint:gosec // no secret: so that what the test does is in step with no method
				calls.Go(func() { l.call(r, m, fmt.Sprint(n), due) }) //nolint:contextcheck // a call under way is to end, not to be cancelled
			}
		}
	})
	l.end = sync.OnceFunc(func() {
		cancel()
		calls.Wait()
	})
	t.Cleanup(l.end)
	return l
}

func (l *load) call(r *backend.Route, m *transcoder.Method, id string, due time.Time) {
	client := newClient(id)
	_, err := forward(context.Background(), r, m, client, 10*time.Second)
	if err == nil && client.got() != id {
		err = status.Error(codes.DataLoss, "the answer is another's")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	took := time.Since(due)
	l.calls[m.Name]++
	l.took[m.Name] = max(l.took[m.Name], took)
	l.lately[m.Name] = append(l.lately[m.Name], took)
	if err != nil {
		l.failed[m.Name+" "+status.Code(err).String()]++
	}
}

// count returns how many calls of a method have ended.
func (l *load) count(m *transcoder.Method) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[m.Name]
}

// failures returns how many calls of a method failed.
func (l *load) failures(m *transcoder.Method) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := 0
	for what, n := range l.failed {
		if strings.HasPrefix(what, m.Name+" ") {
			sum += n
		}
	}
	return sum
}

// p99 returns the time that all but one in a hundred calls of a method took at most since it was last asked for.
func (l *load) p99(m *transcoder.Method) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := l.lately[m.Name]
	l.lately[m.Name] = nil
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// more waits for so many calls of a method.
func (l *load) more(t *testing.T, m *transcoder.Method, n int) {
	t.Helper()
	from := l.count(m)
	eventually(t, "more calls", func() bool { return l.count(m) >= from+n })
}

func (l *load) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("calls %v, failed %v, longest %v", l.calls, l.failed, l.took)
}

// openProcesses opens a backend of processes.
func openProcesses(t *testing.T, cfg backend.Config, ps ...*process) *backend.Backend {
	t.Helper()
	var servers []*server
	for _, p := range ps {
		servers = append(servers, &server{address: p.address})
	}
	return open(t, cfg, servers...)
}

// quiet returns the p99 of a method while nothing happens, of which the fault table has multiples.
func quiet(t *testing.T, l *load, m *transcoder.Method) time.Duration {
	t.Helper()
	l.more(t, m, 50) // the connections are warm
	l.p99(m)
	l.more(t, m, rounds(50, 1500))
	return l.p99(m)
}

// within holds a p99 to a multiple of the quiet one, where times are held. Below a tick of the scheduler's a multiple says nothing.
func within(t *testing.T, when string, p99, quiet time.Duration, times float64) {
	t.Helper()
	const grain = 4 * time.Millisecond
	limit := max(time.Duration(float64(quiet)*times), quiet+grain)
	t.Logf("p99 %s: %v, quiet %v", when, p99, quiet)
	if faults.Held() && p99 > limit {
		t.Errorf("p99 %s is %v, want %v at most", when, p99, limit)
	}
}

// rounds is how often a fault is repeated: more often where the times of faults are held.
func rounds(quick, long int) int {
	if faults.Held() {
		return long
	}
	return quick
}
