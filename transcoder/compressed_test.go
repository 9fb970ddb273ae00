// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package transcoder

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dragoman-gateway/dragoman/transcoder/compression"
)

// errCalled is what a backend says that only notes how it was called.
var errCalled = errors.New("called")

// plainConn is a channel without DialOptions; it keeps what it was called with.
type plainConn struct {
	md      metadata.MD
	options []grpc.CallOption
}

func (p *plainConn) Invoke(ctx context.Context, _ string, _, _ any, options ...grpc.CallOption) error {
	p.md, _ = metadata.FromOutgoingContext(ctx)
	p.options = options
	return errCalled
}

func (p *plainConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, p.Invoke(ctx, method, nil, nil, options...)
}

// compressedConn is one with them.
type compressedConn struct {
	plainConn

	reads bool
}

func (c *compressedConn) ReadsCompressed() bool { return c.reads }

// oneMessage is a client with one message.
type oneMessage struct {
	Stream

	given bool
}

func (o *oneMessage) Recv() (Message, error) {
	if o.given {
		return Message{}, io.EOF
	}
	o.given = true
	return Message{}, nil
}

func (o *oneMessage) CloseRecv() {}

// T182: what is agreed on compression, for each kind of call: nothing is asked of a backend whose answer the channel could not read.
func TestT182_WhatIsAskedOfABackend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		conn            grpc.ClientConnInterface
		request, answer string // encodings of the client
		accept          []string
		keep            bool
		wantAnswer      string
	}{
		{"a channel of another kind", &plainConn{}, "gzip", "gzip", nil, false, ""},
		{"a client that takes gzip", &compressedConn{}, "", "gzip", []string{"gzip"}, false, "gzip"},
		{"a client that takes nothing", &compressedConn{reads: true}, "", "", nil, false, ""},
		{"both ways", &compressedConn{reads: true}, "gzip", "gzip", nil, true, "gzip"}, // gRPC itself asks for what it sends
		{"a backend that does not read gzip", &compressedConn{}, "gzip", "gzip", []string{"gzip"}, false, "gzip"},
		{"an encoding that does not pass", &compressedConn{reads: true}, "br", "zstd", nil, false, ""},
	} {
		for _, kind := range []struct{ client, server bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
			c := NewCall(t.Context(), &Request{})
			c.Method = BareMethod("/a.B/C", kind.client, kind.server)
			c.RequestEncoding, c.AnswerEncoding = tt.request, tt.answer
			_ = Forward(c, &oneMessage{}, tt.conn)
			md := mdOf(t, tt.conn)
			if got := md.Get("grpc-accept-encoding"); !slices.Equal(got, tt.accept) || c.KeepCompressed != tt.keep || c.AnswerEncoding != tt.wantAnswer {
				t.Errorf("%s, %s: asked for %q, keeps %v, takes %q; want %q, %v, %q", tt.name, c.Method.Kind(), got, c.KeepCompressed, c.AnswerEncoding, tt.accept, tt.keep, tt.wantAnswer)
			}
		}
	}
}

func mdOf(t testing.TB, conn grpc.ClientConnInterface) metadata.MD {
	t.Helper()
	switch c := conn.(type) {
	case *plainConn:
		return c.md
	case *compressedConn:
		return c.md
	default:
		t.Fatalf("%T", conn)
		return nil
	}
}

// What a compressedCodec and a passCompressor make of a message, a passDecompressor and the codec give back.
func TestCompressedCodec(t *testing.T) {
	t.Parallel()
	packed, err := compression.Find(compression.Gzip).Compress(mem.BufferSlice{mem.SliceBuffer("hello")})
	if err != nil {
		t.Fatal(err)
	}
	codec := compressedCodec{sends: true}
	for name, in := range map[string]Message{
		"compressed": {Data: packed, Encoding: "gzip"},
		"plain":      {Data: mem.BufferSlice{mem.SliceBuffer("hel"), mem.SliceBuffer("lo")}},
	} {
		data, err := codec.Marshal(&in)
		if err != nil {
			t.Fatal(err)
		}
		var sent mem.BufferSlice
		if err := (passCompressor{}).Do(mem.NewWriter(&sent, mem.NopBufferPool{}), data.Materialize()); err != nil {
			t.Fatal(err)
		}
		if name == "compressed" && string(sent.Materialize()) != string(packed.Materialize()) {
			t.Error("compressed bytes were changed")
		}
		received, err := (passDecompressor{}).Do(sent.Reader())
		if err != nil {
			t.Fatal(err)
		}
		if string(received) != "hello" {
			t.Errorf("%s: another codec sees %q", name, received)
		}
		var out Message
		if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(received)}, &out); err != nil || out.Encoding != "gzip" {
			t.Fatalf("%s: %v, encoding %q", name, err, out.Encoding)
		}
		if err := out.Decompress(5); err != nil || string(out.Data.Materialize()) != "hello" {
			t.Errorf("%s: %q, %v", name, out.Data.Materialize(), err)
		}
	}
	// A message of another codec is compressed, and one that is large is seen by no other.
	var sent mem.BufferSlice
	if err := (passCompressor{}).Do(mem.NewWriter(&sent, mem.NopBufferPool{}), []byte("\x01another's")); err != nil {
		t.Fatal(err)
	}
	if plain, err := compression.Find(compression.Gzip).Decompress(sent, 100); err != nil || string(plain.Materialize()) != "\x01another's" {
		t.Errorf("another codec's message is %q, %v", plain.Materialize(), err)
	}
	noise := make([]byte, 3*smallCompressed)
	_, _ = rand.Read(noise)
	for name, plain := range map[string][]byte{"large": noise, "growing": make([]byte, 2*smallPlain)} {
		packed, err := compression.Find(compression.Gzip).Compress(mem.BufferSlice{mem.SliceBuffer(plain)})
		if err != nil {
			t.Fatal(err)
		}
		received, err := (passDecompressor{}).Do(packed.Reader())
		if err != nil {
			t.Fatal(err)
		}
		if err := (RawCodec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(received)}, &wrapperspb.StringValue{}); err == nil {
			t.Errorf("%s: another codec takes compressed bytes for a message", name)
		}
		var out Message
		if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(received)}, &out); err != nil || out.Encoding != "gzip" || !bytes.Equal(out.Data.Materialize(), packed.Materialize()) {
			t.Errorf("%s: %d bytes in %q, %v", name, out.Data.Len(), out.Encoding, err)
		}
	}
	// What was not decompressed is plain, also if it is as long as a mark, and also if it is empty.
	for _, data := range []string{"", "0123456789abcdef", "0123456789abcdef and more"} {
		var out Message
		if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, &out); err != nil || out.Encoding != "" || string(out.Data.Materialize()) != data {
			t.Errorf("%q: %q in %q, %v", data, out.Data.Materialize(), out.Encoding, err)
		}
	}
	if data, err := codec.Marshal(&Message{}); err != nil || data.Len() != 0 {
		t.Errorf("an empty message has %d bytes, %v", data.Len(), err)
	}
}

// compressedMessage is a client whose message is compressed.
type compressedMessage struct {
	Stream

	m Message
}

func (c *compressedMessage) Recv() (Message, error) { return c.m, nil }

// An interceptor that looks into a message sees it decompressed, and a bomb is refused.
func TestServerStreamDecompresses(t *testing.T) {
	t.Parallel()
	wire, err := RawCodec{}.Marshal(wrapperspb.String("hello"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := compression.Find(compression.Gzip).Compress(wire)
	if err != nil {
		t.Fatal(err)
	}
	for limit, ok := range map[int64]bool{100: true, 3: false} {
		packed.Ref()
		c := NewCall(t.Context(), &Request{Limits: &Limits{MaxMessage: limit}})
		c.Method = BareMethod("/a.B/C", true, true)
		var m wrapperspb.StringValue
		err := ServerStream(c, &compressedMessage{m: Message{Data: packed, Encoding: "gzip"}}).RecvMsg(&m)
		if (err == nil) != ok || (ok && m.GetValue() != "hello") {
			t.Errorf("limit %d: %q, %v; want ok %v", limit, m.GetValue(), err, ok)
		}
	}
}
