// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	libraryv1 "github.com/dragoman-gateway/dragoman/bench/gen/library/v1"
	"github.com/dragoman-gateway/dragoman/bench/serve"
)

// How many requests a run has.
const (
	manySmall  = 10_000
	manyMedium = 2_500
	manyLarge  = 60  // of JSON, which its peers take long for
	manyFrames = 300 // as large, passed on
	manyStream = 160
	oneClient  = 3_000
)

// streamed is how many messages a stream has.
const streamed = 1000

// Groups of scenarios, a table each.
const (
	groupREST     = "REST"
	groupGRPC     = "gRPC"
	groupOther    = "Other protocols, and features"
	groupBalanced = "Balancing"
)

// scenario is one kind of call, made to several peers.
type scenario struct {
	name  string
	group string
	peers []string // the first is what is measured, the others what it is compared with
	// beside is the scenario of the same group to compare with where there are no peers; nil where it is that one.
	beside *scenario
	goal   float64 // of CPU against peers[1]; 0 is none
	variant

	form     form
	http1    bool
	clients  int
	streams  int
	requests int
	path     string
	body     string // a file
	bearing  bool   // its requests have a token, though nobody asks for one
	want     proto.Message
}

func (sc *scenario) messages() int {
	if sc.path == watchPath || sc.path == grpcWatch {
		return streamed
	}
	return 1
}

// headers are those of its requests. bearer is a token for where one is asked for.
func (sc *scenario) headers(bearer string) []string {
	var all []string
	if sc.guarded || sc.bearing {
		all = append(all, "authorization: Bearer "+bearer)
	}
	return append(all, sc.formHeaders()...)
}

func (sc *scenario) formHeaders() []string {
	switch sc.form {
	case formGRPC:
		return []string{"content-type: application/grpc", "te: trailers"}
	case formGRPCWeb:
		return []string{"content-type: application/grpc-web+proto"}
	case formConnect:
		return []string{"content-type: application/proto", "connect-protocol-version: 1"}
	default:
		if sc.body != "" {
			return []string{"content-type: application/json"}
		}
		return nil
	}
}

const (
	watchPath = "/v1/shelves/classics/books:watch?count=1000" // of streamed
	getPath   = "/v1/shelves/classics/books/moby-dick"
	listPath  = "/v1/shelves/classics/books"
	largePath = "/v1/shelves/classics/books?page_size=5200"
	echoPath  = "/v1/echo"
	service   = "/library.v1.LibraryService/"
	grpcWatch = service + "WatchBooks"
)

// bodies writes the requests' bodies into files.
type bodies struct {
	folder string
	err    error
}

func (b *bodies) file(name string, data []byte) string {
	path := filepath.Join(b.folder, name)
	if err := os.WriteFile(path, data, 0o600); err != nil && b.err == nil {
		b.err = err
	}
	return path
}

func (b *bodies) wire(m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil && b.err == nil {
		b.err = err
	}
	return data
}

func (b *bodies) json(name string, m proto.Message) string {
	data, err := protojson.Marshal(m)
	if err != nil && b.err == nil {
		b.err = err
	}
	return b.file(name, data)
}

// scenarios returns all of them.
func scenarios(folder string) ([]*scenario, error) {
	b := &bodies{folder: folder}
	all := restScenarios(b)
	all = append(all, grpcScenarios(b)...)
	all = append(all, otherScenarios(b)...)
	return all, b.err
}

func restScenarios(b *bodies) []*scenario {
	book, medium, large := serve.Book(), serve.Books(serve.Medium), serve.Books(serve.Large)
	create := b.json("create.json", book)
	peers := []string{dragoman, grpcGateway}
	all := []*scenario{
		{name: "GET small, HTTP/1.1, 1 client", http1: true, clients: 1, requests: oneClient, path: getPath, want: book, goal: 0.75},
		{name: "GET small, HTTP/1.1, 16 clients", http1: true, clients: 16, requests: manySmall, path: getPath, want: book, goal: 0.75},
		{name: "GET small, HTTP/1.1, 128 clients", http1: true, clients: 128, requests: manySmall, path: getPath, want: book, goal: 0.75},
		{name: "POST small, HTTP/1.1, 1 client", http1: true, clients: 1, requests: oneClient, path: listPath, body: create, want: book, goal: 0.75},
		{name: "POST small, HTTP/1.1, 16 clients", http1: true, clients: 16, requests: manySmall, path: listPath, body: create, want: book, goal: 0.75},
		{name: "POST small, HTTP/1.1, 128 clients", http1: true, clients: 128, requests: manySmall, path: listPath, body: create, want: book, goal: 0.75},
		{name: "GET small, HTTP/2, 1 stream", clients: 1, streams: 1, requests: oneClient, path: getPath, want: book, goal: 0.75},
		{name: "GET small, HTTP/2, 4 × 4 streams", clients: 4, streams: 4, requests: manySmall, path: getPath, want: book, goal: 0.75},
		{name: "GET small, HTTP/2, 8 × 16 streams", clients: 8, streams: 16, requests: manySmall, path: getPath, want: book, goal: 0.75},
		{name: "POST small, HTTP/2, 4 × 4 streams", clients: 4, streams: 4, requests: manySmall, path: listPath, body: create, want: book, goal: 0.75},
		{name: "GET medium (10 KB)", http1: true, clients: 16, requests: manyMedium, path: listPath, want: medium, goal: 0.25},
		{name: "echo medium (10 KB)", http1: true, clients: 16, requests: manyMedium, path: echoPath, body: b.json("medium.json", medium), want: medium, goal: 0.25},
		{name: "GET large (1 MB)", http1: true, clients: 4, requests: manyLarge, path: largePath, want: large, goal: 0.22},
		{name: "echo large (1 MB)", http1: true, clients: 4, requests: manyLarge, path: echoPath, body: b.json("large.json", large), want: large, goal: 0.22},
		{name: "stream of 1,000", http1: true, form: formRESTStream, clients: 4, requests: manyStream, path: watchPath, want: book, goal: 0.25},
		{name: "GET small, 1,000 rules", variant: variant{rules: 1000}, http1: true, clients: 16, requests: manySmall, path: getPath, want: book, goal: 0.60},
		{name: "GET small, 10,000 rules", variant: variant{rules: 10_000}, http1: true, clients: 16, requests: manySmall / 2, path: getPath, want: book},
		{name: "GET small, TLS", variant: variant{tls: true}, http1: true, clients: 16, requests: manySmall, path: getPath, want: book},
	}
	for _, sc := range all {
		sc.group, sc.peers = groupREST, peers
	}
	return all
}

func grpcScenarios(b *bodies) []*scenario {
	book, medium, large := serve.Book(), serve.Books(serve.Medium), serve.Books(serve.Large)
	get := b.file("get.grpc", envelope(b.wire(&libraryv1.GetBookRequest{Shelf: "classics", Book: "moby-dick"})))
	watch := b.file("watch.grpc", envelope(b.wire(&libraryv1.WatchBooksRequest{Shelf: "classics", Count: streamed})))
	all := []*scenario{
		{name: "small, 1 stream", clients: 1, streams: 1, requests: oneClient, path: service + "GetBook", body: get, want: book},
		{name: "small, 4 × 4 streams", clients: 4, streams: 4, requests: manySmall, path: service + "GetBook", body: get, want: book},
		{name: "small, 8 × 16 streams", clients: 8, streams: 16, requests: manySmall, path: service + "GetBook", body: get, want: book, goal: 1.1},
		{name: "echo medium (10 KB), 4 × 4 streams", clients: 4, streams: 4, requests: manyMedium, path: service + "Echo", body: b.file("medium.grpc", envelope(b.wire(medium))), want: medium},
		{name: "echo large (1 MB), 4 streams", clients: 4, streams: 1, requests: manyFrames, path: service + "Echo", body: b.file("large.grpc", envelope(b.wire(large))), want: large},
		{name: "stream of 1,000, 4 streams", clients: 4, streams: 1, requests: manyStream, path: grpcWatch, body: watch, want: book},
	}
	for _, sc := range all {
		sc.group, sc.form, sc.peers = groupGRPC, formGRPC, []string{dragoman, grpcProxy, haproxy, nginx, direct}
	}
	return all
}

func otherScenarios(b *bodies) []*scenario {
	book := serve.Book()
	wire := b.wire(&libraryv1.GetBookRequest{Shelf: "classics", Book: "moby-dick"})
	grpc, connect := b.file("get.grpc", envelope(wire)), b.file("get.connect", wire)
	all := []*scenario{
		{name: "gRPC, as above", form: formGRPC, path: service + "GetBook", body: grpc},
		{name: "gRPC-Web, HTTP/2", form: formGRPCWeb, path: service + "GetBook", body: grpc},
		{name: "Connect, HTTP/2", form: formConnect, path: service + "GetBook", body: connect},
		{name: "Connect GET, HTTP/2", form: formConnect, path: service + "GetBook" + connectGet(wire)},
		{name: "REST, HTTP/2", form: formREST, path: getPath},
		{name: "gRPC, a token that nobody asks for", form: formGRPC, path: service + "GetBook", body: grpc, bearing: true},
		{name: "gRPC, a token, a limit, a rule", form: formGRPC, path: service + "GetBook", body: grpc, variant: variant{guarded: true}},
		{name: "REST, HTTP/2, a token, a limit, a rule", form: formREST, path: getPath, variant: variant{guarded: true}},
		{name: "gRPC, stored answers", form: formGRPC, path: service + "GetBook", body: grpc, variant: variant{cached: true}},
		{name: "REST, HTTP/2, stored answers", form: formREST, path: getPath, variant: variant{cached: true}},
		{name: "gRPC, TLS", form: formGRPC, path: service + "GetBook", body: grpc, variant: variant{tls: true}},
	}
	for _, sc := range all {
		sc.group = groupOther
		if sc != all[0] {
			sc.beside = all[0]
		}
	}
	balanced := []*scenario{{name: "1 endpoint, the default policy"}}
	for _, endpoints := range []int{3, 100} {
		for _, policy := range policies {
			balanced = append(balanced, &scenario{
				name: fmt.Sprintf("%d endpoints, %s", endpoints, policy), variant: variant{endpoints: endpoints, policy: policy},
			})
		}
	}
	for _, sc := range balanced {
		sc.group, sc.form, sc.path, sc.body = groupBalanced, formGRPC, service+"GetBook", grpc
		if sc != balanced[0] {
			sc.beside = balanced[0]
		}
	}
	all = append(all, balanced...)
	for _, sc := range all {
		sc.peers, sc.clients, sc.streams, sc.requests, sc.want = []string{dragoman}, 4, 4, manySmall, book
	}
	return all
}

// policies are those of the gateway's configuration.
var policies = []string{"adaptive", "least_request", "peak_ewma", "weighted_round_robin", "ring_hash", "maglev", "round_robin", "random"}
