// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/assemble"
	"github.com/dragoman-gateway/dragoman/gateway/backend"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// exchange is one request of REST in this process, whose answer is dropped: what is measured is the gateway and what is behind it, and no
// socket of the client's.
type exchange struct {
	head   transcoder.Request
	status int
	bytes  int
}

func (e *exchange) Context() context.Context     { return context.Background() }
func (e *exchange) Request() *transcoder.Request { return &e.head }
func (e *exchange) Read() (mem.Buffer, error)    { return nil, io.EOF }
func (e *exchange) CloseRead()                   {}
func (e *exchange) Write(out *transcoder.Out) error {
	if out.Status != 0 {
		e.status = out.Status
	}
	e.bytes += out.Data.Len()
	out.Data.Free()
	return nil
}

// echoExchange is a call of Echo for an answer with so many bytes beside.
func echoExchange(payload int) *exchange {
	return &exchange{head: transcoder.Request{
		Method: http.MethodGet, Path: "/canary/v1/echo", Query: "id=a&behavior.payload_size=" + strconv.Itoa(payload), Authority: "a", Scheme: "http", Major: 2,
		Header: wire.Header{{Name: "accept", Value: "*/*"}},
	}}
}

// A call that the cache answers costs at most a third of the one that it saves: allocations always, and time where that is held. It counts what the process allocates, so nothing runs beside it.
func TestAHitCostsAtMostAThird(t *testing.T) {
	calls := 300
	if faults.Held() {
		calls = 10_000
	}
	cost := func(edit func(*config.Config), payload int) (took time.Duration, allocations uint64) {
		serve := inProcess(t, edit)
		var before, after runtime.MemStats
		var began time.Time
		const first = 20 // by then it is connected, and stored
		for i := range calls + first {
			if i == first {
				runtime.ReadMemStats(&before)
				began = time.Now()
			}
			ex := echoExchange(payload)
			if serve(ex); ex.status != 200 || ex.bytes < payload {
				t.Fatalf("%d, %d bytes", ex.status, ex.bytes)
			}
		}
		took = time.Since(began) / time.Duration(calls)
		runtime.ReadMemStats(&after)
		return took, (after.Mallocs - before.Mallocs) / uint64(calls) //nolint:gosec // a few
	}
	for _, payload := range []int{0, 10 << 10} {
		saved, savedAllocations := cost(nil, payload)
		hit, hitAllocations := cost(caching(minute()), payload)
		t.Logf("%d bytes: a hit takes %s and %d allocations, a call %s and %d", payload, hit, hitAllocations, saved, savedAllocations)
		if 3*hitAllocations > savedAllocations || faults.Held() && 3*hit > saved {
			t.Errorf("%d bytes: a hit costs more than a third", payload)
		}
	}
}

// BenchmarkCache compares a call that the cache answers with the one that it saves, of a backend on loopback in this process.
func BenchmarkCache(b *testing.B) {
	for _, size := range []struct {
		name    string
		payload int
	}{{"small", 0}, {"10KiB", 10 << 10}} {
		for _, kind := range []struct {
			name string
			edit func(*config.Config)
		}{{"backend", nil}, {"hit", caching(minute())}} {
			b.Run("rest/"+size.name+"/"+kind.name, func(b *testing.B) {
				serve := inProcess(b, kind.edit)
				b.ReportAllocs()
				for b.Loop() {
					ex := echoExchange(size.payload)
					if serve(ex); ex.status != 200 || ex.bytes == 0 {
						b.Fatalf("%d, %d bytes", ex.status, ex.bytes)
					}
				}
			})
			b.Run("grpc/"+size.name+"/"+kind.name, func(b *testing.B) {
				d := start(b, kind.edit)
				conn, err := grpc.NewClient(d.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				request := &testv1.CanaryRequest{Id: "a", Behavior: &testv1.Behavior{PayloadSize: int32(size.payload)}}
				b.ReportAllocs()
				for b.Loop() {
					if err := conn.Invoke(b.Context(), canaryEcho, request, &testv1.CanaryResponse{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// inProcess returns a gateway that serves exchanges, with a backend behind it on loopback.
func inProcess(b testing.TB, edit func(*config.Config)) func(transcoder.Exchange) {
	b.Helper()
	cfg := configFor(b, testbackend.Run(b, testbackend.Config{Name: "b1"}).Address())
	if edit != nil {
		edit(cfg)
	}
	cfg.SetDefaults()
	log := slog.New(slog.DiscardHandler)
	assembly, err := assemble.New(cfg, assemble.Parts{Pool: backend.NewPool(log), Log: log})
	if err != nil {
		b.Fatal(err)
	}
	var loads []assemble.Loaded
	for _, s := range assembly.Sources() {
		loaded, err := s.Load(b.Context(), assemble.Loaded{}, false)
		if err != nil {
			b.Fatal(err)
		}
		loads = append(loads, loaded)
	}
	snapshot, _, err := assembly.Build(loads)
	if err != nil {
		b.Fatal(err)
	}
	g := gateway.New(log)
	g.Swap(snapshot)
	b.Cleanup(func() {
		g.Close()
		assembly.Close()
	})
	return g.Serve
}
