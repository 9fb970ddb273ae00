// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// request is one HTTP request, as it is written on the wire.
type request struct {
	verb, target string
	fields       []string // "name: value"
	body         string
}

// String gives the request in one line.
func (r *request) String() string {
	s := r.verb + " " + r.target
	for _, f := range r.fields {
		s += " [" + f + "]"
	}
	if r.body != "" {
		s += " " + r.body
	}
	return s
}

// observed is all that is seen of a request: the answer, and the calls that reached a backend.
type observed struct {
	Status  int
	Header  http.Header
	Values  []any  // the JSON values of the body
	Text    string // the body where that is not JSON
	Trailer http.Header
	Cut     bool // the answer ended before it was complete
	Calls   []*arrival
}

// web is a client of HTTP/1.1 that sends exactly what it is told.
type web struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
}

func newWeb(t *testing.T, address string) *web {
	w := &web{address: address}
	t.Cleanup(w.hangUp)
	return w
}

func (w *web) hangUp() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// send sends a request and reads the answer. Connections are kept, as far as the server lets them.
func (w *web) send(t *testing.T, r *request) *observed {
	t.Helper()
	kept := w.conn != nil
	seen, err := w.try(t, r)
	if err != nil && kept { // the server may have closed what it had promised to keep
		seen, err = w.try(t, r)
	}
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return seen
}

func (w *web) try(t *testing.T, r *request) (*observed, error) {
	t.Helper()
	if w.conn == nil {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.address)
		if err != nil {
			t.Fatal(err)
		}
		w.conn, w.reader = conn, bufio.NewReader(conn)
	}
	_ = w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(r.bytes()); err != nil {
		w.hangUp()
		return nil, err
	}
	response, err := http.ReadResponse(w.reader, &http.Request{Method: r.verb})
	if err != nil {
		w.hangUp()
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if errors.Join(err, response.Body.Close()) != nil || response.Close {
		w.hangUp()
	}
	return observe(response, body, err != nil), nil
}

// bytes returns the request as it goes over the wire. One with a body says how long that is, and that it is JSON where its
// fields do not say what it is.
func (r *request) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: example.test\r\n", r.verb, r.target)
	typed := false
	for _, f := range r.fields {
		name, value, _ := strings.Cut(f, ":")
		typed = typed || strings.EqualFold(name, "content-type")
		if strings.TrimSpace(value) != "" || !strings.EqualFold(name, "content-type") {
			fmt.Fprintf(&b, "%s\r\n", f)
		}
	}
	if r.body != "" && !typed {
		b.WriteString("Content-Type: application/json\r\n")
	}
	if r.body != "" || r.verb == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n")
	b.WriteString(r.body)
	return b.Bytes()
}

// observe makes a value of an answer.
func observe(response *http.Response, body []byte, cut bool) *observed {
	seen := &observed{Status: response.StatusCode, Header: response.Header, Trailer: response.Trailer, Cut: cut}
	switch strings.TrimSuffix(response.Header.Get("Content-Type"), "; charset=utf-8") {
	case "application/json", "application/x-ndjson":
		if values, err := valuesOf(body); err == nil {
			seen.Values = values
			return seen
		}
	}
	seen.Text = string(body)
	return seen
}

// valuesOf reads JSON values, one after the other.
func valuesOf(body []byte) ([]any, error) {
	var values []any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		var value any
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}
