// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package httprule_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"

	"github.com/dragoman-gateway/dragoman/transcoder/httprule"
)

// workload is n rules, 60 % with two variables, a third of those with a verb, and for each a request.
type workload struct {
	rules    []string // "GET /v1/..."
	requests [][2]string
}

func newWorkload(n int) workload {
	var w workload
	random := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range n {
		service, resource := fmt.Sprintf("service%d", i/40), fmt.Sprintf("resource%d", i)
		kind := []string{"GET", "POST", "PATCH", "DELETE"}[i%4]
		rule := fmt.Sprintf("%s /v1/%s/%s", kind, service, resource)
		path := fmt.Sprintf("/v1/%s/%s", service, resource)
		switch i % 10 {
		case 0, 1, 2, 3:
			rule += "/{a}/items/{b}"
			path += fmt.Sprintf("/%d/items/%d", random.IntN(1e6), random.IntN(1e6))
		case 4, 5:
			rule += "/{a}/items/{b}:cancel"
			path += fmt.Sprintf("/%d/items/%d:cancel", random.IntN(1e6), random.IntN(1e6))
		case 6, 7:
			rule += "/{id}"
			path += fmt.Sprintf("/%d", random.IntN(1e6))
		}
		w.rules = append(w.rules, rule)
		w.requests = append(w.requests, [2]string{kind, path})
	}
	random.Shuffle(n, func(i, j int) { w.requests[i], w.requests[j] = w.requests[j], w.requests[i] })
	return w
}

// The baseline is a search without a result: the scan of the path and one look at the root.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		w := newWorkload(n)
		table := build(b, httprule.Config{}, w.rules...)
		for _, mode := range []string{"match", "values", "baseline"} {
			b.Run(fmt.Sprintf("rules=%d/%s", n, mode), func(b *testing.B) {
				var m httprule.Match
				value := make([]byte, 0, 64)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					r := &w.requests[i%n]
					i++
					path := r[1]
					if mode == "baseline" {
						path = path[3:]
					}
					found := table.Match(&m, r[0], path) == httprule.Found
					if found != (mode != "baseline") {
						b.Fatal(r)
					}
					if mode != "values" {
						continue
					}
					for v := range m.Binding().Variables {
						value, _ = m.AppendValue(value[:0], v)
					}
				}
			})
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	methods := routes(b, newWorkload(10_000).rules...)
	b.ReportAllocs()
	for b.Loop() {
		if table, problems := httprule.Build(methods, httprule.Config{}); table == nil {
			b.Fatal(problems)
		}
	}
}

// Inputs that someone chose to cost as much as possible, by name.
func BenchmarkHostile(b *testing.B) {
	list := append(newWorkload(1000).rules, "GET /{name=**}", "GET /v1/{name=**}:a:b:c:d", "GET /{a}/{b}/{c}/{id}", "GET /v1/{name=**}:v")
	wide := build(b, httprule.Config{MaxPathSegments: 5000}, list...)
	var ways []string
	for i := range 1 << 9 {
		path := ""
		for bit := range 9 {
			path += [2]string{"/a", "/*"}[i>>bit&1]
		}
		ways = append(ways, "GET "+path+"/end")
	}
	for _, h := range []struct {
		name  string
		table *httprule.Table
		path  string
	}{
		{"long segment", wide, "/v1/" + strings.Repeat("a", 8000)},
		{"long segment of escapes", wide, "/v1/" + strings.Repeat("%61", 2700)},
		{"many segments", wide, strings.Repeat("/a", 4000)},
		{"many colons", wide, "/v1/x" + strings.Repeat(":v", 4000)},
		{"many escaped colons", wide, "/v1/x" + strings.Repeat("%3Av", 2000)},
		{"all slashes", wide, strings.Repeat("/", 4000)},
		{"too long", wide, "/" + strings.Repeat("a", 1<<20)},
		{"many ways", build(b, httprule.Config{}, ways...), strings.Repeat("/a", 9) + "/no"},
	} {
		b.Run(h.name, func(b *testing.B) {
			var m httprule.Match
			b.ReportAllocs()
			for b.Loop() {
				h.table.Match(&m, "PURGE", h.path)
			}
		})
	}
}

func BenchmarkPeerGRPCGateway(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		w := newWorkload(n)
		mux := runtime.NewServeMux()
		hits := 0
		for _, rule := range w.rules {
			kind, path, _ := strings.Cut(rule, " ")
			mux.Handle(kind, gatewayPattern(b, path), func(http.ResponseWriter, *http.Request, map[string]string) { hits++ })
		}
		servePeer(b, fmt.Sprintf("rules=%d", n), w, mux, &hits)
	}
}

// net/http has no verbs: they are a segment of their own here.
func BenchmarkPeerNetHTTP(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		w := newWorkload(n)
		mux := http.NewServeMux()
		hits := 0
		for _, rule := range w.rules {
			mux.HandleFunc(strings.ReplaceAll(rule, ":", "/"), func(http.ResponseWriter, *http.Request) { hits++ })
		}
		for i := range w.requests {
			w.requests[i][1] = strings.ReplaceAll(w.requests[i][1], ":", "/")
		}
		servePeer(b, fmt.Sprintf("rules=%d", n), w, mux, &hits)
	}
}

func servePeer(b *testing.B, name string, w workload, handler http.Handler, hits *int) {
	b.Helper()
	requests := make([]*http.Request, len(w.requests))
	for i, r := range w.requests {
		requests[i] = httptest.NewRequestWithContext(b.Context(), r[0], r[1], nil)
	}
	writer := discard{}
	b.Run(name, func(b *testing.B) {
		*hits = 0
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			handler.ServeHTTP(writer, requests[i%len(requests)])
			i++
		}
		if *hits != i {
			b.Fatalf("%d of %d requests found a route", *hits, i)
		}
	})
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// gatewayPattern turns a template into the form that grpc-gateway's generated code has.
func gatewayPattern(tb testing.TB, path string) runtime.Pattern {
	tb.Helper()
	template, err := httprule.Parse(path)
	if err != nil {
		tb.Fatal(err)
	}
	var ops []int
	var pool []string
	intern := func(s string) int {
		pool = append(pool, s)
		return len(pool) - 1
	}
	variables := template.Variables()
	for i, s := range template.Segments() {
		switch s.Kind {
		case httprule.Literal:
			ops = append(ops, int(utilities.OpLitPush), intern(s.Text))
		case httprule.Single:
			ops = append(ops, int(utilities.OpPush), 0)
		case httprule.Multi:
			ops = append(ops, int(utilities.OpPushM), 0)
		}
		for _, v := range variables {
			if v.Last == i+1 {
				ops = append(ops, int(utilities.OpConcatN), v.Last-v.First, int(utilities.OpCapture), intern(v.Name()))
			}
		}
	}
	pattern, err := runtime.NewPattern(1, ops, pool, template.Verb())
	if err != nil {
		tb.Fatal(err)
	}
	return pattern
}
