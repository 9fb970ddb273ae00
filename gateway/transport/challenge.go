// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/gateway/transport/acme"
	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// challengePath is where an authority asks in clear text (RFC 8555 section 8.3).
const challengePath = "/.well-known/acme-challenge/"

// answering puts an authority's challenges in front of what serves requests in clear text.
func answering(meeting func() *acme.Meeting, next func(transcoder.Exchange)) func(transcoder.Exchange) {
	return func(ex transcoder.Exchange) {
		r := ex.Request()
		if r.Method != http.MethodGet || !strings.HasPrefix(r.Path, challengePath) {
			next(ex)
			return
		}
		m := meeting()
		asked := &http.Request{
			Method: r.Method, URL: &url.URL{Path: r.Path}, Host: r.Authority, RemoteAddr: r.Remote.String(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: http.NoBody,
		}
		answer := &keptAnswer{header: http.Header{}, status: http.StatusOK}
		if m == nil || !m.Answer(answer, asked.WithContext(ex.Context())) {
			next(ex)
			return
		}
		out := &transcoder.Out{Status: answer.status, End: transcoder.EndClean, Data: mem.BufferSlice{mem.SliceBuffer(answer.body.Bytes())}}
		for name, values := range answer.header {
			for _, value := range values {
				out.Header = append(out.Header, wire.Field{Name: strings.ToLower(name), Value: value})
			}
		}
		_ = ex.Write(out) // the authority may be gone; it asks again
	}
}

// keptAnswer is an answer that is written as a whole.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *keptAnswer) Header() http.Header { return a.header }

func (a *keptAnswer) WriteHeader(status int) { a.status = status }

func (a *keptAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }
