// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"google.golang.org/grpc"

	bookstorev1 "github.com/dragoman-gateway/dragoman/gen/bookstore/v1"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// hotConfig serves the bookstore with one route more, which is another one each time, and a descriptor set that is.
const hotConfig = `version: v1
listeners: [{name: main, address: "127.0.0.1:0"}]
schemas: {sources: [{name: books, protos: {dir: proto}}, {name: more, descriptor_set: {path: more.binpb}}]}
backends: {books: {target: "${BOOKS}", limits: {max_in_flight: 4000, max_per_client: 4000, max_per_endpoint: 4000}}}
services:
  - {match: bookstore.v1.BookstoreService, backend: books, methods: [{name: ListShelves, http: [{get: /v1/shelves}, {get: "/flip/{n}"}]}]}
  - {match: "**", backend: books}
admin: {address: "127.0.0.1:0"}
observability: {access_log: {output: "off"}}
shutdown: {delay: 1s, drain: 30s}
`

// hot is a gateway that is reloaded while it serves.
type hot struct {
	*process

	t     *testing.T
	s     *servingLine
	dir   string
	books string
	n     int // how often it was reloaded
}

func startHot(t *testing.T) *hot {
	t.Helper()
	h := &hot{t: t, dir: bookstoreProtos(t), books: startBackend(t)}
	h.put(0)
	h.process = start(t, h.dir, "run", "-c", "dragoman.yaml")
	h.s = h.serving()
	return h
}

// put writes the files of one state.
func (h *hot) put(n int) {
	h.t.Helper()
	write(h.t, h.dir, "dragoman.yaml", strings.NewReplacer("${BOOKS}", h.books, "{n}", strconv.Itoa(n%2)).Replace(hotConfig))
	write(h.t, h.dir, "more.binpb", string(setOf("", []string{"more.v1", "most.v1"}[n%2])))
}

// reload puts the next state in force, and returns how long it took until its route is there.
func (h *hot) reload() time.Duration {
	h.t.Helper()
	h.n++
	h.put(h.n)
	began := time.Now()
	if report, code := execution(h.t, "reload", "--admin", h.s.Admin); code != exitDone {
		h.t.Fatalf("reload %d: %s", h.n, report)
	}
	url := "http://" + h.s.Listeners["main"] + "/flip/"
	wantAnswer(h.t, url+strconv.Itoa(h.n%2), http.StatusOK, "shelves/classics")
	took := time.Since(began)
	wantAnswer(h.t, url+strconv.Itoa((h.n+1)%2), http.StatusNotFound, "no route")
	return took
}

// goroutines are how many the gateway has.
func (h *hot) goroutines() int {
	h.t.Helper()
	_, page := get(h.t, "http://"+h.s.Admin+"/metrics")
	return h.number(regexp.MustCompile(`(?m)^go_goroutines (\d+)$`).FindStringSubmatch(page))
}

// resident is how many KiB of memory the gateway has.
func (h *hot) resident() int {
	h.t.Helper()
	status := readFile(h.t, fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	return h.number(regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`).FindStringSubmatch(status))
}

func (h *hot) number(found []string) int {
	h.t.Helper()
	if found == nil {
		h.t.Fatal("there is no such number")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// openLoad calls at a rate, whether or not the calls before have been answered; a late answer is late from when it was to be sent.
type openLoad struct {
	calls []func(context.Context) error
	stop  context.CancelFunc
	all   sync.WaitGroup

	mu     sync.Mutex
	times  []time.Duration // guarded by mu
	made   int             // guarded by mu
	failed error           // the first; guarded by mu
}

// startLoad calls so often in a second: of ten calls five by REST, two by gRPC, one by gRPC-Web and one by Connect, and one opens a WebSocket for a word.
func startLoad(t *testing.T, address string, rate int) *openLoad {
	t.Helper()
	c := client(t)
	books := bookstorev1.NewBookstoreServiceClient(dial(t, address))
	post := func(kind, body string) func(context.Context) error {
		return func(ctx context.Context) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/bookstore.v1.BookstoreService/ListShelves", strings.NewReader(body))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Connect-Protocol-Version", "1")
			if code, text := answer(c, r); code != http.StatusOK || !strings.Contains(text, "shelves/classics") {
				return fmt.Errorf("%s: %d %q", kind, code, text)
			}
			return nil
		}
	}
	rest := func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v1/shelves", http.NoBody)
		if err != nil {
			return err
		}
		if code, text := answer(c, r); code != http.StatusOK || !strings.Contains(text, "shelves/classics") {
			return fmt.Errorf("REST: %d %s", code, text)
		}
		return nil
	}
	rpc := func(ctx context.Context) error {
		_, err := books.ListShelves(ctx, &bookstorev1.ListShelvesRequest{})
		return err
	}
	socket := func(ctx context.Context) error {
		s, response, err := ws.Dial(ctx, "ws://"+address+"/v1/chat", nil)
		if err != nil {
			return err
		}
		if response.Body != nil {
			defer func() { _ = response.Body.Close() }()
		}
		if err := say(ctx, s, 1); err != nil {
			return err
		}
		return s.Close(ws.StatusNormalClosure, "")
	}
	l := &openLoad{calls: []func(context.Context) error{
		rest, rpc, rest, post("application/grpc-web+proto", "\x00\x00\x00\x00\x00"), rest, rpc, rest, post("application/json", "{}"), rest, socket,
	}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l.stop = cancel
	began := time.Now()
	l.all.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for n := 0; ; n++ {
			at := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
			timer.Reset(time.Until(at))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			l.all.Go(func() { l.call(context.WithoutCancel(ctx), l.calls[n%len(l.calls)], at) })
		}
	})
	return l
}

func (l *openLoad) call(ctx context.Context, call func(context.Context) error, at time.Time) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := call(ctx)
	took := time.Since(at)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	l.times = append(l.times, took)
	if l.failed == nil {
		l.failed = err
	}
}

// p99 is that of the calls since it was last asked for, or nothing before there are so many.
func (l *openLoad) p99() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.times)
	p99 := l.times[len(l.times)*99/100]
	l.times = nil
	return p99
}

// quiet waits until there have been so many calls, and returns their p99.
func (l *openLoad) quiet(t *testing.T, calls int) time.Duration {
	t.Helper()
	eventually(t, 3*patience, func() string {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.times) < calls && l.failed == nil {
			return fmt.Sprintf("there were %d calls", len(l.times))
		}
		return ""
	})
	return l.p99()
}

// end stops the load when all is answered, and fails the test if a call failed.
func (l *openLoad) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.all.Wait()
	if l.failed != nil {
		t.Errorf("of %d calls at least one failed: %v", l.made, l.failed)
	}
}

// say says something to the bookseller over a socket and waits for the answer of a number.
func say(ctx context.Context, s *ws.Conn, number int) error {
	if err := s.Write(ctx, ws.MessageText, []byte(`{"text":"emma"}`)); err != nil {
		return err
	}
	_, text, err := s.Read(ctx)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`"sequence":%d`, number); !strings.Contains(strings.ReplaceAll(string(text), " ", ""), want) {
		return fmt.Errorf("the socket was told %s, without %s", text, want)
	}
	return nil
}

// held are streams that are open all the time.
type held struct {
	talk   grpc.BidiStreamingClient[bookstorev1.ChatRequest, bookstorev1.ChatResponse]
	socket *ws.Conn
	watch  io.Closer
	said   int
}

func startHeld(t *testing.T, address string) *held {
	t.Helper()
	h := &held{}
	var err error
	if h.talk, err = bookstorev1.NewBookstoreServiceClient(dial(t, address)).Chat(t.Context()); err != nil {
		t.Fatal(err)
	}
	socket, response, err := ws.Dial(t.Context(), "ws://"+address+"/v1/chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		t.Cleanup(func() { _ = response.Body.Close() })
	}
	h.socket, h.watch = socket, openStream(t, "http://"+address)
	h.speak(t)
	return h
}

// speak has each of them carry one message more each way.
func (h *held) speak(t *testing.T) {
	t.Helper()
	h.said++
	if err := h.talk.Send(&bookstorev1.ChatRequest{Text: "emma"}); err != nil {
		t.Fatalf("the stream was cut: %v", err)
	}
	if m, err := h.talk.Recv(); err != nil || int(m.GetSequence()) != h.said {
		t.Fatalf("the stream was cut: message %d is %v, %v", h.said, m, err)
	}
	if err := say(t.Context(), h.socket, h.said); err != nil {
		t.Fatalf("the socket was cut: %v", err)
	}
}

// end ends them in their own time.
func (h *held) end(t *testing.T) {
	t.Helper()
	if err := h.talk.CloseSend(); err != nil {
		t.Error(err)
	}
	if _, err := h.talk.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	if err := h.socket.Close(ws.StatusNormalClosure, ""); err != nil {
		t.Errorf("the socket ends with %v", err)
	}
	_ = h.watch.Close()
}

// scale is how much there is to do: with DRAGOMAN_FAULTS as much as the rows of the faults say.
func scale(everyDay, whole int) int {
	if faults.Held() {
		return whole
	}
	return everyDay
}

// TestFault20HotReloads: two descriptor sets and a route take turns under a load of all protocols, with streams and a WebSocket that stay open. No call fails, nothing is cut,
// each reload is in force within a second, and the p99 is at most half as long again as it was. After a thousand there are no more goroutines, and no more memory.
func TestFault20HotReloads(t *testing.T) {
	t.Parallel()
	h := startHot(t)
	address := h.s.Listeners["main"]
	open := startHeld(t, address)
	load := startLoad(t, address, scale(60, 300))
	quiet := load.quiet(t, scale(100, 3000))
	slowest := time.Duration(0)
	pause := time.NewTicker(time.Duration(scale(20, 200)) * time.Millisecond)
	defer pause.Stop()
	for range scale(15, 100) {
		slowest = max(slowest, h.reload())
		open.speak(t)
		<-pause.C
	}
	busy := load.p99()
	load.end(t)
	t.Logf("%d calls; p99 %v, quiet %v; the slowest reload was in force after %v", load.made, busy, quiet, slowest)
	if faults.Held() && (busy > quiet*3/2 || slowest > time.Second) {
		t.Errorf("p99 is %v, and was %v; the slowest reload took %v", busy, quiet, slowest)
	}

	goroutines, resident := h.goroutines(), h.resident()
	for range scale(5, 900) {
		h.reload()
	}
	open.speak(t)
	eventually(t, patience, func() string { // connections of the load close in their own time
		if now := h.goroutines(); now > goroutines+5 {
			return fmt.Sprintf("there are %d goroutines, and were %d", now, goroutines)
		}
		return ""
	})
	now := h.resident()
	t.Logf("after %d reloads: %d KiB, before %d KiB", h.n, now, resident)
	if faults.Held() && now > resident*11/10 {
		t.Errorf("there are %d KiB of memory, and were %d", now, resident)
	}
	open.end(t)
	h.signal(os.Interrupt)
	h.exits(exitDone)
}

// TestFault22HangupStorm: a gateway that is told to reload fifty times a second does so when it can, one reload at a time, and no call fails.
func TestFault22HangupStorm(t *testing.T) {
	t.Parallel()
	h := startHot(t)
	load := startLoad(t, h.s.Listeners["main"], scale(60, 300))
	const each = 20 * time.Millisecond
	ticker := time.NewTicker(each)
	defer ticker.Stop()
	signals := scale(50, 500)
	for range signals {
		h.signal(syscall.SIGHUP)
		<-ticker.C
	}
	h.n = 0
	h.reload() // what comes behind is taken
	load.end(t)
	reloads := strings.Count(h.err.String(), `"msg":"reloaded; nothing is new","trigger":"signal"`)
	t.Logf("%d signals were %d reloads, during %d calls", signals, reloads, load.made)
	if reloads < 1 || reloads > signals {
		t.Errorf("%d signals were %d reloads", signals, reloads)
	}
	h.signal(os.Interrupt)
	h.exits(exitDone)
}

// TestFault23TheProgramGoes: told to end, the program is not ready at once; who has not heard of it is answered for a moment; what is open goes on until its
// client ends it; and then the program ends, with the code of one that lost nothing.
func TestFault23TheProgramGoes(t *testing.T) {
	t.Parallel()
	h := startHot(t)
	address, ready := h.s.Listeners["main"], "http://"+h.s.Admin+"/readyz"
	open := startHeld(t, address)
	url := "http://" + address + "/v1/shelves"
	wantAnswer(t, url, http.StatusOK, "shelves/classics")
	h.signal(syscall.SIGTERM)
	began := time.Now()
	eventually(t, patience, func() string {
		if code, body := get(t, ready); code != http.StatusServiceUnavailable {
			return fmt.Sprintf("it is ready: %d %s", code, body)
		}
		return ""
	})
	unready := time.Since(began)
	open.speak(t)
	wantAnswer(t, url, http.StatusOK, "shelves/classics") // in the delay, for those who have not heard of it
	eventually(t, patience, func() string {
		if code, body := get(t, url); code != 0 { // nobody can connect any more
			return fmt.Sprintf("it takes connections: %d %s", code, body)
		}
		return ""
	})
	for range 5 {
		open.speak(t)
	}
	open.end(t)
	took := h.exits(exitDone)
	t.Logf("it was unready after %v, and ended %v after its last stream", unready, took)
	if faults.Held() && (unready > 500*time.Millisecond || time.Since(began) > 35*time.Second) {
		t.Errorf("it was unready after %v and ended after %v", unready, time.Since(began))
	}
}
