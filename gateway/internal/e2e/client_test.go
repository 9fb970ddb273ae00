// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
)

// client is an HTTP client of the gateway in one version of HTTP.
type client struct {
	name string
	base string // "http://host:port"
	http *http.Client
}

// h1 returns a client that speaks HTTP/1.1.
func (d *dragoman) h1(t testing.TB) *client {
	t.Helper()
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return d.client(t, "HTTP/1.1", p)
}

// h2 returns a client that speaks HTTP/2 in clear text with prior knowledge.
func (d *dragoman) h2(t testing.TB) *client {
	t.Helper()
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return d.client(t, "h2c", p)
}

func (d *dragoman) client(t testing.TB, name string, p *http.Protocols) *client {
	t.Helper()
	transport := &http.Transport{Protocols: p, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{name: name, base: "http://" + d.address, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// both returns a client of each version.
func (d *dragoman) both(t testing.TB) []*client { return []*client{d.h1(t), d.h2(t), d.h3(t)} }

// answer is one whole answer.
type answer struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
	length  int64 // Content-Length, -1 for none
	last    bool  // the connection is closed behind it; only of HTTP/1.1, read from a socket
}

// request makes a request; the fields alternate names and values.
func (c *client) request(t testing.TB, method, target, body string, fields ...string) *http.Request {
	t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(within(t), method, c.base+target, from)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// do sends a request and reads the whole answer.
func (c *client) do(t testing.TB, r *http.Request) *answer {
	t.Helper()
	a, err := c.try(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is do for goroutines that are not the test's.
func (c *client) try(r *http.Request) (*answer, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: reading the answer: %w", r.Method, r.URL, err)
	}
	return &answer{status: response.StatusCode, header: response.Header, body: string(body), trailer: response.Trailer, length: response.ContentLength}, nil
}

// get is a GET for goroutines that are not the test's.
func (c *client) get(ctx context.Context, target string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+target, http.NoBody)
	if err != nil {
		return nil, err
	}
	return c.try(r)
}

// open sends a request in the background; the channel has the answer when its head has come, or nil. Its body is closed when the
// test ends.
func (c *client) open(t testing.TB, r *http.Request) <-chan *http.Response {
	t.Helper()
	answers := make(chan *http.Response, 1)
	opened := make(chan struct{})
	t.Cleanup(func() { <-opened })
	go func() {
		defer close(opened)
		response, err := c.http.Do(r)
		if err != nil {
			t.Error(err)
			answers <- nil
			return
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		answers <- response
	}()
	return answers
}

// call sends a request with a body of JSON, if it has one.
func (c *client) call(t testing.TB, method, target, body string, fields ...string) *answer {
	t.Helper()
	if body != "" && !hasField(fields, "content-type") {
		fields = append([]string{"content-type", "application/json"}, fields...)
	}
	return c.do(t, c.request(t, method, target, body, fields...))
}

func hasField(fields []string, name string) bool {
	for i := 0; i < len(fields); i += 2 {
		if strings.EqualFold(fields[i], name) {
			return true
		}
	}
	return false
}

// linesOf reads lines until the end or an error.
func linesOf(r io.Reader) iter.Seq[string] {
	return func(yield func(string) bool) {
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadString('\n')
			if err != nil || !yield(line) {
				return
			}
		}
	}
}
