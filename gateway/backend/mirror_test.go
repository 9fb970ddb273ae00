// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/compression"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// open opens a backend at an address until the test ends.
func openMirror(t testing.TB, address string) *backend.Backend {
	t.Helper()
	e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := backend.New(backend.Config{Name: "b", Endpoints: []endpoint.Endpoint{e}, ConnectTimeout: time.Minute}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// blackHole accepts connections and never says a word.
func blackHole(t testing.TB) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				<-done
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(done)
		all.Wait()
	})
	return l.Addr().String()
}

// fake is a client that has sent all of its request.
type fake struct {
	requests []transcoder.Message
	err      error // behind the requests; nil is io.EOF
	answers  int
}

func (f *fake) Recv() (transcoder.Message, error) {
	if len(f.requests) == 0 {
		if f.err == nil {
			return transcoder.Message{}, io.EOF
		}
		return transcoder.Message{}, f.err
	}
	m := f.requests[0]
	f.requests = f.requests[1:]
	return m, nil
}

func (*fake) CloseRecv()        {}
func (*fake) SendHeader() error { return nil }
func (*fake) Finish() error     { return nil }
func (f *fake) Send(m transcoder.Message) error {
	m.Free()
	f.answers++
	return nil
}

func encoded(t testing.TB, m proto.Message) transcoder.Message {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}}
}

const (
	unary        = testv1.BindingService_NoRule_FullMethodName
	serverStream = testv1.StreamService_RepeatNoRule_FullMethodName
	clientStream = testv1.StreamService_CollectNoRule_FullMethodName
)

func callOf(ctx context.Context, path string) *transcoder.Call {
	c := transcoder.NewCall(ctx, &transcoder.Request{})
	c.Method = transcoder.BareMethod(path, path == clientStream, path == serverStream)
	c.Metadata = wire.Header{{Name: "x-user", Value: "42"}, {Name: "x-raw-bin", Value: "AP8"}}
	return c
}

// mirrorOf is a mirror of what a goes to.
func mirrorOf(t testing.TB, cfg backend.MirrorConfig, a backend.Forwarder, b *backend.Backend) *backend.Mirror {
	t.Helper()
	m, err := backend.NewMirror(cfg, a, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// settled waits until no copy is in flight.
func settled(t testing.TB, b *backend.Backend) backend.MirrorStats {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	end := time.Now().Add(patience)
	for {
		s := b.Mirrored()
		if s.InFlight == 0 {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("copies are still in flight: %+v", s)
		}
		<-ticker.C
	}
}

func arrived(n int) func(testbackend.Counts) bool {
	return func(c testbackend.Counts) bool { return c.Ended >= n }
}

func TestCopiesAreTheCall(t *testing.T) {
	t.Parallel()
	a, b := testbackend.Run(t, testbackend.Config{Name: "a"}), testbackend.Run(t, testbackend.Config{Name: "b"})
	to := openMirror(t, b.Address())
	m := mirrorOf(t, backend.MirrorConfig{}, openMirror(t, a.Address()), to)
	for _, row := range []struct {
		path   string
		copied bool
	}{
		{unary, true},
		{serverStream, true},
		{clientStream, false}, // most live longer than any copy may
	} {
		s := &fake{requests: []transcoder.Message{encoded(t, &testv1.BindRequest{Id: "7", Name: row.path})}}
		if err := m.Forward(callOf(t.Context(), row.path), s); err != nil || s.answers != 1 {
			t.Errorf("%s: %v, with %d answers", row.path, err, s.answers)
		}
		if !row.copied {
			settled(t, to)
			if n := b.Counts(row.path).Arrived; n != 0 {
				t.Errorf("%s: %d copies were sent", row.path, n)
			}
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := b.Wait(ctx, row.path, arrived(1)); err != nil {
			t.Error(err)
		}
		cancel()
		seen, original := b.Last(row.path), a.Last(row.path)
		if !proto.Equal(seen.GetRequest(), original.GetRequest()) {
			t.Errorf("%s: the copy is %s, the call %s", row.path, seen.GetRequestJson(), original.GetRequestJson())
		}
		for name, want := range map[string][]string{"x-user": {"42"}, "x-raw-bin": {"AP8="}, backend.MirroredHeader: {"1"}} {
			if got := metadataOf(seen, name); !slices.Equal(got, want) {
				t.Errorf("%s: the copy has %s: %q, want %q", row.path, name, got, want)
			}
		}
		if got := metadataOf(original, backend.MirroredHeader); got != nil {
			t.Errorf("%s: the call itself is marked as a copy", row.path)
		}
	}
	if s := settled(t, to); s.Sent != 2 || s.Failed+s.Busy+s.TooLarge != 0 {
		t.Errorf("counted %+v; want 2 that were sent", s)
	}
}

func metadataOf(seen *testv1.Seen, name string) []string {
	for _, m := range seen.GetMetadata() {
		if m.GetKey() == name {
			return m.GetValues()
		}
	}
	return nil
}

// What goes wrong with copies is counted, and the call has no part in it.
func TestCopiesThatAreNotSentOrFail(t *testing.T) {
	t.Parallel()
	large := func() transcoder.Message { return encoded(t, &testv1.BindRequest{Name: strings.Repeat("x", 2000)}) }
	squeezed := func() transcoder.Message {
		var to bytes.Buffer
		if err := compression.Find("gzip").CompressTo(&to, large().Data); err != nil {
			t.Fatal(err)
		}
		return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(to.Bytes())}, Encoding: "gzip"}
	}
	failure := encoded(t, &testv1.BindRequest{Behavior: &testv1.Behavior{Status: status.Proto(status.Errorf(codes.NotFound, status.ReasonBackendError, "x"))}})
	small := func() transcoder.Message { return encoded(t, &testv1.BindRequest{Id: "1"}) }
	for _, row := range []struct {
		name    string
		cfg     backend.MirrorConfig
		request []transcoder.Message
		err     error // behind the request
		down    bool  // the second backend is not there
		dropped bool  // the first backend only reads
		want    backend.MirrorStats
		fails   bool // the call
	}{
		{name: "too large", cfg: backend.MirrorConfig{MaxMessage: 1000}, request: []transcoder.Message{large()}, want: backend.MirrorStats{TooLarge: 1}},
		{name: "too large when decompressed", cfg: backend.MirrorConfig{MaxMessage: 1000}, request: []transcoder.Message{squeezed()}, dropped: true, want: backend.MirrorStats{TooLarge: 1, MostInFlight: 1}},
		{name: "compressed", request: []transcoder.Message{squeezed()}, dropped: true, want: backend.MirrorStats{Sent: 1, MostInFlight: 1}},
		{name: "the copy fails as the call does", request: []transcoder.Message{failure}, want: backend.MirrorStats{Sent: 1, Failed: 1, MostInFlight: 1}, fails: true},
		{name: "nobody is there", request: []transcoder.Message{small()}, down: true, want: backend.MirrorStats{Sent: 1, Failed: 1, MostInFlight: 1}},
		{name: "the request is not complete", request: []transcoder.Message{small()}, err: errors.New("reset"), fails: true},
		{name: "two messages where one is due", request: []transcoder.Message{small(), small()}, fails: true},
		{name: "none", fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, b := testbackend.Run(t, testbackend.Config{Name: "a"}), testbackend.Run(t, testbackend.Config{Name: "b"})
			address := b.Address()
			if row.down {
				l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				address = l.Addr().String()
				_ = l.Close()
			}
			to := openMirror(t, address)
			var next backend.Forwarder = drop{}
			if !row.dropped {
				next = openMirror(t, a.Address())
			}
			m := mirrorOf(t, row.cfg, next, to)
			err := m.Forward(callOf(t.Context(), unary), &fake{requests: row.request, err: row.err})
			if (err != nil) != row.fails {
				t.Errorf("the call ended with %v; want a failure: %t", err, row.fails)
			}
			if got := settled(t, to); got != row.want {
				t.Errorf("counted %+v; want %+v", got, row.want)
			}
		})
	}
}

// A client that goes away takes its call with it, and not the copy.
func TestCopiesOutliveTheCall(t *testing.T) {
	t.Parallel()
	a, b := testbackend.Run(t, testbackend.Config{Name: "a"}), testbackend.Run(t, testbackend.Config{Name: "b"})
	to := openMirror(t, b.Address())
	m := mirrorOf(t, backend.MirrorConfig{Timeout: patience}, openMirror(t, a.Address()), to)
	release := b.Hold(unary)
	defer a.Hold(unary)()
	ctx, cancel := context.WithCancel(t.Context())
	patient, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	go func() {
		defer cancel()
		_, _ = b.Wait(patient, unary, func(c testbackend.Counts) bool { return c.Running == 1 }) // or the copy is missing below
	}()
	if err := m.Forward(callOf(ctx, unary), &fake{requests: []transcoder.Message{encoded(t, &testv1.BindRequest{})}}); status.Proto(err).GetCode() != int32(codes.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	if c := b.Counts(unary); c.Running != 1 {
		t.Errorf("the copy is not running any more: %+v", c)
	}
	release()
	if s := settled(t, to); s.Sent != 1 || s.Failed != 0 {
		t.Errorf("counted %+v", s)
	}
	if c := b.Counts(unary); c.Cancelled != 0 {
		t.Errorf("the copy was cancelled: %+v", c)
	}
}

// Of an answer only so much is read; then the copy is cancelled, which is no failure.
func TestAnswersOfCopiesAreBounded(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path   string
		answer *testv1.Behavior
	}{
		"many messages":     {serverStream, &testv1.Behavior{Messages: 100_000}},
		"many bytes":        {serverStream, &testv1.Behavior{Messages: 100_000, PayloadSize: 3000}},
		"one large message": {unary, &testv1.Behavior{PayloadSize: 64 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := testbackend.Run(t, testbackend.Config{Name: "b"})
			to := openMirror(t, b.Address())
			m := mirrorOf(t, backend.MirrorConfig{MaxMessage: 10_000, Timeout: patience}, drop{}, to)
			if err := m.Forward(callOf(t.Context(), row.path), &fake{requests: []transcoder.Message{encoded(t, &testv1.BindRequest{Behavior: row.answer})}}); err != nil {
				t.Error(err)
			}
			if s := settled(t, to); s.Sent != 1 || s.Failed != 0 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

// drop is a backend that reads the request and answers nothing.
type drop struct{}

func (drop) Ready() bool { return true }

func (drop) Changes() []<-chan struct{} { return nil }

func (drop) Forward(_ *transcoder.Call, s transcoder.Stream) error {
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m.Free()
	}
}

// counted is a pool that knows how many of its buffers are out.
type counted struct{ out atomic.Int64 }

func (p *counted) Get(n int) *[]byte {
	p.out.Add(1)
	b := make([]byte, n)
	return &b
}

func (p *counted) Put(*[]byte) { p.out.Add(-1) }

// A second backend that swallows everything costs no call anything: as many copies as may be wait for it, what they hold is bounded,
// the rest is counted, and all is given back.
func TestABlackHoleHoldsUpNobody(t *testing.T) {
	t.Parallel()
	const (
		callers, calls = 8, 400
		limit, size    = 5, 4000
	)
	a := testbackend.Run(t, testbackend.Config{Name: "a"})
	to := openMirror(t, blackHole(t))
	m := mirrorOf(t, backend.MirrorConfig{MaxInFlight: limit, MaxMessage: size, Timeout: 300 * time.Millisecond}, openMirror(t, a.Address()), to)
	request, err := proto.Marshal(&testv1.BindRequest{Name: strings.Repeat("x", size-100)})
	if err != nil {
		t.Fatal(err)
	}
	pool := &counted{}
	var most atomic.Int64
	var all sync.WaitGroup
	failed := make(chan string, callers)
	for range callers {
		all.Go(func() {
			for range calls {
				data := mem.Copy(request, pool)
				err := m.Forward(callOf(t.Context(), unary), &fake{requests: []transcoder.Message{{Data: mem.BufferSlice{data}}}})
				if err != nil {
					failed <- fmt.Sprint(err)
					return
				}
				for n := pool.out.Load(); ; {
					was := most.Load()
					if n <= was || most.CompareAndSwap(was, n) {
						break
					}
				}
			}
		})
	}
	all.Wait()
	select {
	case wrong := <-failed:
		t.Errorf("a call failed: %s", wrong)
	default:
	}
	s := settled(t, to)
	if s.MostInFlight != limit || s.Sent+s.Busy != callers*calls || s.Failed != s.Sent || s.Sent < limit {
		t.Errorf("counted %+v of %d calls; want at most %d in flight, which all fail", s, callers*calls, limit)
	}
	if n := most.Load(); n > limit+callers {
		t.Errorf("%d requests were held at once; there are %d callers and %d copies", n, callers, limit)
	}
	if n := pool.out.Load(); n != 0 {
		t.Errorf("%d buffers were not given back", n)
	}
}

// Closing the backend, which a reload does that no longer has it, ends the copies.
func TestClosingEndsCopies(t *testing.T) {
	t.Parallel()
	to := openMirror(t, blackHole(t))
	m := mirrorOf(t, backend.MirrorConfig{Timeout: time.Hour}, drop{}, to)
	send := func() {
		if err := m.Forward(callOf(t.Context(), unary), &fake{requests: []transcoder.Message{encoded(t, &testv1.BindRequest{})}}); err != nil {
			t.Error(err)
		}
	}
	send()
	if s := to.Mirrored(); s.InFlight != 1 {
		t.Errorf("counted %+v; want one in flight", s)
	}
	began := time.Now()
	if err := to.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("closing took %s", took)
	}
	send()
	if s := to.Mirrored(); s.InFlight != 0 || s.Busy != 1 {
		t.Errorf("counted %+v; want nothing in flight and one that was not sent", s)
	}
}

func TestPercentOfCallsAreCopied(t *testing.T) {
	t.Parallel()
	const calls = 20_000
	to := openMirror(t, blackHole(t)) // what is sampled is counted, whether or not it is sent
	m := mirrorOf(t, backend.MirrorConfig{Percent: 10, MaxInFlight: 1, Timeout: time.Hour}, drop{}, to)
	for range calls {
		if err := m.Forward(callOf(t.Context(), unary), &fake{requests: []transcoder.Message{encoded(t, &testv1.BindRequest{})}}); err != nil {
			t.Fatal(err)
		}
	}
	s := to.Mirrored()
	if n := int(s.Busy) + s.InFlight; n < 1788 || n > 2212 { // five standard deviations
		t.Errorf("%d of %d calls were to be copied; want about 2000", n, calls)
	}
}

func TestMirrorConfigIsChecked(t *testing.T) {
	t.Parallel()
	_, err := backend.NewMirror(backend.MirrorConfig{Percent: 101, MaxInFlight: -1, MaxMessage: -2, Timeout: -time.Second}, drop{}, nil)
	for _, want := range []string{"percent is 101; it must be 1 to 100", "max_in_flight is -1", "max_message is -2", "timeout is -1s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
