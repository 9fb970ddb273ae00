// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/dragoman-gateway/dragoman/balancer/endpoint"
	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/internal/faults"
)

// The matrix: every protocol and codec, every kind of stream, every compression and every version of HTTP, with every way in which a call can
// go. A cell is one call; what must come of it follows from its coordinates.

// kind is a kind of stream.
type kind struct {
	name           string
	client, server bool   // who streams
	path           string // of the RPC protocols
	target         string // of REST
}

var kinds = []*kind{
	{"unary", false, false, binding + "BodyAll", "/test/v1/body/all"},
	{"server stream", false, true, streams + "Repeat", "/test/v1/streams/repeat"},
	{"client stream", true, false, streams + "Collect", "/test/v1/streams/collect"},
	{"both stream", true, true, streams + "Converse", "/test/v1/streams/converse"},
}

// version is what carries calls: one row each, and whatever makes requests of HTTP can be one.
type version struct {
	name  string
	major int
	// secure says that it is the listener with TLS that it speaks to.
	secure bool
	// open makes what sends requests, and what closes its connections.
	open func(trust *tls.Config) (send http.RoundTripper, shut func())
}

var versions = []*version{
	{"HTTP/1.1", 1, false, plain((*http.Protocols).SetHTTP1)},
	{"HTTP/1.1 over TLS", 1, true, plain((*http.Protocols).SetHTTP1)},
	{"HTTP/2", 2, true, plain((*http.Protocols).SetHTTP2)},
	{"h2c", 2, false, plain((*http.Protocols).SetUnencryptedHTTP2)},
	{"HTTP/3", 3, true, func(trust *tls.Config) (http.RoundTripper, func()) {
		t := &http3.Transport{TLSClientConfig: trust, DisableCompression: true, QUICConfig: &quic.Config{EnableStreamResetPartialDelivery: true}}
		return t, func() { _ = t.Close() }
	}},
}

// plain opens net/http's client for one version.
func plain(set func(*http.Protocols, bool)) func(*tls.Config) (http.RoundTripper, func()) {
	return func(trust *tls.Config) (http.RoundTripper, func()) {
		p := new(http.Protocols)
		set(p, true)
		t := &http.Transport{Protocols: p, DisableCompression: true, TLSClientConfig: trust, MaxIdleConnsPerHost: 4}
		return t, t.CloseIdleConnections
	}
}

// place is a gateway as a version reaches it.
type place struct {
	base      string // "http://host:port"
	transport http.RoundTripper
}

// Limits of the matrix's gateways. Each has room for a message whose text is medium, and not for a large one, packed or not.
const (
	matrixMaxMessage = 4000
	matrixMaxAnswer  = 16_000
	mediumText       = 500
	largeRequest     = 5000 // in base64 it still fits into a URL
	largeAnswer      = 20_000
	// shortly is a deadline, how long a stream may be idle, and the time of a drain.
	shortly = 500 * time.Millisecond
	// soon is how long may pass before a backend is told.
	soon = 5 * time.Second
)

// theatre is all that a matrix runs on: one backend, and gateways that differ in what they allow.
type theatre struct {
	house   *playhouse
	cable   *cable // the way from dying to the house
	main    *dragoman
	dying   *dragoman // its backend's connections are cut
	broken  *dragoman // its backend ends in the middle of messages
	hurried *dragoman // it gives calls little time
	closing *dragoman // it is stopped while they run
}

// cell is one call of the matrix, and its coordinates.
type cell struct {
	form    *form
	kind    *kind
	version *version
	packing string
	course  *course

	t       testing.TB
	at      place
	play    *play
	timeout time.Duration // that the client says; 0 for none
	more    http.Header   // fields of the request beside the usual ones
	gate    *gate         // nil but for cells that wait for each other
	took    time.Duration // until the backend was told that the client had gone
}

func (c *cell) name() string {
	return strings.Join([]string{c.version.name, c.form.name, c.kind.name, c.packing, c.course.name}, "/")
}

// duplex tells whether both sides can talk at the same time. Over HTTP/1.1 clients send all of a request before they read.
func (c *cell) duplex() bool { return c.version.major >= 2 || c.form.socket }

// fields are those of every request.
func (c *cell) fields(add func(name, value string)) {
	add(cellField, c.name())
	for _, value := range []string{"b", "a", "b"} {
		add("X-Many", value)
	}
	add("X-Raw-Bin", "AP8=")
	for name, values := range c.more {
		add(name, values[0])
	}
}

// missing says why there is no such cell; "" says that there is.
func (c *cell) missing() string {
	if c.form.missing != nil {
		if why := c.form.missing(c.kind, c.version); why != "" {
			return why
		}
	}
	if c.form.socket && c.packing != "identity" {
		return "a WebSocket's messages are not compressed (CRIME)"
	}
	if c.packing != "identity" && c.packing != "gzip" && !c.course.packs {
		return "one compression stands for all: nothing of this depends on which"
	}
	if c.course.missing != nil {
		return c.course.missing(c)
	}
	return ""
}

// cells are all that there are, and the reasons for those that there are not, with how many each is for.
func cells() (all []*cell, missing map[string]int) {
	missing = map[string]int{}
	for _, f := range matrixForms() {
		for _, k := range kinds {
			for _, v := range versions {
				for _, p := range packings {
					for _, o := range courses {
						c := &cell{form: f, kind: k, version: v, packing: p, course: o}
						if why := c.missing(); why != "" {
							missing[why]++
							continue
						}
						all = append(all, c)
					}
				}
			}
		}
	}
	return all, missing
}

// TestMatrix runs every cell. It is alone in the process while it does: at its end there are as many goroutines and open files as at its
// beginning (O5).
func TestMatrix(t *testing.T) {
	before := resourcesNow(t)
	t.Run("cells", func(t *testing.T) {
		all, missing := cells()
		for why, n := range missing {
			t.Logf("%d cells are not there: %s", n, why)
		}
		t.Logf("%d cells", len(all))
		th := newTheatre(t)
		var apart, cut, told []*cell
		for _, c := range all {
			switch {
			case !c.course.together:
				apart = append(apart, c)
			case c.course.gateway(th) == th.dying:
				cut = append(cut, c)
			default:
				told = append(told, c)
			}
		}
		th.run(t, apart, 64)
		th.together(t, cut, th.cable.cut)
		var stopped sync.WaitGroup
		defer stopped.Wait()
		th.together(t, told, func() {
			stopped.Go(func() {
				if err := th.closing.stopsBadly(t, patience); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the drain ended with %v", err)
				}
			})
		})
	})
	before.wantAgain(t)
}

// TestFault16_ClientsDisconnect: a thousand clients of every protocol, kind of stream and version of HTTP go away in the middle of their calls. Each
// backend is told at once, and nothing is left of them (T140, O5).
func TestFault16_ClientsDisconnect(t *testing.T) {
	const clients, most = 1000, 100 * time.Millisecond
	before := resourcesNow(t)
	t.Run("clients", func(t *testing.T) {
		th := newTheatre(t)
		var took []time.Duration
		for len(took) < clients {
			var gone []*cell
			all, _ := cells()
			for _, c := range all {
				if strings.HasPrefix(c.course.name, clientCancels) && c.packing == "identity" {
					gone = append(gone, c)
				}
			}
			th.run(t, gone, 4) // on connections of its own: one has a limit to how many calls it may cancel (D2)
			for _, c := range gone {
				took = append(took, c.took)
			}
		}
		slices.Sort(took)
		t.Logf("%d backends were told after %s, half of them after %s at most, all after %s", len(took), took[0], took[len(took)/2], took[len(took)-1])
		if faults.Held() && took[len(took)-1] > most {
			t.Errorf("want %s at most", most)
		}
	})
	before.wantAgain(t)
}

// together runs cells all at once; when all have come as far as they can, the deed is done.
func (th *theatre) together(t *testing.T, all []*cell, deed func()) {
	t.Helper()
	g := newGate(len(all), deed)
	for _, c := range all {
		c.gate = g
	}
	th.run(t, all, len(all))
}

// perConnection is how many calls of a run share the connections of a client: HTTP/3 has one, and a limit to the calls on it.
const perConnection = 64

// run runs cells, so many at a time.
func (th *theatre) run(t *testing.T, all []*cell, atOnce int) {
	t.Helper()
	type client struct {
		version *version
		gateway *dragoman
		number  int
	}
	at := map[client]place{}
	calls := map[client]int{} // by client number 0
	for _, c := range all {
		k := client{version: c.version, gateway: c.course.gateway(th)}
		calls[k]++
		k.number = (calls[k] - 1) / perConnection
		if _, ok := at[k]; !ok {
			send, shut := c.version.open(trusting())
			t.Cleanup(shut)
			at[k] = place{"http://" + k.gateway.address, send}
			if c.version.secure {
				at[k] = place{"https://" + k.gateway.secure, send}
			}
		}
		c.at = at[k]
	}
	work := make(chan *cell)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for c := range work {
				t.Run(c.name(), func(t *testing.T) {
					c.t = t
					c.play = th.house.add(c.name(), c.course.script(c))
					defer th.house.plays.Delete(c.name())
					c.run(t)
				})
			}
		})
	}
	for _, c := range all {
		work <- c
	}
	close(work)
	workers.Wait()
}

// run makes the call.
func (c *cell) run(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if c.course.prepare != nil {
		c.course.prepare(c)
	}
	var call clientCall
	if c.form.socket {
		call = c.callSocket(ctx)
	} else {
		call = c.callHTTP(ctx)
	}
	defer call.close()
	c.course.client(c, call)
	if ctx.Err() != nil {
		t.Fatalf("it took more than %s; so far %+v", patience, call.settled())
	}
}

// newTheatre starts it all.
func newTheatre(t *testing.T) *theatre {
	t.Helper()
	th := &theatre{house: newPlayhouse(t)}
	th.cable = newCable(t, th.house.addresses[0])
	start := func(edit func(*config.Config), backends ...string) *dragoman {
		return startFor(t, backends[0], func(cfg *config.Config) {
			for _, address := range backends[1:] {
				e, err := endpoint.New(endpoint.Spec{Addresses: []string{address}})
				if err != nil {
					t.Fatal(err)
				}
				cfg.Backends[0].Endpoints = append(cfg.Backends[0].Endpoints, e)
			}
			main := &cfg.Listeners[0]
			main.MaxMessage, main.MaxAnswer = matrixMaxMessage, matrixMaxAnswer
			cfg.Backends[0].Gzip = true
			cfg.Defaults.REST.Compression = &config.Compression{Algorithms: []string{"gzip", "br", "zstd"}, MinSize: mediumText / 2}
			if edit != nil {
				edit(cfg)
			}
		})
	}
	th.main, th.dying = start(nil, th.house.addresses...), start(nil, th.cable.address)
	th.broken = start(func(cfg *config.Config) { cfg.Backends[0].Gzip = false }, newBroken(t))
	th.hurried = start(func(cfg *config.Config) {
		cfg.Defaults.Deadline.Timeout, cfg.Defaults.Deadline.StreamIdle = shortly, shortly
	}, th.house.addresses...)
	th.closing = start(func(cfg *config.Config) { cfg.Shutdown.Drain = shortly }, th.house.addresses...)
	return th
}

// resources are what a process must not lose.
type resources struct {
	goroutines int
	files      map[string]int // by what they are
}

func resourcesNow(t testing.TB) resources {
	t.Helper()
	open, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	return resources{runtime.NumGoroutine(), open}
}

// wantAgain fails unless there is no more than there was, soon.
func (r resources) wantAgain(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		now := resourcesNow(t)
		if now.goroutines > r.goroutines {
			stacks := make([]byte, 64<<10)
			return fmt.Errorf("%d goroutines, and %d before:\n%s", now.goroutines, r.goroutines, stacks[:runtime.Stack(stacks, true)])
		}
		return moreFiles(r.files, now.files)
	})
}
