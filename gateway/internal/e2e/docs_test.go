// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/gateway/transport"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
)

// withDocs serves the documentation, by default.
func withDocs(c *config.Config) { c.Docs = &docs.Config{} }

// fetched is an answer with its whole body, as it came.
type fetched struct {
	status int
	header http.Header
	body   []byte
}

// fetch sends a request without a body; header are names and values in turn. Nothing is decompressed.
func fetch(t testing.TB, method, url string, header ...string) fetched {
	t.Helper()
	request, err := http.NewRequestWithContext(within(t), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	client := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	answer, err := client.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fetched{answer.StatusCode, answer.Header, body}
}

// pathsOf are the paths of a document.
func pathsOf(t testing.TB, document []byte) map[string]any {
	t.Helper()
	var v struct {
		Paths map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatalf("the document is not JSON: %v\n%.300s", err, document)
	}
	return v.Paths
}

func TestOpenAPIIsServed(t *testing.T) {
	t.Parallel()
	d := start(t, withDocs)
	api := "http://" + d.address
	plain := fetch(t, http.MethodGet, api+"/openapi.json")
	if plain.status != http.StatusOK || plain.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", plain.status, plain.header)
	}
	if pathsOf(t, plain.body)["/test/v1/streams:watch"] == nil {
		t.Error("the document does not have /test/v1/streams:watch")
	}
	tag := plain.header.Get("Etag")
	if tag == "" || strings.HasPrefix(tag, "W/") {
		t.Errorf("the entity tag is %q; want a strong one", tag)
	}
	packed := fetch(t, http.MethodGet, api+"/openapi.json", "Accept-Encoding", "br, gzip")
	if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Etag") == tag {
		t.Errorf("compressed: %v; want gzip, and a tag of its own", packed.header)
	}
	unpacked, err := gzip.NewReader(strings.NewReader(string(packed.body)))
	if err != nil {
		t.Fatal(err)
	}
	if same, err := io.ReadAll(unpacked); err != nil || string(same) != string(plain.body) {
		t.Errorf("what is compressed is something else: %v", err)
	}
	for _, header := range [][]string{{"If-None-Match", tag}, {"If-None-Match", `"x", ` + tag}, {"If-None-Match", packed.header.Get("Etag"), "Accept-Encoding", "gzip"}} {
		if again := fetch(t, http.MethodGet, api+"/openapi.json", header...); again.status != http.StatusNotModified || len(again.body) > 0 {
			t.Errorf("%q: %d with %d bytes; want 304 with none", header, again.status, len(again.body))
		}
	}
	if head := fetch(t, http.MethodHead, api+"/openapi.json"); head.status != http.StatusOK || head.header.Get("Content-Length") != fmt.Sprint(len(plain.body)) {
		t.Errorf("HEAD: %d %v; want the length of GET", head.status, head.header)
	}
	yaml := fetch(t, http.MethodGet, api+"/openapi.yaml")
	if yaml.header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(string(yaml.body), "openapi: \"3.1.1\"\n") {
		t.Errorf("YAML: %v %.40s", yaml.header, yaml.body)
	}
	one := fetch(t, http.MethodGet, api+"/openapi.json?service=dragoman.test.v1.PublicService")
	if n := len(pathsOf(t, one.body)); n == 0 || n >= len(pathsOf(t, plain.body)) {
		t.Errorf("the document of one service has %d paths", n)
	}
	for query, want := range map[string]int{
		"?service=dragoman.test.v1.Nothing": http.StatusNotFound, "?service=a&service=b": http.StatusBadRequest, "?service=%zz": http.StatusBadRequest,
		"?service=" + strings.Repeat("a", 2000): http.StatusBadRequest, "?other=1": http.StatusOK,
	} {
		if got := fetch(t, http.MethodGet, api+"/openapi.json"+query); got.status != want || (want != http.StatusOK && !strings.Contains(string(got.body), `"message"`)) {
			t.Errorf("%.60s: %d %.100s; want %d", query, got.status, got.body, want)
		}
	}
	if post := fetch(t, http.MethodPost, api+"/openapi.json"); post.status != http.StatusNotFound {
		t.Errorf("POST: %d; want what any path without a route answers", post.status)
	}
}

func TestDocumentsAreInTheAccessLog(t *testing.T) {
	t.Parallel()
	d := start(t, withDocs)
	for path, want := range map[string]string{"/openapi.json": "200 OK", "/docs": "200 OK", "/openapi.json?service=a.B": "404 NOT_FOUND"} {
		id := "id-" + strings.Trim(strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			return '-'
		}, path), "-")
		if got := fetch(t, http.MethodGet, "http://"+d.address+path, "X-Request-Id", id); got.header.Get("X-Request-Id") != id {
			t.Errorf("%s: the answer has the id %q", path, got.header.Get("X-Request-Id"))
		}
		if r := d.access.await(t, id); r.Protocol != docs.Protocol || fmt.Sprintf("%d %s", r.Status, r.Code) != want {
			t.Errorf("%s: the log has %s %d %s; want %s", path, r.Protocol, r.Status, r.Code, want)
		}
	}
}

func TestDocsPage(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Docs = &docs.Config{Path: "/help/api", OpenAPI: "/spec", Info: openapi.Info{Title: `<b>"Acme"</b>`, Servers: []string{"https://api.acme.example/v1"}}}
	})
	api := "http://" + d.address
	page := fetch(t, http.MethodGet, api+"/help/api")
	for _, text := range []string{"&lt;b&gt;&#34;Acme&#34;&lt;/b&gt;", `src="api/swagger-ui-bundle.js"`, `data-document="../spec.json"`} {
		if !strings.Contains(string(page.body), text) {
			t.Errorf("the page does not have %s:\n%s", text, page.body)
		}
	}
	policy := page.header.Get("Content-Security-Policy")
	for _, text := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self' https://api.acme.example;", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, text) {
			t.Errorf("the policy of the page is %q; want %s", policy, text)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy of the page is %q; want nothing unsafe", policy)
	}
	for name, contentType := range map[string]string{
		"swagger-ui-bundle.js": "text/javascript; charset=utf-8", "swagger-ui.css": "text/css; charset=utf-8", "start.js": "text/javascript; charset=utf-8",
		"LICENSE": "text/plain; charset=utf-8", "NOTICE": "text/plain; charset=utf-8", "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
	} {
		plain, packed := fetch(t, http.MethodGet, api+"/help/api/"+name), fetch(t, http.MethodGet, api+"/help/api/"+name, "Accept-Encoding", "gzip")
		if plain.status != http.StatusOK || plain.header.Get("Content-Type") != contentType || len(plain.body) <= len(packed.body) && len(plain.body) > 1000 {
			t.Errorf("%s: %d %v, %d bytes and %d compressed", name, plain.status, plain.header, len(plain.body), len(packed.body))
		}
	}
	if got := fetch(t, http.MethodGet, api+"/docs"); got.status != http.StatusNotFound {
		t.Errorf("/docs: %d; the page is somewhere else", got.status)
	}
}

// TestDocsAreOffUnlessAsked: nothing of it is there where the configuration does not say so, and only at the listeners that it names.
func TestDocsAreOffUnlessAsked(t *testing.T) {
	t.Parallel()
	off := start(t, nil)
	some := start(t, func(c *config.Config) {
		c.Listeners = append(c.Listeners, transport.Config{Name: "internal", Address: "127.0.0.1:0"})
		c.Docs = &docs.Config{Listeners: []string{"internal"}}
	})
	internal := ""
	for _, l := range some.started.Listeners {
		if l.Name == "internal" {
			internal = l.Addr.String()
		}
	}
	for address, want := range map[string]int{off.address: http.StatusNotFound, some.address: http.StatusNotFound, internal: http.StatusOK} {
		for _, path := range []string{"/openapi.json", "/openapi.yaml", "/docs", "/docs/start.js"} {
			if got := fetch(t, http.MethodGet, "http://"+address+path); got.status != want {
				t.Errorf("%s%s: %d; want %d", address, path, got.status, want)
			}
		}
	}
}

// TestDocsShowWhatIsServed: what is hidden is not in a document, and nobody learns from the answer that it is there (threat H6).
func TestDocsShowWhatIsServed(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		withDocs(c)
		hide("dragoman.test.v1.PublicService")(c)
	})
	all := fetch(t, http.MethodGet, "http://"+d.address+"/openapi.json")
	if strings.Contains(string(all.body), "PublicService") {
		t.Error("the document has a hidden service")
	}
	hidden := fetch(t, http.MethodGet, "http://"+d.address+"/openapi.json?service=dragoman.test.v1.PublicService")
	nothing := fetch(t, http.MethodGet, "http://"+d.address+"/openapi.json?service=dragoman.test.v1.NobodyService")
	if a, b := strings.ReplaceAll(string(hidden.body), "Public", "Nobody"), string(nothing.body); hidden.status != nothing.status || a != b {
		t.Errorf("a hidden service is answered with %d %s, one that is not there with %d %s", hidden.status, a, nothing.status, b)
	}
}

// TestDocsFollowReloads: a route that is new is in the document at once, under another entity tag; what is refused changes nothing.
func TestDocsFollowReloads(t *testing.T) {
	t.Parallel()
	folder, files := newTree(t)
	before, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	d := start(t, func(c *config.Config) {
		withDocs(c)
		c.Schemas.Sources[0].Protos = &config.Protos{Dirs: []string{folder}, Watch: true}
	})
	url := "http://" + d.address + "/openapi.json"
	first := fetch(t, http.MethodGet, url)
	current := d.started.Load.Snapshot
	const marked = "package dragoman.test.v1;"
	files.write(t, strings.Replace(string(before), marked, marked+`
message DocsRequest {}
service DocsService {
  rpc Fresh(DocsRequest) returns (DocsRequest) {
    option (google.api.http) = {get: "/test/v1/fresh"};
  }
}
`, 1))
	if e := d.reloaded(t, current); e.Err != nil {
		t.Fatal(e.Err)
	}
	second := fetch(t, http.MethodGet, url, "If-None-Match", first.header.Get("Etag"))
	if second.status != http.StatusOK || second.header.Get("Etag") == first.header.Get("Etag") || pathsOf(t, second.body)["/test/v1/fresh"] == nil {
		t.Errorf("after a reload: %d, tag %s after %s", second.status, second.header.Get("Etag"), first.header.Get("Etag"))
	}
	if again := fetch(t, http.MethodGet, url, "If-None-Match", second.header.Get("Etag")); again.status != http.StatusNotModified {
		t.Errorf("without a reload: %d; want 304", again.status)
	}
}

// TestRoutesGoBeforeDocs: a route of the schemas at the place of the documentation keeps it, and a warning says so.
func TestRoutesGoBeforeDocs(t *testing.T) {
	t.Parallel()
	d := start(t, func(c *config.Config) {
		c.Docs = &docs.Config{Path: "/test/v1/users/me"}
	})
	warned := false
	for _, diagnostic := range d.started.Load.Diagnostics {
		warned = warned || diagnostic.Code == "DG2020" && strings.Contains(diagnostic.Message, "/test/v1/users/me is not served")
	}
	page := fetch(t, http.MethodGet, "http://"+d.address+"/test/v1/users/me")
	if strings.Contains(string(page.body), "swagger") || !warned {
		t.Errorf("warned is %t, and the answer is %d %.100s; want the route's", warned, page.status, page.body)
	}
	if got := fetch(t, http.MethodGet, "http://"+d.address+"/openapi.json"); got.status != http.StatusOK {
		t.Errorf("the document: %d; nothing takes its place", got.status)
	}
}
