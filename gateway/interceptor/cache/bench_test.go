// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/cache"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// hit prepares a call that the cache answers, and returns what makes it once.
func hit(t testing.TB, p cache.PolicyConfig, edit func(*transcoder.Call)) func() {
	t.Helper()
	r := newRig(t, cache.Config{}, p)
	data, err := proto.Marshal(&testv1.CanaryRequest{Id: "a", UserId: "b", Tenant: &testv1.CanaryRequest_Tenant{Id: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	head := &transcoder.Request{Header: wire.Header{{Name: "accept", Value: "*/*"}, {Name: "user-agent", Value: "x"}}}
	s := &dropped{request: data}
	fields := make(wire.Header, 0, 4)
	call := func() {
		c := transcoder.NewCall(context.Background(), head)
		c.Method, c.AnswerFields = r.method, fields
		c.Metadata = wire.Header{{Name: "x-forwarded-host", Value: "api.example"}, {Name: "x-forwarded-proto", Value: "https"}}
		if edit != nil {
			edit(c)
		}
		s.received = false
		if err := r.route.Forward(c, s); err != nil {
			t.Fatal(err)
		}
	}
	call()
	return call
}

// dropped is a client that drops its answer.
type dropped struct {
	client
	request []byte
}

func (s *dropped) Recv() (transcoder.Message, error) {
	if s.received {
		return s.client.Recv()
	}
	s.received = true
	return transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(s.request)}}, nil
}

func (s *dropped) Send(m transcoder.Message) error {
	m.Free()
	return nil
}

func BenchmarkHit(b *testing.B) {
	personal := ttl(time.Hour)
	personal.Vary = []string{"auth.subject", "auth.claims.org", `headers["accept-language"]`}
	identity := &transcoder.Identity{
		Provider: "mobile", Subject: "alice", Tenant: "acme", Claims: map[string]any{"org": "o"}, Forward: wire.Header{{Name: "x-user-id", Value: "alice"}},
	}
	for _, tt := range []struct {
		name   string
		policy cache.PolicyConfig
		edit   func(*transcoder.Call)
	}{{"for all", ttl(time.Hour), nil}, {"for one", personal, func(c *transcoder.Call) { c.Identity = identity }}} {
		b.Run(tt.name, func(b *testing.B) {
			call := hit(b, tt.policy, tt.edit)
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
}
