// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package browser_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/bookstore"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
)

// openapiWorld is what openapi.js is told.
type openapiWorld struct {
	browserWorld
	Documents map[string]string `json:"documents"` // addresses, by name
}

// nobody is an address at which nobody answers: documents are made without the backend.
const nobody = "127.0.0.1:1"

// TestOpenAPI: the documents of the demo, of the test service and of etcd pass a linter; a client in TypeScript is generated from the demo's,
// compiles, and calls the gateway; and the page that shows it works in a browser under its policy, without asking anybody else.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	cluster, err := bookstore.Start(t.Context(), bookstore.ClusterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel() // streams that a client left are cut off
		_ = cluster.Close(ended)
	})
	documented := func(title string) func(*config.Config) {
		return func(c *config.Config) { c.Docs = &docs.Config{Info: openapi.Info{Title: title}} }
	}
	demo := startGateway(t, &params{schemas: "bookstore", backends: cluster.Addresses(), edit: documented("Bookstore")})
	test := startGateway(t, &params{schemas: "dragoman/test", backends: []string{nobody}, edit: documented("")})
	etcd := startGateway(t, &params{schemas: "bookstore", backends: []string{nobody}, edit: func(c *config.Config) {
		documented("")(c)
		folder := etcdProtos(t)
		c.Schemas.Sources[0].Protos = &config.Protos{Dirs: []string{folder + "/etcdserverpb"}, ImportPaths: []config.ImportPath{{Virtual: "etcd/api", Dir: folder}}}
	}})
	world := openapiWorld{
		browserWorld: browserWorld{Chromium: chromium(t), Gateway: "http://" + demo.address},
		Documents:    map[string]string{},
	}
	for name, g := range map[string]*gateway{"bookstore": demo, "test": test, "etcd": etcd} {
		world.Documents[name] = "http://" + g.address + "/openapi.json"
	}
	run(t, "openapi.js", world, []row{
		{"lint bookstore", "issue 7, proof 3"},
		{"lint test", "issue 7, proof 3"},
		{"lint etcd", "issue 7, proof 3"},
		{"types", "a generator reads the document, and what uses its types compiles"},
		{"client: a list with query parameters", "issue 7, proof 3"},
		{"client: a variable of several segments", "T33: segments are parameters of their own"},
		{"client: an error", "T148: the shape of errors"},
		{"client: created, changed and deleted", "T49, T106: bodies without what the path sets"},
		{"client: a stream", "T130: a stream as JSON lines"},
		{"docs: operations are shown", "experience, 3.5"},
		{"docs: a call is tried", "experience, 3.5"},
		{"docs: one service", "experience, 3.5"},
		{"docs: nobody else is asked", "experience, 2.2: no outbound request except those configured"},
		{"docs: the policy holds and the page does not complain", "experience, 3.4: under a strict policy"},
	})
}

// etcdProtos is where the .proto files of etcd lie.
func etcdProtos(t *testing.T) string {
	t.Helper()
	const module = "go.etcd.io/etcd/api/v3"
	printed, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	folder := strings.TrimSpace(string(printed))
	if err != nil || folder == "" {
		t.Fatalf("the module %s is not in the module cache: go mod download %s: %v", module, module, err)
	}
	return folder
}
