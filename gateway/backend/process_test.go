// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// processVariable makes the test's program a server; its value is where it listens and the file in which it notes what it was asked.
const processVariable = "DRAGOMAN_TEST_BACKEND"

// serveProcess serves until it is told to stop, or its input ends because the test did. Every request of Charge is noted before it is answered.
func serveProcess() {
	address, file, _ := strings.Cut(os.Getenv(processVariable), " ")
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
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(l.Addr())
	_ = s.Serve(l)
}

// process is a server in a process of its own, which is started anew at the same address.
type process struct {
	address, notes string
	cmd            *exec.Cmd
	in             io.Closer
}

func startProcess(t *testing.T) *process {
	t.Helper()
	p := &process{address: "127.0.0.1:0", notes: t.TempDir() + "/notes"}
	p.start(t)
	t.Cleanup(func() { p.signal(t, syscall.SIGCONT); p.end() })
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), processVariable+"="+p.address+" "+p.notes)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.cmd, p.in, p.address = cmd, in, strings.TrimSpace(line)
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Error(err)
	}
}

// end ends the process in whatever state it is.
func (p *process) end() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

// restart ends the process by a signal and starts it again.
func (p *process) restart(t *testing.T, sig syscall.Signal) {
	t.Helper()
	p.signal(t, sig)
	_ = p.cmd.Wait() // killed, or done
	_ = p.in.Close()
	p.start(t)
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

// load calls so often a second, whatever becomes of the calls, one method after the other, until it is ended.
type load struct {
	end func()

	mu     sync.Mutex
	calls  map[string]int           // by method
	failed map[string]int           // by method and code
	took   map[string]time.Duration // the longest, by method
}

func startLoad(t *testing.T, r *backend.Route, perSecond int, methods ...*transcoder.Method) *load {
	t.Helper()
	l := &load{calls: map[string]int{}, failed: map[string]int{}, took: map[string]time.Duration{}}
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	calls.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				m := methods[n%len(methods)]
				calls.Go(func() { l.call(r, m, fmt.Sprint(n)) }) //nolint:contextcheck // a call under way is to end, not to be cancelled
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

func (l *load) call(r *backend.Route, m *transcoder.Method, id string) {
	began := time.Now()
	client := newClient(id)
	_, err := forward(context.Background(), r, m, client, 10*time.Second)
	if err == nil && client.got() != id {
		err = status.Error(codes.DataLoss, "the answer is another's")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[m.Name]++
	l.took[m.Name] = max(l.took[m.Name], time.Since(began))
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

// rounds is how often a fault is repeated: more often where the times of faults are held.
func rounds(quick, long int) int {
	if timesHold() {
		return long
	}
	return quick
}
