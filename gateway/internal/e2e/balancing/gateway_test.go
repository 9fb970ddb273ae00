// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

// Package balancing_test provides the tests of backends with several servers, through the gateway and from its configuration
// file on: where the servers come from, and which of them a call goes to.
package balancing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/dragoman-gateway/dragoman/gateway/app"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. Nothing takes that long unless something is broken.
const patience = 20 * time.Second

// frame is the configuration around the backend of a test, which is called test.
const frame = `
version: v1
listeners: [{name: main, address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
schemas:
  sources: [{protos: {dir: ../../../../proto/dragoman/test, import_paths: [../../../../proto]}}]
services: [{match: dragoman.test.v1.EchoService, backend: test}]
backends:
  test:
`

// parsed returns the configuration with a backend, whose YAML is indented by nothing.
func parsed(t testing.TB, yaml string) *config.Config {
	t.Helper()
	text := frame + "    " + strings.ReplaceAll(strings.TrimSpace(yaml), "\n", "\n    ") + "\n"
	cfg, err := config.Parse("test.yaml", []byte(text), config.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return cfg
}

// dragoman is a gateway, as a process has it.
type dragoman struct {
	address string // host:port of the listener
	started *app.Started
	conn    *grpc.ClientConn
	client  testv1.EchoServiceClient
}

// start runs a gateway with a backend until the test ends.
func start(t testing.TB, yaml string) *dragoman {
	t.Helper()
	a := app.New(app.Options{Config: parsed(t, yaml), Log: slog.New(slog.NewTextHandler(logTo{t}, nil))})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	started, err := a.Start(ctx)
	if err != nil {
		t.Fatalf("the gateway did not start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Errorf("the gateway did not stop well: %v", err)
		}
	})
	d := &dragoman{address: started.Listeners[0].Addr.String(), started: started}
	d.conn, d.client = dial(t, d.address)
	return d
}

// dial connects a gRPC client until the test ends.
func dial(t testing.TB, address string) (*grpc.ClientConn, testv1.EchoServiceClient) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, testv1.NewEchoServiceClient(conn)
}

// logTo writes a gateway's log into that of the test.
type logTo struct{ t testing.TB }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// within is a context that ends when the patience does.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// servers runs as many servers, called s0, s1 and so on, until the test ends.
func servers(t testing.TB, count int) []*testbackend.Backend {
	t.Helper()
	all := make([]*testbackend.Backend, count)
	for i := range all {
		all[i] = testbackend.Run(t, testbackend.Config{Name: fmt.Sprint("s", i)})
	}
	return all
}

// listed returns the servers as endpoints of a configuration.
func listed(all []*testbackend.Backend) string {
	entries := make([]string, len(all))
	for i, s := range all {
		entries[i] = fmt.Sprintf("{address: %q}", s.Address())
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

// echo makes one call, and returns the name of the server that answered.
func echo(ctx context.Context, client testv1.EchoServiceClient, request *testv1.CanaryRequest) (string, error) {
	answer, err := client.Echo(ctx, request)
	return answer.GetSeen().GetBackend(), err
}

// get makes one call by REST, and returns the server that answered, and the header of the answer.
func get(ctx context.Context, client *http.Client, url string, header http.Header) (string, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", nil, err
	}
	request.Header = header
	answer, err := client.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("%s: %s %w", answer.Status, body, err)
	}
	_, name, _ := strings.Cut(string(body), `"backend":"`)
	name, _, _ = strings.Cut(name, `"`)
	return name, answer.Header, nil
}

// eventually polls until ok returns nil; what it last returned is the failure.
func eventually(t testing.TB, ok func() error) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	end := time.Now().Add(patience)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it did not come to be in %s: %v", patience, err)
		}
		<-ticker.C
	}
}

// states returns the states of a backend's endpoints, by address.
func (d *dragoman) states() map[string]backend.EndpointState {
	states := map[string]backend.EndpointState{}
	for _, o := range d.started.Overviews() {
		for _, e := range o.Endpoints {
			states[e.Address] = e
		}
	}
	return states
}

// ready waits until exactly these servers take calls.
func (d *dragoman) ready(t testing.TB, want ...*testbackend.Backend) {
	t.Helper()
	addresses := make([]string, len(want))
	for i, s := range want {
		addresses[i] = s.Address()
	}
	slices.Sort(addresses)
	eventually(t, func() error {
		var got []string
		for address, s := range d.states() {
			if s.State == "ready" {
				got = append(got, address)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, addresses) {
			return fmt.Errorf("ready are %v; want %v", got, addresses)
		}
		return nil
	})
}

// load is clients that call without a pause; no call may fail.
type load struct {
	calls  atomic.Int64
	mu     sync.Mutex
	by     map[string]int // calls by server; guarded by mu
	stop   chan struct{}
	failed chan error
	all    sync.WaitGroup
}

// startLoad starts clients of a gateway: gRPC ones, and one of REST.
func (d *dragoman) startLoad(t testing.TB, clients int) *load {
	t.Helper()
	l := &load{by: map[string]int{}, stop: make(chan struct{}), failed: make(chan error, 1)}
	ctx := context.WithoutCancel(t.Context())
	for range clients {
		l.run(func() (string, error) { return echo(ctx, d.client, &testv1.CanaryRequest{}) })
	}
	rest := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(rest.CloseIdleConnections)
	l.run(func() (string, error) {
		name, _, err := get(ctx, rest, "http://"+d.address+"/canary/v1/echo", nil)
		return name, err
	})
	return l
}

func (l *load) run(call func() (string, error)) {
	l.all.Go(func() {
		for {
			select {
			case <-l.stop:
				return
			default:
			}
			name, err := call()
			if err != nil {
				select {
				case l.failed <- err:
				default:
				}
				return
			}
			l.calls.Add(1)
			l.mu.Lock()
			l.by[name]++
			l.mu.Unlock()
		}
	})
}

// of returns how many calls a server has answered.
func (l *load) of(s *testbackend.Backend) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[s.Name()]
}

// reaches waits until a server answers calls that begin from now on.
func (l *load) reaches(t testing.TB, s *testbackend.Backend) {
	t.Helper()
	before := l.of(s)
	eventually(t, func() error {
		select {
		case err := <-l.failed:
			l.failed <- err
			t.Fatalf("a call failed: %v", err)
		default:
		}
		if l.of(s) == before {
			return errors.New(s.Name() + " gets no calls")
		}
		return nil
	})
}

// end stops the load, and fails the test for the first call that failed. It returns how many there were.
func (l *load) end(t testing.TB) int64 {
	t.Helper()
	close(l.stop)
	l.all.Wait()
	select {
	case err := <-l.failed:
		t.Errorf("a call failed: %v", err)
	default:
	}
	return l.calls.Load()
}
