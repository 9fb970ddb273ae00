// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package connect_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/dragoman-gateway/dragoman/transcoder"
	"github.com/dragoman-gateway/dragoman/transcoder/connect"
	"github.com/dragoman-gateway/dragoman/transcoder/protocoltest"
	"github.com/dragoman-gateway/dragoman/transcoder/rpc"
	"github.com/dragoman-gateway/dragoman/transcoder/status"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

const unary = "/protocoltest.Contract/Unary"

// get calls the unary method by GET, answers with JSON and returns the answer.
func get(t *testing.T, cfg connect.Config, text string, failure error, fields ...wire.Field) *transcoder.Out {
	t.Helper()
	p, err := connect.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := protocoltest.NewMux(t)
	mux.SetProtocols(p)
	c := transcoder.NewCall(t.Context(), &transcoder.Request{Method: "GET", Path: unary, Query: "connect=v1&encoding=json&message=%7B%7D", Major: 2, Header: fields})
	f, err := mux.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	out := &transcoder.Out{}
	m := transcoder.Message{Data: mem.BufferSlice{mem.SliceBuffer(append([]byte{0x0a, byte(len(text))}, text...))}}
	if failure != nil {
		c.Err = failure
	} else if err := f.Message(c, m, out); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f.End(c, out)
	return out
}

// T189, T202: what is configured for a method stands in its answers by GET, and a client that has the answer is not sent it again.
func TestT189_CachesOfGet(t *testing.T) {
	t.Parallel()
	cfg := connect.Config{Cache: func(m *transcoder.Method) connect.Cache {
		if m.Path != unary {
			t.Errorf("asked for %s", m.Path)
		}
		return connect.Cache{Control: "public, max-age=60", Vary: "Authorization", ETag: true}
	}}
	first := get(t, cfg, "a", nil)
	tag := first.Header.Get("etag")
	if first.Status != 200 || first.Header.Get("cache-control") != "public, max-age=60" || first.Header.Get("vary") != "Accept-Encoding, Authorization" ||
		len(tag) < 3 || tag[0] != '"' || first.Data.Len() == 0 {
		t.Errorf("%d %v", first.Status, first.Header)
	}
	if same := get(t, cfg, "a", nil).Header.Get("etag"); same != tag {
		t.Errorf("the same answer has tag %s and %s", tag, same)
	}
	if other := get(t, cfg, "b", nil).Header.Get("etag"); other == tag {
		t.Errorf("another answer has the same tag %s", tag)
	}
	for value, want := range map[string]int{tag: 304, `"x", W/` + tag: 304, "*": 304, `"x"`: 200, "": 200, tag[:len(tag)-1]: 200} {
		out := get(t, cfg, "a", nil, wire.Field{Name: "if-none-match", Value: value})
		if out.Status != want || (want == 304) != (out.Data.Len() == 0) || out.Header.Get("etag") != tag || out.End != transcoder.EndClean {
			t.Errorf("If-None-Match %s: %d with %d bytes, %v; want %d", value, out.Status, out.Data.Len(), out.Header, want)
		}
		if want == 304 && out.Header.Has("content-length") {
			t.Errorf("304 has a length")
		}
	}
	// T203: errors are not cached, and have no tag.
	failed := get(t, cfg, "a", status.Errorf(codes.NotFound, status.ReasonBackendError, "m"))
	if failed.Status != 404 || failed.Header.Get("cache-control") != "no-store" || failed.Header.Has("etag") || failed.Header.Has("vary") {
		t.Errorf("%d %v", failed.Status, failed.Header)
	}
	// Nothing is said where nothing is configured.
	if plain := get(t, connect.Config{}, "a", nil); plain.Header.Has("etag") || plain.Header.Has("cache-control") || plain.Header.Has("vary") {
		t.Errorf("%v", plain.Header)
	}
	// Compressed bytes are others, and have another tag.
	cfg.CompressFrom = 1
	long := "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	packed := get(t, cfg, long, nil, wire.Field{Name: "accept-encoding", Value: "gzip"})
	plain := get(t, cfg, long, nil)
	if packed.Header.Get("content-encoding") != "gzip" || packed.Header.Get("etag") == plain.Header.Get("etag") {
		t.Errorf("compressed: %v; plain: %v", packed.Header, plain.Header)
	}
}

// T192: a version is needed only where that is configured.
func TestT192_RequireVersion(t *testing.T) {
	t.Parallel()
	mux := protocoltest.NewMux(t)
	for _, required := range []bool{false, true} {
		p, err := connect.New(connect.Config{RequireVersion: required})
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]*transcoder.Request{
			"unary":  {Method: "POST", Path: unary, Header: wire.Header{{Name: "content-type", Value: "application/proto"}}},
			"stream": {Method: "POST", Path: "/protocoltest.Contract/Both", Header: wire.Header{{Name: "content-type", Value: "application/connect+proto"}}},
			"GET":    {Method: "GET", Path: unary, Query: "encoding=proto&message="},
		} {
			_, err := p.Open(mux, transcoder.NewCall(t.Context(), r))
			if (err != nil) != required {
				t.Errorf("%s, required %v: %v", name, required, err)
			}
			if e, ok := errors.AsType[*status.Error](err); ok && e.Code != codes.InvalidArgument {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// T180: what is Connect's and what is not, by content type, field and query, and never by the path.
func TestT180_Accepts(t *testing.T) {
	t.Parallel()
	p, err := connect.New(connect.Config{Config: rpc.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, contentType, version, query string
		want                                bool
	}{
		{"POST", "application/proto", "", "", true},
		{"POST", "Application/Proto; x=y", "", "", true},
		{"DELETE", "application/proto", "", "", true}, // to be told that it is a POST
		{"POST", "application/protobuf", "", "", false},
		{"POST", "application/json", "", "", false},
		{"POST", "application/json", "1", "", true},
		{"POST", "application/json", "7", "", true}, // to be told that there is no such version
		{"PUT", "application/json", "1", "", false},
		{"POST", "image/jpeg", "1", "", true}, // to be told what would do
		{"POST", "image/jpeg", "", "", false},
		{"POST", "application/connect+proto", "", "", true},
		{"POST", "application/connect+nope", "", "", true},
		{"POST", "application/connect", "", "", false},
		{"GET", "", "", "connect=v1", true},
		{"GET", "", "", "a=b&connect=v1&c", true},
		{"GET", "", "", "connect=v2", false},
		{"GET", "", "", "message=x&encoding=json", true},
		{"GET", "", "", "encoding=proto&message=", true},
		{"GET", "", "", "message=hello&encoding=utf8", false}, // fields of a REST call may have such names
		{"GET", "", "", "message=hello", false},
		{"GET", "", "1", "", false},
		{"HEAD", "", "", "connect=v1", false},
	} {
		r := &transcoder.Request{Method: tt.method, Path: "/any", Query: tt.query}
		if tt.contentType != "" {
			r.Header.Add("content-type", tt.contentType)
		}
		if tt.version != "" {
			r.Header.Add("connect-protocol-version", tt.version)
		}
		if got := p.Accepts(r); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
