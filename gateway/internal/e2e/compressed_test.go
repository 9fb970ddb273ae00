// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/gateway/config"
	"github.com/dragoman-gateway/dragoman/transcoder/wire"
)

// frame is one enveloped message.
type frame struct {
	flags byte
	data  string
}

func (f frame) bytes() []byte {
	var head [wire.EnvelopeSize]byte
	wire.PutEnvelope(head[:], f.flags, len(f.data))
	return append(head[:], f.data...)
}

func join(frames ...frame) (all []byte) {
	for _, f := range frames {
		all = append(all, f.bytes()...)
	}
	return all
}

// framesOf cuts a body into its frames.
func framesOf(t testing.TB, body []byte) (frames []frame) {
	t.Helper()
	for len(body) > 0 {
		if len(body) < wire.EnvelopeSize {
			t.Fatalf("%x is no envelope", body)
		}
		n := int(body[1])<<24 | int(body[2])<<16 | int(body[3])<<8 | int(body[4])
		if len(body) < wire.EnvelopeSize+n {
			t.Fatalf("a message of %d bytes is cut off", n)
		}
		frames = append(frames, frame{body[0], string(body[wire.EnvelopeSize : wire.EnvelopeSize+n])})
		body = body[wire.EnvelopeSize+n:]
	}
	return frames
}

// gzipped compresses with a comment in it, so that nobody else's gzip is the same.
func gzipped(t testing.TB, data, comment string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Comment = comment
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// handRequest is one call as it stood on the wire.
type handRequest struct {
	header http.Header
	frames []frame
}

// byHand runs a gRPC server that is made of HTTP/2 alone, until the test ends: it shows what the gateway sends, byte by byte, and
// answers as it is told.
func byHand(t testing.TB, header http.Header, answer ...frame) (address string, calls <-chan handRequest) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan handRequest, 100)
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the gateway has cancelled the call
		}
		seen <- handRequest{header: r.Header, frames: framesOf(t, body)}
		w.Header().Set("Content-Type", "application/grpc")
		for name, values := range header {
			w.Header()[name] = values
		}
		if _, err := w.Write(join(answer...)); err != nil {
			return // the gateway has cancelled the call
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return listener.Addr().String(), seen
}

func readsGzip(c *config.Config) { c.Backends[0].Gzip = true }

// TestT182_CompressedMessagesPass: what is compressed with gzip passes as it is, both ways, where both ends can read it; and nobody
// is given it who has not said that he can.
func TestT182_CompressedMessagesPass(t *testing.T) {
	t.Parallel()
	const ask, say = "\x0a\x04ask!", "\x0a\x04say!" // field 1, a string
	asked, said := gzipped(t, ask, "the client's"), gzipped(t, say, "the backend's")
	for _, tt := range []struct {
		name, method string
		edit         func(*config.Config)
		fields       []string
		request      []frame
		encoding     string // of the answer
		answer       []frame

		wantEncoding            string // at the backend
		asked                   bool   // for gzip
		wantRequest, wantAnswer []frame
	}{
		{
			name: "both ways", method: binding + "NoRule", edit: readsGzip,
			fields:  []string{"grpc-encoding", "gzip", "grpc-accept-encoding", "identity,deflate,gzip"},
			request: []frame{{1, asked}}, encoding: "gzip", answer: []frame{{1, said}},
			wantEncoding: "gzip", asked: true, wantRequest: []frame{{1, asked}}, wantAnswer: []frame{{1, said}},
		},
		{
			name: "a stream", method: streams + "ConverseNoRule", edit: readsGzip,
			fields:  []string{"grpc-encoding", "gzip", "grpc-accept-encoding", "gzip"},
			request: []frame{{1, asked}, {1, asked}, {0, ""}}, encoding: "gzip", answer: []frame{{1, said}, {0, say}, {0, ""}},
			wantEncoding: "gzip", asked: true, wantRequest: []frame{{1, asked}, {1, asked}, {0, ""}}, wantAnswer: []frame{{1, said}, {0, say}, {0, ""}},
		},
		{
			name: "plain messages among compressed ones", method: streams + "ConverseNoRule", edit: readsGzip,
			fields:  []string{"grpc-encoding", "gzip"},
			request: []frame{{0, ask}, {1, asked}}, answer: []frame{{0, say}},
			wantEncoding: "gzip", asked: true, wantRequest: []frame{{0, ask}, {1, asked}}, wantAnswer: []frame{{0, say}},
		},
		{
			name: "a backend that is not known to read gzip", method: binding + "NoRule",
			fields:  []string{"grpc-encoding", "gzip", "grpc-accept-encoding", "gzip"},
			request: []frame{{1, asked}}, encoding: "gzip", answer: []frame{{1, said}},
			asked: true, wantRequest: []frame{{0, ask}}, wantAnswer: []frame{{1, said}},
		},
		{
			name: "an answer alone", method: binding + "NoRule", edit: readsGzip,
			fields:  []string{"grpc-accept-encoding", "gzip"},
			request: []frame{{0, ask}}, encoding: "gzip", answer: []frame{{1, said}},
			asked: true, wantRequest: []frame{{0, ask}}, wantAnswer: []frame{{1, said}},
		},
		{
			name: "a backend that nobody asked", method: binding + "NoRule",
			fields: []string{"grpc-accept-encoding", "identity"}, request: []frame{{0, ask}}, encoding: "gzip", answer: []frame{{1, said}},
			wantRequest: []frame{{0, ask}}, wantAnswer: []frame{{0, say}},
		},
		{
			name: "a request alone", method: streams + "ConverseNoRule", edit: readsGzip,
			fields:  []string{"grpc-encoding", "gzip", "grpc-accept-encoding", "identity"},
			request: []frame{{1, asked}}, encoding: "gzip", answer: []frame{{1, said}, {0, say}},
			wantEncoding: "gzip", asked: true, wantRequest: []frame{{1, asked}}, wantAnswer: []frame{{0, say}, {0, say}},
		},
		{
			name: "what only the gateway reads", method: binding + "NoRule", edit: readsGzip,
			fields:  []string{"grpc-encoding", "br", "grpc-accept-encoding", "br,zstd"},
			request: []frame{{0, ask}}, answer: []frame{{0, say}},
			wantRequest: []frame{{0, ask}}, wantAnswer: []frame{{0, say}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			if tt.encoding != "" {
				header.Set("Grpc-Encoding", tt.encoding)
			}
			address, calls := byHand(t, header, tt.answer...)
			d := startFor(t, address, tt.edit)
			p := d.probe(t)
			a, err := p.rawCall(tt.method, join(tt.request...), append([]string{"content-type", "application/grpc", "te", "trailers"}, tt.fields...)...)
			if err != nil || a.grpcStatus() != "0" {
				t.Fatalf("%+v, %v", a, err)
			}
			got := <-calls
			// gRPC asks for gzip by itself where the program imports it, as this one does.
			accept := strings.Join(got.header.Values("Grpc-Accept-Encoding"), ",")
			if encoding := got.header.Get("Grpc-Encoding"); encoding != tt.wantEncoding || (tt.asked && !strings.Contains(accept, "gzip")) {
				t.Errorf("the backend is told of %q and asked for %q; want %q, and gzip %v", encoding, accept, tt.wantEncoding, tt.asked)
			}
			if !slices.Equal(got.frames, tt.wantRequest) {
				t.Errorf("the backend has\n%q, want\n%q", got.frames, tt.wantRequest)
			}
			frames := framesOf(t, []byte(a.body))
			if !slices.Equal(frames, tt.wantAnswer) {
				t.Errorf("the client has\n%q, want\n%q", frames, tt.wantAnswer)
			}
			for _, f := range frames {
				if f.flags == 1 && a.header.Get("Grpc-Encoding") != "gzip" {
					t.Error("a message is compressed and no grpc-encoding says how")
				}
			}
		})
	}
}

// TestE8_CompressedMessagesKeepToTheLimits: a compressed message that passes as it is keeps to the limit of what it holds.
func TestE8_CompressedMessagesKeepToTheLimits(t *testing.T) {
	t.Parallel()
	bomb := gzipped(t, strings.Repeat("\x0a\x64"+strings.Repeat("x", 100), 1000), "")
	address, calls := byHand(t, http.Header{"Grpc-Encoding": {"gzip"}}, frame{1, bomb})
	for _, method := range []string{binding + "NoRule", streams + "ConverseNoRule"} {
		d := startFor(t, address, func(c *config.Config) {
			readsGzip(c)
			c.Listeners[0].MaxMessage, c.Listeners[0].MaxAnswer = 5_000, 5_000
		})
		gRPC := []string{"content-type", "application/grpc", "te", "trailers"}
		a, err := d.probe(t).rawCall(method, join(frame{1, bomb}), append(slices.Clone(gRPC), "grpc-encoding", "gzip")...)
		if err != nil || a.grpcStatus() != "8" {
			t.Errorf("%s: a request: %+v, %v", method, a, err)
		}
		a, err = d.probe(t).rawCall(method, join(frame{1, "\x1f\x8b\x08rubbish"}), append(slices.Clone(gRPC), "grpc-encoding", "gzip")...)
		if err != nil || a.grpcStatus() != "3" {
			t.Errorf("%s: rubbish: %+v, %v", method, a, err)
		}
		// The client does not accept gzip, so the gateway has to decompress what the backend sends.
		a, err = d.probe(t).rawCall(method, join(frame{}), gRPC...)
		if err != nil || a.grpcStatus() != "8" || !strings.Contains(a.header.Get("Grpc-Message")+a.trailer.Get("Grpc-Message"), "5000") {
			t.Errorf("%s: an answer: %+v, %v", method, a, err)
		}
		for len(calls) > 0 {
			if got := <-calls; len(got.frames) > 0 && got.frames[0].data != "" {
				t.Errorf("%s: the backend was sent %d bytes", method, len(got.frames[0].data))
			}
		}
	}
}
