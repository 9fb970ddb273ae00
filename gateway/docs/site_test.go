// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/gateway/docs"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/openapi"
	"github.com/dragoman-gateway/dragoman/transcoder/rest"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
)

// source makes empty documents, and counts them.
type source struct {
	made  atomic.Int64
	entry chan struct{} // is told when one is begun; nil tells nobody
	gate  chan struct{} // lets one be made; nil lets all
	fails bool
}

func (s *source) Services(string) []string { return []string{"a.B"} }

func (s *source) Document(string, string) (*openapi.Document, error) {
	s.made.Add(1)
	if s.entry != nil {
		s.entry <- struct{}{}
		<-s.gate
	}
	if s.fails {
		return nil, errors.New("it cannot be made")
	}
	mux, err := transcoder.NewMux(transcoder.Config{})
	if err != nil {
		return nil, err
	}
	return openapi.New(openapi.Config{Mux: mux, REST: func(*transcoder.Method) *rest.Config { return &rest.Config{} }})
}

// exchange keeps what is answered.
type exchange struct {
	ctx     context.Context //nolint:containedctx // as an exchange has it
	request *transcoder.Request
	status  int
}

func (e *exchange) Request() *transcoder.Request { return e.request }
func (e *exchange) Context() context.Context     { return e.ctx }
func (e *exchange) Read() (mem.Buffer, error)    { return nil, errors.New("there is no body") }
func (e *exchange) CloseRead()                   {}
func (e *exchange) Write(out *transcoder.Out) error {
	e.status = out.Status
	return nil
}

// ask serves a request, and returns the status, and whether it was for the site.
func ask(ctx context.Context, s *docs.Site, method, path string) (int, bool) {
	e := &exchange{ctx: ctx, request: &transcoder.Request{Method: method, Path: path, Listener: "main"}}
	c := transcoder.NewCall(ctx, e.request)
	served := s.Serve(c, e)
	return e.status, served
}

func newSite(t *testing.T, src docs.Source) *docs.Site {
	t.Helper()
	s, err := docs.New(&docs.Config{}, src, []string{"main"}, func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDocumentsAreMadeOnce: a document is made when it is first asked for, and then kept.
func TestDocumentsAreMadeOnce(t *testing.T) {
	t.Parallel()
	src := &source{}
	s := newSite(t, src)
	if n := src.made.Load(); n != 0 {
		t.Errorf("%d documents are made before anybody asks", n)
	}
	for range 3 {
		if code, _ := ask(t.Context(), s, http.MethodGet, "/openapi.json"); code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	}
	if n := src.made.Load(); n != 1 {
		t.Errorf("%d documents are made; want 1", n)
	}
}

// TestWhoHasGoneDoesNotWait: while one document is made, others wait for their turn, and no longer than their clients do.
func TestWhoHasGoneDoesNotWait(t *testing.T) {
	t.Parallel()
	src := &source{entry: make(chan struct{}), gate: make(chan struct{})}
	s := newSite(t, src)
	first := make(chan int)
	go func() {
		code, _ := ask(context.WithoutCancel(t.Context()), s, http.MethodGet, "/openapi.json")
		first <- code
	}()
	<-src.entry
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _ := ask(gone, s, http.MethodGet, "/openapi.yaml"); code != status.StatusClientClosedRequest {
		t.Errorf("who has gone gets %d", code)
	}
	close(src.gate)
	if code := <-first; code != http.StatusOK {
		t.Errorf("who waits gets %d", code)
	}
	if n := src.made.Load(); n != 1 {
		t.Errorf("%d documents are begun; want 1", n)
	}
}

func TestWhatCannotBeMadeIsInternal(t *testing.T) {
	t.Parallel()
	if code, served := ask(t.Context(), newSite(t, &source{fails: true}), http.MethodGet, "/openapi.json"); code != http.StatusInternalServerError || !served {
		t.Errorf("status %d, served %t", code, served)
	}
}

func TestOtherRequestsAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, &source{})
	for _, r := range []struct{ method, path string }{
		{http.MethodPost, "/openapi.json"},
		{http.MethodOptions, "/docs"},
		{http.MethodGet, "/docs/"},
		{http.MethodGet, "/openapi"},
		{http.MethodGet, "/docs/../openapi.json"},
		{http.MethodGet, "/docs/none.js"},
		{http.MethodGet, "/DOCS"},
		{http.MethodGet, "//docs"},
	} {
		if _, served := ask(t.Context(), s, r.method, r.path); served {
			t.Errorf("%s %s is served", r.method, r.path)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg    docs.Config
		wrong  string
		reason string
	}{
		{docs.Config{}, "", "the defaults"},
		{docs.Config{Path: "/a/b", OpenAPI: "/c.d"}, "", "other places"},
		{docs.Config{Path: "docs"}, "path", "no slash"},
		{docs.Config{Path: "/"}, "path", "the root"},
		{docs.Config{Path: "/a//b"}, "path", "an empty segment"},
		{docs.Config{Path: "/a/.."}, "path", "dots"},
		{docs.Config{Path: "/a b"}, "path", "a blank"},
		{docs.Config{OpenAPI: "/{x}"}, "openapi", "braces"},
		{docs.Config{Path: "/x", OpenAPI: "/x/spec"}, "openapi", "below the page"},
		{docs.Config{Path: "/x", OpenAPI: "/x"}, "openapi", "the place of the page"},
		{docs.Config{Path: "/x", OpenAPI: "/x/spec", WithoutPage: true}, "", "there is no page"},
	} {
		problems := c.cfg.Check()
		got := ""
		if len(problems) > 0 {
			got = problems[0].Path
		}
		if got != c.wrong {
			t.Errorf("%+v: wrong is %q; want %q: %s", c.cfg, got, c.wrong, c.reason)
		}
	}
}
