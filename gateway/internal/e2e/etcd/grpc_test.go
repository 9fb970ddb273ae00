// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
)

// answerWithin is how long one step may take.
const answerWithin = 15 * time.Second

// client is a client of etcd's own library.
type client struct {
	*clientv3.Client
	address string
	lease   clientv3.LeaseID // of the lease that steps share
}

// newClient makes a client without TLS, so that it speaks HTTP/2 from its first byte (h2c).
func newClient(t *testing.T, address string, options ...func(*clientv3.Config)) *client {
	t.Helper()
	config := clientv3.Config{Endpoints: []string{"http://" + address}, DialTimeout: answerWithin}
	for _, option := range options {
		option(&config)
	}
	made, err := clientv3.New(config)
	if err != nil {
		t.Fatalf("client of %s: %v", address, err)
	}
	t.Cleanup(func() {
		if err := made.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("client of %s: %v", address, err)
		}
	})
	return &client{Client: made, address: address}
}

// next takes the next element of a channel.
func next[T any, C ~<-chan T](t *testing.T, from C) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	element, err := receive[T](ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	return element
}

// receive takes the next element of a channel.
func receive[T any, C ~<-chan T](ctx context.Context, from C) (element T, err error) {
	select {
	case element, ok := <-from:
		if !ok {
			return element, errors.New("the channel is closed")
		}
		return element, nil
	case <-ctx.Done():
		return element, fmt.Errorf("nothing came: %w", ctx.Err())
	}
}

// testGRPC takes the same steps with etcd's client library through Dragoman and directly.
func testGRPC(t *testing.T, program string) {
	p := startPair(t, program)
	ours, theirs := newClient(t, p.ours), newClient(t, p.theirs)
	for _, s := range steps() {
		t.Run(s.name, func(t *testing.T) { // not parallel: the order is what keeps both servers the same
			got, gotErr := s.take(t, ours)
			want, wantErr := s.take(t, theirs)
			if (wantErr != nil) != s.fails {
				t.Fatalf("etcd answers %v, %v; want an error: %t", want, wantErr, s.fails)
			}
			if difference := cmp.Diff(failureOf(wantErr), failureOf(gotErr)); difference != "" {
				t.Fatalf("the errors differ (-etcd +dragoman):\n%s", difference)
			}
			if s.except != nil {
				if err := s.except.explain(got, want); err != nil {
					t.Fatalf("exception %q (%s): %v", s.except.name, s.except.reason, err)
				}
			}
			if difference := cmp.Diff(want, got, protocmp.Transform()); difference != "" {
				t.Errorf("the answers differ (-etcd +dragoman):\n%s", difference)
			}
		})
	}
}

// step is something to do with a client.
type step struct {
	name string
	// do returns what was answered: messages, or structs that hold them.
	do func(ctx context.Context, c *client) (any, error)
	// fails tells that etcd answers with an error.
	fails bool
	// except is what may differ, or nil.
	except *difference
}

// difference is an exception for what a step returns. It takes what differs out of both.
type difference struct {
	name    string
	reason  string
	explain func(ours, theirs any) error
}

func (s *step) take(t *testing.T, c *client) (any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	return s.do(ctx, c)
}

// failure is an error as a value.
type failure struct {
	Type, Text, Code string
}

// failureOf tells what a caller can see of an error: its type, which the library derives from code and message, its text
// and its code.
func failureOf(err error) failure {
	if err == nil {
		return failure{}
	}
	seen := failure{Type: fmt.Sprintf("%T", err), Text: err.Error(), Code: grpcstatus.Code(err).String()}
	if coded, ok := err.(interface{ Code() codes.Code }); ok {
		seen.Code = coded.Code().String()
	}
	return seen
}
