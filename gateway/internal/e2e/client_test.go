// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"io"
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
func (d *dragoman) both(t testing.TB) []*client { return []*client{d.h1(t), d.h2(t)} }

// answer is one whole answer.
type answer struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
	length  int64 // Content-Length, -1 for none
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
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", r.Method, r.URL, err)
	}
	return &answer{status: response.StatusCode, header: response.Header, body: string(body), trailer: response.Trailer, length: response.ContentLength}
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
