// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package calling

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// tracer tells the heads of what is exchanged: ">" is what was sent, "<" what came.
type tracer struct {
	transport http.RoundTripper
	to        io.Writer

	mu sync.Mutex // of to
}

// RoundTrip implements http.RoundTripper.
func (t *tracer) RoundTrip(r *http.Request) (*http.Response, error) {
	t.say(">", fmt.Sprintf("%s %s", r.Method, r.URL), r.Header)
	answer, err := t.transport.RoundTrip(r)
	if err != nil {
		t.say("<", err.Error(), nil)
		return nil, err
	}
	t.say("<", fmt.Sprintf("%s %s", answer.Proto, answer.Status), answer.Header)
	answer.Body = &tracedBody{ReadCloser: answer.Body, end: func() {
		if len(answer.Trailer) > 0 {
			t.say("<", "(trailers)", answer.Trailer)
		}
	}}
	return answer, nil
}

func (t *tracer) say(mark, first string, header http.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", mark, first)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(&b, "%s %s: %s\n", mark, strings.ToLower(name), value)
		}
	}
	fmt.Fprintf(&b, "%s\n", mark)
	_, _ = io.WriteString(t.to, b.String()) // it is for looking at
}

// tracedBody tells when a body is over: then the trailers are there.
type tracedBody struct {
	io.ReadCloser

	once sync.Once
	end  func()
}

// Read implements io.Reader.
func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.once.Do(b.end)
	}
	return n, err
}
