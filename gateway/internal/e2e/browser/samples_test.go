// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/cors"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
)

const (
	// guide has the samples.
	guide = "../../../../docs/clients.md"
	// apiHost is where the samples have the gateway, and pageHost where a page is from whose gateway is elsewhere. The browser is told
	// that both are the test's gateway.
	apiHost, pageHost = "api.example.com", "app.example.com"
)

// sample is a sample of the guide, by the comment that it begins with, and what it must show.
type sample struct {
	Name  string   `json:"name"`
	Where string   `json:"where"` // "node", the origin of the page, or the language of a phone
	Shows []string `json:"shows"` // what the first things that are shown have in them, as JSON
	Code  string   `json:"code"`
}

// samples are all that the guide has in JavaScript.
func samples() []sample {
	const shelf, changed = `"name":"shelves/classics"`, `"title":"changed`
	own, other := "https://"+apiHost, "https://"+pageHost
	return []sample{
		{Name: "unary", Where: own, Shows: []string{shelf}},
		{Name: "a server stream as NDJSON", Where: own, Shows: []string{changed, changed}},
		{Name: "a server stream with EventSource", Where: own, Shows: []string{changed, changed}},
		{Name: "both ways by WebSocket", Where: own, Shows: []string{`"books":[{"name":"shelves/classics/books/odyssey"`}},
		{Name: "Connect, with GET", Where: other, Shows: []string{shelf, changed, changed}},
		{Name: "gRPC-Web", Where: other, Shows: []string{shelf}},
		{Name: "gRPC in Node", Where: "node", Shows: []string{shelf}},
	}
}

// samplesWorld is what samples.js is told.
type samplesWorld struct {
	browserWorld
	Samples []sample `json:"samples"`
	Plain   string   `json:"plain"`     // the gateway in clear text
	Node    string   `json:"node"`      // host:port of the gateway, for Node
	CA      string   `json:"authority"` // PEM file
}

// TestSamples: each sample in JavaScript of the guide does what it says, from a page of the gateway's origin, from that of another, and in
// Node. What it is about, an example API, is the demo's.
func TestSamples(t *testing.T) {
	t.Parallel()
	all := samples()
	for _, code := range codeOf(t, guide, "js") {
		title, _, _ := strings.Cut(strings.TrimPrefix(code, "// "), "\n")
		i := slices.IndexFunc(all, func(s sample) bool { return strings.HasPrefix(title, s.Name) })
		if i < 0 {
			t.Errorf("the sample %q of the guide is not in the table", title)
			continue
		}
		all[i].Code = code
	}
	var table []row
	for _, s := range all {
		if s.Code == "" {
			t.Errorf("the guide has no sample that begins with %q", s.Name)
		}
		table = append(table, row{s.Name, "the guide"})
	}
	if t.Failed() {
		return
	}

	cluster, err := bookstore.Start(t.Context(), bookstore.ClusterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := cluster.Close(ctx); err != nil {
			t.Errorf("the bookstore did not stop well: %v", err)
		}
	})
	known := newCertificate(t)
	g := startGateway(t, &params{
		schemas: "bookstore", backends: cluster.Addresses(), tls: &transport.TLS{Cert: known.cert, Key: known.key},
		policy: config.Policy{CORS: &cors.Config{AllowOrigins: []string{"https://" + pageHost}}},
		edit: func(c *config.Config) {
			c.Listeners = append(c.Listeners, transport.Config{Name: "plain", Address: "127.0.0.1:0"})
		},
	})
	folder := javascript(t)
	if err := os.WriteFile(filepath.Join(folder, "bookstore.binpb"), descriptorsOf(t, "bookstore.v1"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(g.address, ":")
	run(t, "samples.js", samplesWorld{
		browserWorld: browserWorld{
			Chromium: chromium(t), Pin: known.pin, Gateway: "https://" + g.address,
			Hosts: "MAP " + apiHost + " " + g.address + ", MAP " + pageHost + " " + g.address,
		},
		Samples: all, Plain: "http://" + g.others[0], Node: "localhost:" + port, CA: known.authority,
	}, table)
}

// TestPhoneSamples: the samples of the guide in Kotlin, Swift and Dart are of their languages. They are read by the grammars of these, as the
// compilers are not to be had everywhere; that no sign of them can be left out shows that somebody reads.
func TestPhoneSamples(t *testing.T) {
	t.Parallel()
	var all []sample
	var table []row
	for _, language := range []string{"kotlin", "swift", "dart"} {
		codes := codeOf(t, guide, language)
		if len(codes) == 0 {
			t.Errorf("the guide has no sample in %s", language)
		}
		for i, code := range codes {
			s := sample{Name: fmt.Sprintf("%s %d", language, i+1), Where: language, Code: code}
			all = append(all, s)
			table = append(table, row{s.Name, "the guide"}, row{s.Name + " without a sign", "a sample that is broken is noticed"})
		}
	}
	run(t, "phones.js", samplesWorld{Samples: all}, table)
}

// goSample is what stands around a sample in Go.
const goSample = `package sample

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

func call(ctx context.Context) (*bookstorev1.Shelf, error) {
%s	return shelf, err
}
`

// TestGoSample: the sample in Go of the guide compiles.
func TestGoSample(t *testing.T) {
	t.Parallel()
	all := codeOf(t, guide, "go")
	if len(all) != 1 {
		t.Fatalf("the guide has %d samples in Go; want 1", len(all))
	}
	file := filepath.Join(t.TempDir(), "sample.go")
	if err := os.WriteFile(file, fmt.Appendf(nil, goSample, all[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := command(t.Context(), ".", "go", "vet", file); err != nil {
		t.Error(err)
	}
}

// codeOf returns the blocks of a document in a language.
func codeOf(t *testing.T, document, language string) []string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rest := string(text); ; {
		_, after, found := strings.Cut(rest, "```"+language+"\n")
		if !found {
			return all
		}
		code, behind, _ := strings.Cut(after, "```")
		all, rest = append(all, code), behind
	}
}
