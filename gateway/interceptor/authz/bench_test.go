// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/dragoman-gateway/dragoman/gateway/interceptor/authz"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/transcoder"
)

// costs are rules and what they may cost: how many allocations.
var costs = []struct {
	name, allow string
	most        float64
}{
	{"who calls", "'admin' in auth.claims.roles", 0},
	{"the head", "method == 'Echo' && auth.subject != 'eve'", 0},
	{"a field of the request", "request.user_id == auth.subject || 'support' in auth.claims.roles", 0},
	{"a field within", "request.tenant.id == '' && 'admin' in auth.claims.roles", 40},
}

// decide makes what is measured.
func decide(tb testing.TB, allowed string) func() {
	tb.Helper()
	p := policy(tb, authz.Config{Rules: []authz.Rule{allow(tb, allowed)}})
	data, err := proto.Marshal(&testv1.CanaryRequest{UserId: "ada", Text: "some text"})
	if err != nil {
		tb.Fatal(err)
	}
	c := call(methodOf("Echo"), ada)
	m := &transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(data)}}
	return func() {
		if err := p.Admit(c); err != nil {
			tb.Fatal(err)
		}
		if p.Inspects(c) {
			if err := p.Inspect(c, 1, m); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func TestWhatRulesAllocate(t *testing.T) { //nolint:paralleltest // allocations of others would count
	for _, row := range costs {
		if n := testing.AllocsPerRun(1000, decide(t, row.allow)); n > row.most {
			t.Errorf("%s: %v allocations; at most %v", row.name, n, row.most)
		}
	}
}

func BenchmarkRule(b *testing.B) {
	for _, row := range costs {
		b.Run(row.name, func(b *testing.B) {
			run := decide(b, row.allow)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
