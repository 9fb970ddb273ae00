// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/dragoman-gateway/dragoman/gateway"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/gateway/internal/testbackend"
	"github.com/dragoman-gateway/dragoman/gateway/reload"
	testv1 "github.com/dragoman-gateway/dragoman/gen/dragoman/test/v1"
	"github.com/dragoman-gateway/dragoman/proto"
)

// tree is the test service's .proto files in a folder that a test may change.
type tree struct{ canary string }

func newTree(t testing.TB) (folder string, _ *tree) {
	t.Helper()
	folder = t.TempDir()
	if err := os.CopyFS(folder, proto.Test); err != nil {
		t.Fatal(err)
	}
	return folder, &tree{canary: filepath.Join(folder, "dragoman", "test", "v1", "canary.proto")}
}

// write replaces the file of the canary, as editors do: at once.
func (tr *tree) write(t testing.TB, text string) {
	t.Helper()
	const mode fs.FileMode = 0o600
	aside := tr.canary + ".new"
	if err := os.WriteFile(aside, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, tr.canary); err != nil {
		t.Fatal(err)
	}
}

// reloaded waits for the next reload that changed something or was refused. The file system may tell of a change twice.
func (d *dragoman) reloaded(t testing.TB, current *gateway.Snapshot) reload.Event {
	t.Helper()
	for {
		select {
		case e := <-d.reloads:
			if e.Err != nil || e.Snapshot != current {
				return e
			}
		case <-within(t).Done():
			t.Fatal("no reload came")
		}
	}
}

// load is a client that calls without a pause and looks at each answer.
type load struct {
	calls  atomic.Int64
	stop   chan struct{}
	failed chan string
	all    sync.WaitGroup
}

func newLoad() *load { return &load{stop: make(chan struct{}), failed: make(chan string, 1)} }

// run calls until the load ends. call returns what is wrong with its answer, or "".
func (l *load) run(call func(n int) string) {
	l.all.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-l.stop:
				return
			default:
			}
			if wrong := call(n); wrong != "" {
				select {
				case l.failed <- wrong:
				default:
				}
				return
			}
			l.calls.Add(1)
		}
	})
}

// end stops the load and fails the test for the first answer that was wrong.
func (l *load) end(t testing.TB) {
	t.Helper()
	close(l.stop)
	l.all.Wait()
	select {
	case wrong := <-l.failed:
		t.Errorf("a call failed: %s", wrong)
	default:
	}
}

// TestFault20_ReloadsUnderLoad: fields and routes come and go, and files are broken in between, 50 times, under calls and
// streams that must not notice (T7, T8, T9).
func TestFault20_ReloadsUnderLoad(t *testing.T) {
	const reloads = 50
	folder, files := newTree(t)
	before, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	plain := string(before)
	more := strings.Replace(plain, "  string text = 4;", "  string text = 4;\n  string extra = 40;", 1)
	more = strings.Replace(more, `additional_bindings: {get: "/canary/v1/echo"}`, `additional_bindings: {get: "/canary/v1/echo"} additional_bindings: {get: "/canary/v1/extra/{extra}"}`, 1)
	broken := strings.Replace(plain, "service EchoService {", "service EchoService", 1)
	if more == plain || strings.Count(more, "extra") != 3 || broken == plain {
		t.Fatal("the file of the canary is not as this test knows it")
	}

	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	d := startFor(t, b.Address(), func(c *config.Config) {
		c.Schemas.Sources[0].Protos = &config.Protos{Dirs: []string{folder}, Watch: true}
	})
	var snapshots []weak.Pointer[gateway.Snapshot]
	current := d.started.Load.Snapshot
	step := func(text string, fails bool, added, removed string) {
		t.Helper()
		files.write(t, text)
		e := d.reloaded(t, current)
		current = e.Snapshot
		if (e.Err != nil) != fails {
			t.Fatalf("reload: %v; want a failure: %t", e.Err, fails)
		}
		if got := strings.Join(e.Added, ", "); got != added {
			t.Errorf("added %q, want %q", got, added)
		}
		if got := strings.Join(e.Removed, ", "); got != removed {
			t.Errorf("removed %q, want %q", got, removed)
		}
		if !fails {
			snapshots = append(snapshots, weak.Make(e.Snapshot))
		}
	}
	const route = "GET /canary/v1/extra/{extra}"
	step(more, false, route, "")
	step(plain, false, "", route)

	// Streams that live on the snapshot that is in force now.
	conn := d.dial(t)
	long, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	talk, err := testv1.NewEchoServiceClient(conn).Converse(long)
	if err != nil {
		t.Fatal(err)
	}
	converse := func(n int) {
		t.Helper()
		if err := talk.Send(&testv1.CanaryRequest{Id: fmt.Sprint(n)}); err != nil {
			t.Fatalf("the stream from before: %v", err)
		}
		if m, err := talk.Recv(); err != nil || !strings.Contains(m.GetSeen().GetRequestJson(), fmt.Sprintf(`"id":"%d"`, n)) {
			t.Fatalf("the stream from before: %v, %v", m, err)
		}
	}
	converse(0)
	watching, unwatch := context.WithCancel(long)
	defer unwatch()
	watched := watch(watching, t, d.h2(t))

	ctx := context.WithoutCancel(t.Context())
	l := newLoad()
	for i, c := range append(d.both(t), d.h1(t)) {
		l.run(func(n int) string {
			id := fmt.Sprintf("%d.%d", i, n)
			a, err := c.get(ctx, "/canary/v1/echo?text="+id)
			if err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"requestJson":"{\"text\":\"`+id+`\"}"`) {
				return fmt.Sprintf("%s: %v, %+v", c.name, err, a)
			}
			// What comes and goes is there as a whole or not at all.
			a, err = c.get(ctx, "/canary/v1/extra/x")
			if err != nil || a.status != http.StatusOK && a.status != http.StatusNotFound {
				return fmt.Sprintf("%s: the route that comes and goes: %v, %+v", c.name, err, a)
			}
			a, err = c.get(ctx, "/canary/v1/echo?extra=x")
			if err != nil || a.status != http.StatusOK && a.status != http.StatusBadRequest {
				return fmt.Sprintf("%s: the field that comes and goes: %v, %+v", c.name, err, a)
			}
			return ""
		})
	}
	client := testv1.NewEchoServiceClient(conn)
	l.run(func(n int) string {
		m, err := client.Echo(ctx, &testv1.CanaryRequest{Text: fmt.Sprint(n)})
		if err != nil || !strings.Contains(m.GetSeen().GetRequestJson(), fmt.Sprintf(`"text":"%d"`, n)) {
			return fmt.Sprintf("gRPC: %v, %v", m, err)
		}
		return ""
	})

	for n := 0; n < reloads; {
		for _, s := range []struct {
			text           string
			fails          bool
			added, removed string
		}{{more, false, route, ""}, {broken, true, "", ""}, {plain, false, "", route}} {
			step(s.text, s.fails, s.added, s.removed)
			n++
			converse(n)
		}
	}
	l.end(t)
	if l.calls.Load() < reloads {
		t.Errorf("%d calls were made: that is no load", l.calls.Load())
	}
	t.Logf("%d rounds of calls during %d reloads", l.calls.Load(), reloads)

	// The snapshot of the streams is there as long as they are (T9). The first and the last are held by the process.
	runtime.GC()
	if snapshots[1].Value() == nil {
		t.Error("the snapshot of a stream that is open was released")
	}
	if err := talk.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := talk.Recv(); err == nil {
		t.Error("the stream does not end")
	}
	unwatch()
	if n := <-watched; n < 10 {
		t.Errorf("the REST stream from before had %d records", n)
	}
	eventually(t, func() error {
		runtime.GC()
		alive := 0
		for _, s := range snapshots[:len(snapshots)-1] {
			if s.Value() != nil {
				alive++
			}
		}
		if alive > 0 {
			return fmt.Errorf("%d of %d old snapshots are not released", alive, len(snapshots)-1)
		}
		return nil
	})
}

// watch reads a stream over REST until ctx ends, and gives the number of its records; it fails the test if one is missing.
func watch(ctx context.Context, t testing.TB, c *client) <-chan int {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/canary/v1/stream", strings.NewReader(`{"behavior":{"messages":100000,"sleep":"0.02s"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response := <-c.open(t, r) //nolint:bodyclose // it is closed when the test ends
	if response == nil {
		t.FailNow()
	}
	count := make(chan int, 1)
	go func() {
		n := 0
		for line := range linesOf(response.Body) {
			n++
			if !strings.Contains(line, fmt.Sprintf(`"sequence":%d,`, n)) {
				t.Errorf("record %d of the REST stream: %s", n, line)
				break
			}
		}
		if ctx.Err() == nil {
			t.Error("the REST stream ended by itself")
		}
		count <- n
	}()
	return count
}

// TestT2_T7_BrokenReload: what is broken is told, and what was good is served on (fault 21).
func TestT2_T7_BrokenReload(t *testing.T) {
	t.Parallel()
	folder, files := newTree(t)
	good, err := os.ReadFile(files.canary)
	if err != nil {
		t.Fatal(err)
	}
	b := testbackend.Run(t, testbackend.Config{Name: "b1"})
	d := startFor(t, b.Address(), func(c *config.Config) {
		c.Schemas.Sources[0].Protos = &config.Protos{Dirs: []string{folder}, Watch: true}
	})
	c := d.h1(t)
	for name, text := range map[string]string{
		"T2 missing import":   strings.Replace(string(good), "dragoman/test/v1/seen.proto", "dragoman/test/v1/sight.proto", 1),
		"T14 no such field":   strings.Replace(string(good), "/canary/v1/admin/{id}\"", "/canary/v1/admin/{nope}\"", 1),
		"A12 T16 same route":  strings.Replace(string(good), `get: "/canary/v1/public"`, `delete: "/canary/v1/admin/{text}"`, 1),
		"half of it":          string(good[:len(good)/2]),
		"nothing":             "x",
		"no UTF-8":            string(good) + "\xff",
		"T12 syntax of rules": strings.Replace(string(good), "/canary/v1/slow\"\n", "/canary/v1/{slow\"\n", 1),
	} {
		if text == string(good) {
			t.Fatalf("%s: the file is not as this test knows it", name)
		}
		files.write(t, text)
		e := d.reloaded(t, d.started.Load.Snapshot)
		if e.Err == nil {
			t.Errorf("%s: the reload took effect", name)
		} else if !strings.Contains(e.Err.Error(), "canary.proto") {
			t.Errorf("%s: the error does not name the file: %v", name, e.Err)
		}
		if a := c.call(t, "GET", "/canary/v1/echo", ""); a.status != 200 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	files.write(t, string(good))
	eventually(t, func() error {
		select {
		case e := <-d.reloads:
			return e.Err
		default:
			return errors.New("no reload came")
		}
	})
}
