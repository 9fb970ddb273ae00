// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
)

// reloadedConfig is what serves in the tests of broken reloads. {timeout} is another one each time, so that what is taken can be told.
const reloadedConfig = `version: v1
listeners:
  - {name: main, address: "127.0.0.1:0"}
  - {name: secure, address: "127.0.0.1:0", tls: {cert: tls/server.crt, key: tls/server.key}}
schemas:
  breaking_changes: reject
  sources:
    - {name: books, protos: {dir: proto}}
    - {name: more, descriptor_set: {path: more.binpb}}
backends: {books: {target: "${BOOKS}"}}
services: [{match: "**", backend: books, policy: {timeout: {timeout}}}]
admin: {address: "127.0.0.1:0"}
observability: {access_log: {output: "off"}}
auth:
  providers:
    partner: {api_key: {keys_file: keys.yaml}}
authorization:
  default: allow
  rules: [{match: bookstore.v1.BookstoreService/ListShelves, allow: "client.address != '10.0.0.1'"}]
`

// breakage breaks one thing. Before it everything is as it was.
type breakage struct {
	name  string
	file  string                   // the file that it is in
	edit  func(text string) string // of what the file says
	do    func(path string) error  // or what becomes of the file
	place string                   // how what is told of it begins, as a pattern: the file with its line, where it has lines
	// running says that only a gateway that runs can tell, since it is nothing but a change; of those the method is told.
	running bool
}

// from replaces a text once.
func from(old, text string) func(string) string {
	return func(s string) string {
		if strings.Count(s, old) == 0 {
			panic("the file does not have " + old)
		}
		return strings.Replace(s, old, text, 1)
	}
}

func becomes(text string) func(string) string { return func(string) string { return text } }

func behind(text string) func(string) string { return func(s string) string { return s + text } }

const (
	inConfig = `dragoman\.yaml:\d+:\d+`
	inBooks  = `bookstore\.proto:\d+:\d+`
	inSet    = `more\.binpb`
)

// breakages are the kinds of Fault 21: of the configuration, of what it names, of protos and of descriptor sets.
func breakages() []breakage {
	const conf, books, set = "dragoman.yaml", bookstoreFile, "more.binpb"
	lists := `option (google.api.http) = {get: "/v1/shelves"};`
	return []breakage{
		{name: "an empty file", file: conf, edit: becomes(""), place: inConfig},
		{name: "no YAML", file: conf, edit: behind("a: [\n"), place: inConfig},
		{name: "a tab", file: conf, edit: from("  sources:", "\tsources:"), place: inConfig},
		{name: "no UTF-8", file: conf, edit: behind("# \xff\n"), place: inConfig},
		{name: "half of it, in a line", file: conf, edit: func(s string) string { return s[:len(s)/2] }, place: inConfig},
		{name: "its last line does not end", file: conf, edit: func(s string) string { return strings.TrimSuffix(s, "\n") }, place: inConfig},
		{name: "two documents", file: conf, edit: behind("---\nversion: v1\n"), place: inConfig},
		{name: "a key that stands twice", file: conf, edit: behind("version: v1\n"), place: inConfig},
		{name: "a key that is not known", file: conf, edit: behind("surprise: 1\n"), place: inConfig},
		{name: "a list where a text belongs", file: conf, edit: from("name: main", "name: [main]"), place: inConfig},
		{name: "a choice that is none", file: conf, edit: from("breaking_changes: reject", "breaking_changes: maybe"), place: inConfig},
		{name: "a duration without a unit", file: conf, edit: from("{timeout: ", "{max_timeout: 7, timeout: "), place: inConfig},
		{name: "a variable that is not set", file: conf, edit: from("name: main", "name: ${DRAGOMAN_TEST_UNSET}"), place: inConfig},
		{name: "a backend that is not there", file: conf, edit: from("backend: books", "backend: boots"), place: inConfig},
		{name: "a provider that is not there", file: conf, edit: from("policy: {", "policy: {auth: [nobody], "), place: inConfig},
		{name: "two listeners of one name", file: conf, edit: from("name: secure", "name: main"), place: inConfig},
		{name: "a listener that is no address", file: conf, edit: from(`name: main, address: "127.0.0.1:0"`, `name: main, address: "127.0.0.1"`), place: inConfig},
		{name: "the admin API for everybody", file: conf, edit: from(`admin: {address: "127.0.0.1:0"}`, `admin: {address: "0.0.0.0:0"}`), place: inConfig},
		{name: "CEL that is none", file: conf, edit: from("client.address !=", "client.address !"), place: inConfig},
		{name: "CEL of a field that no message has", file: conf, edit: from("client.address != '10.0.0.1'", "request.nowhere == 1"), place: inConfig},
		{name: "a rule for no method", file: conf, edit: from("policy: {", "methods: [{name: Nowhere, http: [{get: /x}]}], policy: {"), place: inConfig},
		{name: "a certificate that is not there", file: conf, edit: from("tls/server.crt", "tls/none.crt"), place: inConfig},
		{name: "a certificate without its key", file: conf, edit: from(", key: tls/server.key", ""), place: inConfig},
		{name: "protos that are not there", file: conf, edit: from("dir: proto", "dir: protos"), place: "protos"},
		{name: "too large", file: conf, edit: behind(strings.Repeat("# much more\n", 1<<17)), place: `dragoman\.yaml`},
		{name: "no file", file: conf, do: os.Remove, place: `dragoman\.yaml`},
		{name: "a folder in its place", file: conf, do: func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		}, place: `dragoman\.yaml`},
		{name: "a link to itself", file: conf, do: func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(path, path)
		}, place: `dragoman\.yaml`},
		{name: "a key that is not the certificate's", file: "tls/server.key", do: otherKey, place: inConfig},
		{name: "a certificate that is none", file: "tls/server.crt", edit: becomes("-----BEGIN"), place: inConfig},

		{name: "a syntax error in a proto", file: books, edit: from("service BookstoreService {", "service BookstoreService"), place: inBooks},
		{name: "half of a proto", file: books, edit: func(s string) string { return s[:len(s)/2] }, place: inBooks},
		{name: "an empty proto, whose service is gone", file: books, edit: becomes(""), place: `bookstore\.v1\.BookstoreService`, running: true},
		{name: "a proto that is no UTF-8", file: books, edit: behind("// \xff\n"), place: inBooks},
		{name: "an import that is not there", file: books, edit: from(`import "google/api/annotations.proto";`, `import "google/api/annotation.proto";`), place: inBooks},
		{name: "a cycle of imports", file: books, edit: from("import ", "import \"bookstore/v1/bookstore.proto\";\nimport "), place: inBooks},
		{name: "a message that stands twice", file: books, edit: behind("message ListShelvesRequest {}\n"), place: inBooks},
		{name: "a type that is not there", file: books, edit: from("rpc ListShelves(ListShelvesRequest)", "rpc ListShelves(ListShelfRequest)"), place: inBooks},
		{name: "a rule that is none", file: books, edit: from(lists, `option (google.api.http) = {get: "/v1/{"};`), place: inBooks},
		{name: "a rule with a field that is not there", file: books, edit: from(lists, `option (google.api.http) = {get: "/v1/{rack}"};`), place: inBooks},
		{name: "two methods of one route", file: books, edit: from(lists, `option (google.api.http) = {get: "/v1/{name=shelves/*}"};`), place: inBooks},
		{name: "a change that breaks clients", file: books, edit: from("rpc ListShelves(", "rpc ListAllShelves("), place: `ListShelves`, running: true},

		{name: "a descriptor set that was cut", file: set, edit: func(s string) string { return s[:len(s)-3] }, place: inSet},
		{name: "a descriptor set that is none", file: set, edit: becomes("garbage"), place: inSet},
		{name: "a descriptor set without what it imports", file: set, edit: becomes(string(setOf("missing.proto", "more.v1"))), place: `more\.proto`},
		{name: "a descriptor set that has what protos have", file: set, edit: becomes(string(setOf("", "bookstore.v1"))), place: inSet},
		{name: "no descriptor set", file: set, do: os.Remove, place: inSet},
	}
}

// setOf is a set of one file, which may import another one, with a service in a package that has the name of one of the bookstore's.
func setOf(imports, pkg string) []byte {
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("more.proto"), Package: proto.String(pkg), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Nothing")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("BookstoreService"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Do"), InputType: proto.String("." + pkg + ".Nothing"), OutputType: proto.String("." + pkg + ".Nothing"),
		}}}},
	}
	if imports != "" {
		file.Dependency = []string{imports}
	}
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
	if err != nil {
		panic(err)
	}
	return set
}

// otherKey puts a key in the place of one that is another certificate's.
func otherKey(path string) error {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "..", "other", "tls", "server.key"))
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// execution is what a command line has written, and its exit code.
func execution(t *testing.T, args ...string) (string, int) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	code := execute(t.Context(), args, out, out)
	return readFile(t, out.Name()), code
}

// calls are made, one after the other, until they are ended; all must go well.
type calls struct {
	made   atomic.Int64
	failed chan string
	stop   context.CancelFunc
	all    sync.WaitGroup
}

func (c *calls) run(ctx context.Context, call func() string) {
	c.all.Go(func() {
		const each = 5 * time.Millisecond // a few hundred in a second, so that other tests go on beside
		ticker := time.NewTicker(each)
		defer ticker.Stop()
		for ctx.Err() == nil {
			<-ticker.C
			if wrong := call(); wrong != "" && ctx.Err() == nil {
				select {
				case c.failed <- wrong:
				default:
				}
				return
			}
			c.made.Add(1)
		}
	})
}

// startCalls calls a gateway over REST and gRPC.
func startCalls(t *testing.T, address string) *calls {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &calls{failed: make(chan string, 1), stop: cancel}
	h := client(t)
	url := request(t, "http://"+address+"/v1/shelves")
	c.run(ctx, func() string {
		if code, body := answer(h, url.Clone(ctx)); code != 200 || !strings.Contains(body, "shelves/classics") {
			return fmt.Sprintf("REST: %d %s", code, body)
		}
		return ""
	})
	books := bookstorev1.NewBookstoreServiceClient(dial(t, address))
	c.run(ctx, func() string {
		if _, err := books.ListShelves(ctx, &bookstorev1.ListShelvesRequest{}); err != nil {
			return "gRPC: " + err.Error()
		}
		return ""
	})
	return c
}

// end stops them and fails the test for the first that failed.
func (c *calls) end(t *testing.T) {
	t.Helper()
	c.stop()
	c.all.Wait()
	select {
	case wrong := <-c.failed:
		t.Errorf("a call failed: %s", wrong)
	default:
	}
}

// refusals are how many reloads and loads of schemas the gateway counts as refused.
func refusals(t *testing.T, admin string) (n float64) {
	t.Helper()
	_, page := get(t, "http://"+admin+"/metrics")
	for _, line := range regexp.MustCompile(`(?m)^dragoman_(?:config_reloads|schema_loads)_total\{.*result="refused".*\} (\S+)$`).FindAllStringSubmatch(page, -1) {
		value, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		n += value
	}
	return n
}

// TestFault21BrokenReloads: whatever is broken, it is refused with its place, by the reload, in the log, in the metrics, and by check; what served before serves on without a
// failed call; and the next good configuration is taken.
func TestFault21BrokenReloads(t *testing.T) {
	t.Parallel()
	dir := bookstoreProtos(t)
	backend := startBackend(t)
	good := func(n int) string {
		return strings.NewReplacer("${BOOKS}", backend, "{timeout}", fmt.Sprintf("%ds", 10+n)).Replace(reloadedConfig)
	}
	write(t, dir, "dragoman.yaml", good(0))
	write(t, dir, "more.binpb", string(setOf("", "more.v1")))
	write(t, dir, "keys.yaml", "keys: []\n")
	writeCertificate(t, dir, 1)
	writeCertificate(t, filepath.Join(dir, "other"), 2)
	p := start(t, dir, "run", "-c", "dragoman.yaml")
	s := p.serving()
	load := startCalls(t, s.Listeners["main"])
	config := filepath.Join(dir, "dragoman.yaml")

	kinds := breakages()
	if len(kinds) < 30 {
		t.Fatalf("there are %d kinds", len(kinds))
	}
	for n, kind := range kinds {
		path := filepath.Join(dir, filepath.FromSlash(kind.file))
		whole := readFile(t, path)
		before, logged := refusals(t, s.Admin), len(p.err.String())
		if kind.do != nil {
			if err := kind.do(path); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, dir, kind.file, kind.edit(whole))
		}
		report, code := execution(t, "reload", "--admin", s.Admin)
		place := regexp.MustCompile(kind.place)
		if code != exitInvalid || !place.MatchString(report) {
			t.Errorf("%s: reload exits with %d and says, without %s:\n%s", kind.name, code, kind.place, report)
		}
		if told, code := execution(t, "check", "-c", config); !kind.running && (code == exitDone || !place.MatchString(told)) {
			t.Errorf("%s: check exits with %d and says, without %s:\n%s", kind.name, code, kind.place, told)
		}
		line := regexp.MustCompile(`(?m)^\{.*"level":"ERROR".*(?:` + kind.place + `).*\}$`)
		eventually(t, patience, func() string {
			if text := p.err.String()[logged:]; !line.MatchString(text) || !strings.Contains(text, "the reload was refused; what was loaded before is still served") {
				return fmt.Sprintf("%s: the log says, without %s:\n%s", kind.name, line, text)
			}
			return ""
		})
		if got := refusals(t, s.Admin); got <= before {
			t.Errorf("%s: no metric counts it: %v after %v", kind.name, got, before)
		}
		wantAnswer(t, "http://"+s.Listeners["main"]+"/v1/shelves", 200, "shelves/classics")

		// What was broken is mended, and a setting changed.
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		write(t, dir, kind.file, whole)
		write(t, dir, "dragoman.yaml", good(n+1))
		if report, code := execution(t, "reload", "--admin", s.Admin); code != exitDone {
			t.Fatalf("%s: the next good one is refused:\n%s", kind.name, report)
		}
		p.says(p.err, fmt.Sprintf(`"msg":"a setting changed","setting":"services\[0\]\.policy\.timeout",.*"after":"%ds"`, 10+n+1))
	}
	load.end(t)
	if load.made.Load() < int64(len(kinds)) {
		t.Errorf("%d calls were made: that is no load", load.made.Load())
	}
	t.Logf("%d kinds, %d calls", len(kinds), load.made.Load())
	p.signal(os.Interrupt)
	p.exits(exitDone)
}
