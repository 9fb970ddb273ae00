// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// collect answers with all messages of a request in one.
func collect(_ int64, s grpc.ServerStream) error {
	m := message(strings.Join(drain(s), "+"))
	return s.SendMsg(&m)
}

// A stream that fails before its first answer is sent again from its beginning, in its order.
func TestStreamsAreReplayed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		method   *transcoder.Method
		requests []string
		want     string
	}{
		{"server stream", streaming(false, true), []string{"a"}, "a"},
		{"client stream", streaming(true, false), []string{"a", "b", "", "c"}, "a+b++c"},
		{"client stream without a message", streaming(true, false), nil, ""},
		{"both", streaming(true, true), []string{"a", "b"}, "a+b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, failingFirst(2, errDown, collect))
			b := open(t, backend.Config{}, s)
			client := newClient(c.requests...)
			r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 3, Backoff: time.Millisecond}})
			call, err := forward(t.Context(), r, c.method, client, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if got := client.got(); got != c.want || call.Attempts != 3 || s.arrived.Load() != 3 {
				t.Errorf("got %q after %d attempts and %d arrivals; want %q after 3", got, call.Attempts, s.arrived.Load(), c.want)
			}
			if n := b.State().Buffered; n != 0 {
				t.Errorf("%d bytes are kept after the call", n)
			}
		})
	}
}

// A server that fails while the client still sends: what comes later goes to the next attempt, after what came before.
func TestAStreamIsReplayedWhileItSends(t *testing.T) {
	t.Parallel()
	fail := make(chan struct{})
	s := newServer(t, func(arrival int64, s grpc.ServerStream) error {
		if arrival == 1 {
			var m transcoder.Message
			if err := s.RecvMsg(&m); err != nil {
				return err
			}
			m.Free()
			close(fail)
			return errDown
		}
		return collect(arrival, s)
	})
	b := open(t, backend.Config{}, s)
	client := newPacedClient()
	go func() {
		client.requests <- message("first")
		<-fail
		for i := range 100 {
			client.requests <- message(fmt.Sprint(i))
		}
		close(client.requests)
	}()
	r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Backoff: time.Millisecond}})
	if _, err := forward(t.Context(), r, streaming(true, true), client, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("first")
	for i := range 100 {
		fmt.Fprintf(&want, "+%d", i)
	}
	if got := client.got(); got != want.String() {
		t.Errorf("got %q", got)
	}
}

// Nothing is tried again once the head or a message of the answer has come: the client may have seen it.
func TestNoRetryAfterTheAnswerBegan(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(s grpc.ServerStream) error{
		"head":    func(s grpc.ServerStream) error { return s.SendHeader(metadata.Pairs("x", "y")) },
		"message": func(s grpc.ServerStream) error { m := message("part"); return s.SendMsg(&m) },
	} {
		for _, m := range []*transcoder.Method{streaming(false, true), streaming(true, false), streaming(true, true)} {
			t.Run(name+" "+m.Kind(), func(t *testing.T) {
				t.Parallel()
				s := newServer(t, func(_ int64, s grpc.ServerStream) error {
					drain(s)
					if err := begin(s); err != nil {
						return err
					}
					return errDown
				})
				b := open(t, backend.Config{}, s)
				_, err := forward(t.Context(), route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Attempts: 5}}), m, newClient("a"), 10*time.Second)
				if status.Code(err) != codes.Unavailable || s.arrived.Load() != 1 {
					t.Errorf("got %v after %d arrivals", err, s.arrived.Load())
				}
			})
		}
	}
}

// A stream that has sent more than is kept is not tried again, nor one that finds the memory of all taken.
func TestOnlyWhatIsKeptIsReplayed(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 3000)
	for _, c := range []struct {
		name     string
		buffer   backend.BufferConfig
		requests []string
		arrivals int64
	}{
		{"fits", backend.BufferConfig{PerCall: 4000}, []string{large}, 2},
		{"too large", backend.BufferConfig{PerCall: 3000}, []string{large}, 1},
		{"too large together", backend.BufferConfig{PerCall: 4000}, []string{large, large}, 1},
		{"empty messages are not free", backend.BufferConfig{PerCall: 4000}, make([]string, 100), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, failingFirst(1, errDown, collect))
			b := open(t, backend.Config{RetryBuffer: c.buffer}, s)
			_, err := forward(t.Context(), route(t, b, backend.PolicyConfig{}), streaming(true, false), newClient(c.requests...), 10*time.Second)
			if (err == nil) != (c.arrivals == 2) || s.arrived.Load() != c.arrivals || b.State().Buffered != 0 {
				t.Errorf("got %v after %d arrivals, %d bytes kept", err, s.arrived.Load(), b.State().Buffered)
			}
		})
	}
	t.Run("of all calls", func(t *testing.T) {
		t.Parallel()
		const calls = 10
		var arrived sync.WaitGroup
		arrived.Add(calls)
		release := make(chan struct{})
		s := newServer(t, func(arrival int64, s grpc.ServerStream) error {
			if arrival > calls {
				return collect(arrival, s)
			}
			drain(s)
			arrived.Done()
			<-release
			return errDown
		})
		b := open(t, backend.Config{RetryBuffer: backend.BufferConfig{PerCall: 4000, Total: 10000}}, s)
		r := route(t, b, backend.PolicyConfig{Retry: backend.RetryConfig{Backoff: time.Millisecond}})
		errs := make(chan error, calls)
		for range calls {
			go func() {
				_, err := forward(context.Background(), r, streaming(true, false), newClient(large), 10*time.Second)
				errs <- err
			}()
		}
		arrived.Wait()
		if n := b.State().Buffered; n > 10000 || n < 9000 {
			t.Errorf("%d bytes are kept; want at most 10000", n)
		}
		close(release)
		failed := 0
		for range calls {
			if err := <-errs; err != nil {
				failed++
			}
		}
		if failed != calls-3 || b.State().Buffered != 0 {
			t.Errorf("%d of %d failed, %d bytes are kept; three could be replayed", failed, calls, b.State().Buffered)
		}
	})
}
