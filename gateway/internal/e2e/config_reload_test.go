// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/internal/faults"
	"github.com/dragoman-gateway/dragoman/transcoder/schema"
)

// fileConfig is the file of these tests. {backends} and {more} are replaced.
const fileConfig = `version: v1
listeners: [{name: main, address: "127.0.0.1:0"}]
schemas: {sources: [{name: protos, protos: {dir: {protos}/dragoman/test, import_paths: [{protos}], watch: false}}]}
backends: {b1: {target: "{b1}"}, b2: {target: "{b2}"}}
services:
  - match: "**"
    backend: {to}
    policy: {timeout: {timeout}, stream_idle_timeout: 1m}
admin: {address: "127.0.0.1:0"}
shutdown: {drain: 20s}
{more}
`

// fileGateway is a gateway of a file that the test changes.
type fileGateway struct {
	*dragoman

	t      testing.TB
	file   string
	places *strings.Replacer // of what the test made
	text   string            // the file with its places filled in, but for {to}, {timeout} and {more}
}

// startFile runs two test backends and a gateway of a file.
func startFile(t testing.TB) *fileGateway {
	t.Helper()
	folder, err := filepath.Abs(protoFolder)
	if err != nil {
		t.Fatal(err)
	}
	g := &fileGateway{t: t, file: filepath.Join(t.TempDir(), "dragoman.yaml")}
	one, two := testbackend.Run(t, testbackend.Config{Name: "b1"}), testbackend.Run(t, testbackend.Config{Name: "b2"})
	g.places = strings.NewReplacer("{protos}", folder, "{b1}", one.Address(), "{b2}", two.Address())
	g.text = g.places.Replace(fileConfig)
	g.write(g.with("b1", "15s", ""))
	read := func() (*config.Config, error) { return config.Load(g.file, config.Options{}) }
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	g.dragoman = startRead(t, cfg, read)
	return g
}

// with returns the file with its calls going to a backend within a time.
func (g *fileGateway) with(to, timeout, more string) string {
	return strings.NewReplacer("{to}", to, "{timeout}", timeout, "{more}", more).Replace(g.text)
}

// write replaces the file at once, as editors do.
func (g *fileGateway) write(text string) {
	g.t.Helper()
	aside := g.file + ".new"
	if err := os.WriteFile(aside, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(aside, g.file); err != nil {
		g.t.Fatal(err)
	}
}

// next waits for the next reload.
func (g *fileGateway) next() reload.Event {
	g.t.Helper()
	select {
	case e := <-g.reloads:
		return e
	case <-within(g.t).Done():
		g.t.Fatal("no reload came")
		return reload.Event{}
	}
}

// served tells which backend a call reaches.
func served(ctx context.Context, c *client) (string, error) {
	a, err := c.get(ctx, "/canary/v1/echo?text=x")
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", fmt.Errorf("%d %s", a.status, a.body)
	}
	_, name, _ := strings.Cut(a.body, `"backend":"`)
	name, _, _ = strings.Cut(name, `"`)
	return name, nil
}

// TestConfigurationReloads: a change of the file is in force by itself, and told with the settings and routes that changed.
func TestConfigurationReloads(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	c := g.h1(t)
	if name, err := served(t.Context(), c); name != "b1" || err != nil {
		t.Fatalf("calls go to %q, %v; want b1", name, err)
	}
	g.write(g.with("b2", "7s", "routes: {reject_dot_segments: true}"))
	e := g.next()
	if e.Err != nil || !e.Applied || e.Trigger != reload.ConfigFile {
		t.Fatalf("the reload: %+v", e)
	}
	var told []string
	for _, change := range e.Changes {
		told = append(told, change.String())
	}
	want := []string{"services[0].backend: b1 → b2", "services[0].policy.timeout: 15s → 7s", "routes.reject_dot_segments: (not set) → true"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q; want %q", told, want)
	}
	if len(e.Added)+len(e.Removed) > 0 || len(e.Changed) == 0 || len(e.Sources) > 0 {
		t.Errorf("added %v, removed %v, %d changed, loaded %v; want all routes to lead elsewhere, and no source to be loaded", e.Added, e.Removed, len(e.Changed), e.Sources)
	}
	if name, err := served(t.Context(), c); name != "b2" || err != nil {
		t.Errorf("calls go to %q, %v; want b2", name, err)
	}
	// What waits for a restart is told, and the rest is in force.
	g.write(strings.Replace(g.with("b1", "7s", ""), `name: main, address: "127.0.0.1:0"`, `name: main, address: "127.0.0.1:1"`, 1))
	e = g.next()
	restart := slices.DeleteFunc(slices.Clone(e.Changes), func(c config.Change) bool { return c.Effect != config.NeedsRestart })
	if e.Err != nil || len(restart) != 1 || restart[0].Path != "listeners[0].address" {
		t.Errorf("the reload: %v, needs a restart: %v; want the address of the listener", e.Err, restart)
	}
	if name, err := served(t.Context(), c); name != "b1" || err != nil {
		t.Errorf("calls go to %q, %v; want b1", name, err)
	}
}

// TestFault21_BadConfigurationsAreRefused: whatever is wrong with the file, the old one serves, and all that is wrong is told.
func TestFault21_BadConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	c := g.h1(t)
	good := g.with("b1", "15s", "")
	for _, row := range []struct {
		name, text string
		want       []string // parts of what is told
	}{
		{"nothing", "", []string{"version", "schemas", "services"}},
		{"no YAML", "version: [", nil},
		{"half of it", good[:len(good)/2], nil},
		{"the end of a line is gone", strings.TrimRight(good, "\n"), []string{"may be cut short"}},
		{"an unknown key", good + "surprise: 1\n", []string{"surprise: is not known"}},
		{"two mistakes", g.with("b3", "15", ""), []string{"names backend \"b3\"", "must be a duration"}},
		{"a certificate that is not there", strings.Replace(good, "name: main,", "name: main, tls: {cert: no.crt, key: no.key},", 1), []string{"no.crt"}},
		{"protos that are not there", strings.Replace(good, "dir: ", "dir: /nowhere", 1), []string{"/nowhere"}},
		{"a rule for no method", strings.Replace(good, "    backend: b1", "    backend: b1\n    methods: [{name: GetUser, http: [{get: \"/x\"}]}]", 1), nil},
		{"a limit that fits no method", g.with("b1", "15s", "rate_limits: {rules: [{name: l, match: \"**\", key: request.nowhere, limit: 1/s}]}"), []string{"rate_limits.rules[0].key"}},
		{"the admin listener everywhere", strings.Replace(good, "admin: {address: \"127.0.0.1:0\"}", "admin: {address: \"0.0.0.0:0\"}", 1), []string{"admin.address", "token"}},
	} {
		g.write(row.text)
		e := g.next()
		if e.Err == nil {
			t.Errorf("%s: it took effect", row.name)
			continue
		}
		text := e.Err.Error()
		_, schemas := errors.AsType[*schema.LoadError](e.Err)
		_, configs := errors.AsType[*config.Problems](e.Err)
		if !schemas && !configs {
			t.Errorf("%s: the error is a %T: %v", row.name, e.Err, e.Err)
		}
		for _, part := range row.want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: told %q; want %q in it", row.name, text, part)
			}
		}
		if name, err := served(t.Context(), c); name != "b1" || err != nil {
			t.Errorf("%s: calls go to %q, %v; want b1", row.name, name, err)
		}
	}
	g.write(g.with("b2", "15s", ""))
	if e := g.next(); e.Err != nil || !e.Applied {
		t.Errorf("a good one after all: %+v", e)
	}
	if name, err := served(t.Context(), c); name != "b2" || err != nil {
		t.Errorf("calls go to %q, %v; want b2", name, err)
	}
}

// A configuration that is right only with the schema that comes a moment later is put in force by that.
func TestConfigurationThatWaitsForItsSchema(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	proto := func(methods string) string {
		return "syntax = \"proto3\";\npackage a.v1;\nimport \"google/protobuf/empty.proto\";\nservice S {\n" + methods + "}\n"
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "a.proto"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const get = "  rpc Get(google.protobuf.Empty) returns (google.protobuf.Empty);\n"
	write(proto(get))
	file := filepath.Join(t.TempDir(), "dragoman.yaml")
	text := func(methods string) string {
		return fmt.Sprintf(`version: v1
listeners: [{name: main, address: "127.0.0.1:0"}]
schemas: {sources: [{name: protos, protos: {dir: %q, watch: true}}]}
backends: {b: {target: "127.0.0.1:1"}}
services: [{match: a.v1.S, backend: b, methods: [%s]}]
admin: {address: "127.0.0.1:0"}
`, folder, methods)
	}
	g := &fileGateway{t: t, file: file}
	g.write(text(`{name: Get, http: [{get: "/get"}]}`))
	read := func() (*config.Config, error) { return config.Load(file, config.Options{}) }
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	g.dragoman = startRead(t, cfg, read)
	g.write(text(`{name: Get, http: [{get: "/get"}]}, {name: Put, http: [{put: "/put"}]}`))
	if e := g.next(); e.Err == nil {
		t.Fatal("a rule for a method that is not there took effect")
	}
	write(proto(get + "  rpc Put(google.protobuf.Empty) returns (google.protobuf.Empty);\n"))
	for {
		e := g.next()
		if e.Err == nil && slices.Contains(e.Added, "PUT /put") {
			break
		}
	}
}

// TestFault22_ReloadStorm: hangups without number are few reloads, and calls do not notice.
func TestFault22_ReloadStorm(t *testing.T) {
	t.Parallel()
	g := startFile(t)
	l := newLoad()
	c := g.h1(t)
	ctx := context.WithoutCancel(t.Context())
	l.run(func(int) string {
		if name, err := served(ctx, c); name != "b1" || err != nil {
			return fmt.Sprintf("calls go to %q, %v", name, err)
		}
		return ""
	})
	const signals = 500
	for range signals {
		g.started.Reload()
	}
	e := g.next()
	if e.Trigger != reload.Signal || e.Err != nil {
		t.Errorf("the reload: %+v", e)
	}
	reloads := 1
	for quiet := false; !quiet; {
		timer := time.NewTimer(time.Second)
		select {
		case <-g.reloads:
			reloads++
		case <-timer.C:
			quiet = true
		}
		timer.Stop()
	}
	l.end(t)
	if reloads > 10 {
		t.Errorf("%d signals at once were %d reloads", signals, reloads)
	}
	t.Logf("%d signals were %d reloads, during %d calls", signals, reloads, l.calls.Load())
}

// TestFault20_ConfigurationReloadsUnderLoad: the configuration changes again and again under calls, streams and WebSockets, which must not
// notice; half of the files are wrong. With DRAGOMAN_FAULTS it is a hundred times, and the times are held.
func TestFault20_ConfigurationReloadsUnderLoad(t *testing.T) {
	reloads := 20
	if faults.Held() {
		reloads = 100
	}
	g := startFile(t)
	long, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	conn := g.dial(t)
	stream, err := testv1.NewEchoServiceClient(conn).Converse(long)
	if err != nil {
		t.Fatal(err)
	}
	socket := g.connect(t, "/canary/v1/converse", nil)
	converse := func(n int) {
		t.Helper()
		if err := stream.Send(&testv1.CanaryRequest{Id: fmt.Sprint(n)}); err != nil {
			t.Fatalf("the stream from before: %v", err)
		}
		if m, err := stream.Recv(); err != nil || m.GetSeen().GetBackend() != "b1" {
			t.Fatalf("the stream from before: %v, %v", m, err)
		}
		socket.send(fmt.Sprintf(`{"id":"%d"}`, n))
		if text := socket.next(ws.MessageText); !strings.Contains(text, `"backend":"b1"`) {
			t.Fatalf("the socket from before: %s", text)
		}
	}
	converse(0)

	var (
		mu    sync.Mutex
		times []time.Duration
	)
	measure := func(call func(n int) string) func(n int) string {
		return func(n int) string {
			began := time.Now()
			wrong := call(n)
			mu.Lock()
			times = append(times, time.Since(began))
			mu.Unlock()
			return wrong
		}
	}
	ctx := context.WithoutCancel(t.Context())
	l := newLoad()
	for _, c := range []*client{g.h1(t), g.h2(t)} {
		l.run(measure(func(int) string {
			if name, err := served(ctx, c); err != nil || name != "b1" && name != "b2" {
				return fmt.Sprintf("%s: %q, %v", c.name, name, err)
			}
			return ""
		}))
	}
	client := testv1.NewEchoServiceClient(conn)
	l.run(measure(func(n int) string {
		if m, err := client.Echo(ctx, &testv1.CanaryRequest{Text: fmt.Sprint(n)}); err != nil {
			return fmt.Sprintf("gRPC: %v, %v", m, err)
		}
		return ""
	}))
	quiet := p99Of(t, l, &mu, &times)
	for n := range reloads {
		to := []string{"b2", "b1"}[n%2]
		if n%4 == 2 {
			g.write(g.with("b3", "15s", ""))
			if e := g.next(); e.Err == nil {
				t.Fatal("a file with a mistake took effect")
			}
		}
		g.write(g.with(to, fmt.Sprintf("%ds", 10+n), "rate_limits: {rules: [{name: l, match: \"**\", key: client.address, limit: 1000000/s}]}"))
		began := time.Now()
		e := g.next()
		if e.Err != nil || !e.Applied {
			t.Fatalf("reload %d: applied %t, %v", n, e.Applied, e.Err)
		}
		if took := time.Since(began); faults.Held() && took > time.Second {
			t.Errorf("reload %d was in force after %s; it may take a second", n, took)
		}
		converse(n + 1)
	}
	busy := p99Of(t, nil, &mu, &times)
	l.end(t)
	t.Logf("%d calls during %d reloads; p99 %s, quiet %s", l.calls.Load(), reloads, busy, quiet)
	if faults.Held() && busy > quiet*3/2 && busy > quiet+20*time.Millisecond {
		t.Errorf("p99 is %s, and was %s", busy, quiet)
	}
	if l.calls.Load() < int64(reloads) {
		t.Errorf("%d calls were made: that is no load", l.calls.Load())
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
}

// p99Of returns the p99 of the calls since it was last asked for; with a load, of its first calls.
func p99Of(t testing.TB, l *load, mu *sync.Mutex, times *[]time.Duration) time.Duration {
	t.Helper()
	if l != nil {
		const enough = 2000
		eventually(t, func() error {
			if n := l.calls.Load(); n < enough {
				return fmt.Errorf("%d calls", n)
			}
			return nil
		})
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(*times)
	p99 := (*times)[len(*times)*99/100]
	*times = nil
	return p99
}
